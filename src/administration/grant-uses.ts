import { z } from 'zod'
import { anId, itemsOf, listed, time } from './fields.ts'
import { operation } from './operation.ts'

export const grantUseSchema = z
  .object({
    grant: z.string(),
    side: z.enum(['grantor', 'grantee']).meta({ description: 'Which of the two this tenant is.' }),
    token: z.string().meta({ description: '`jti` of the token that was issued.' }),
    scopes: z.array(z.string()),
    at: time,
  })
  .meta({ id: 'GrantUse' })
export type WireGrantUse = z.output<typeof grantUseSchema>

/** What came of grants: in the record of each of both tenants. */
export const GRANT_USE_OPERATIONS = {
  listGrantUses: operation({
    ...{ method: 'get', path: '/grant-uses', tag: 'realms', status: 200 },
    summary: 'Tokens that were issued under grants, given and got; the newest first.',
    input: z.strictObject({ grant: anId.optional(), ...listed }),
    output: itemsOf(grantUseSchema),
    keyOf: ({ at, token }: WireGrantUse) => `${Date.parse(at)}.${token}`,
  }),
} as const
