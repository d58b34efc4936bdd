import { randomUUID } from 'node:crypto'
import { type GrantConfig, grantSchema } from '../../contracts/grant.ts'
import { parseGrantId, parseSubject } from '../../core/names.ts'
import type { Access } from '../../tokens/access-token.ts'
import { grantSubject } from '../../tokens/delegation.ts'
import { accessToken } from './claims.ts'
import { CLINIC } from './ground.ts'
import type { Party } from './party.ts'

const HOUR_MS = 3_600_000
export const GRANT = parseGrantId('gr-aaaaaaaaaaaaaaaaaaaa')
/** Of the grantee: whoever is meant. */
export const GRANTED = parseSubject('user-1')

export const momentIn = (ms: number): string => new Date(Date.now() + ms).toISOString()

/** What one tenant lets a principal of another do: read its records. */
export function grantFor(
  grantee: Party,
  change: Readonly<Record<string, unknown>> = {},
): GrantConfig {
  return grantSchema.parse({
    id: GRANT,
    grantee: grantee.tenant,
    subject: GRANTED,
    scopes: ['read', 'write'],
    apis: [CLINIC],
    actions: ['read'],
    resources: ['/records'],
    notBefore: momentIn(-HOUR_MS),
    expires: momentIn(HOUR_MS),
    bills: 'grantor',
    ...change,
  })
}

/** What the grantor's realm says of whoever works under the grant. */
export function delegationBy(grantee: Party) {
  return {
    subject: grantSubject(GRANT),
    session: GRANT,
    actor: { issuer: grantee.issuer, subject: GRANTED },
    delegation: {
      grant: GRANT,
      grantee: grantee.tenant,
      source: {
        id: randomUUID(),
        client: 'browser',
        session: `home-${grantee.tenant}`,
        issuedAt: new Date(Math.floor(Date.now() / 1000) * 1000 - 5_000),
      },
    },
  } satisfies Partial<Access>
}

/** A token of the grantor's realm for the grantee's principal. */
export function delegatedToken(
  grantor: Party,
  grantee: Party,
  changes: Partial<Access> = {},
): Promise<string> {
  return accessToken(grantor, { ...delegationBy(grantee), ...changes })
}
