import { z } from 'zod'
import { oidcConfigSchema, samlConfigSchema } from './connection-config.ts'

const common = {
  displayName: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .regex(/^[^\p{Cc}]*$/u, 'a name without control characters'),
  enabled: z.boolean().default(true),
}

/** A connection as an administrator gives it. Strict: what is not known is refused. */
export const connectionInputSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('oidc'),
    ...common,
    config: oidcConfigSchema,
    /** Left out on a change: as it was. Needed again when the issuer is another. */
    clientSecret: z
      .string()
      .regex(/^[\x20-\x7e]{8,512}$/, 'a secret of 8 to 512 characters')
      .optional(),
  }),
  z.strictObject({ kind: z.literal('saml'), ...common, config: samlConfigSchema }),
])

export type ConnectionInput = z.input<typeof connectionInputSchema>
export type ParsedConnectionInput = z.output<typeof connectionInputSchema>
