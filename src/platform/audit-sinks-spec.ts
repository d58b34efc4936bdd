import { z } from 'zod'

const file = z.string().min(1)
const name = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/)
const format = z.enum(['entries', 'ocsf']).default('entries')

/** Where the platform's own log is sent. Tenants say themselves where theirs go. */
export const auditSinksSchema = z
  .array(
    z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('webhook'),
        name,
        url: z.url(),
        secretFile: file,
        format,
      }),
      z.strictObject({
        kind: z.literal('syslog'),
        name,
        host: z.string().min(1).max(253),
        port: z.int().min(1).max(65_535).default(6_514),
        /** Of whose certificates are trusted, in PEM. Default: the system's. */
        caFile: file.exactOptional(),
        /** `false`: it goes in plain text. */
        tls: z.boolean().default(true),
        format,
      }),
      z.strictObject({
        kind: z.literal('s3'),
        name,
        endpoint: z.url(),
        region: z.string().min(1),
        bucket: z.string().min(1),
        prefix: z.string().default(''),
        accessKeyIdFile: file,
        secretAccessKeyFile: file,
        format,
      }),
    ]),
  )
  .default([])

export type AuditSinkSpec = z.output<typeof auditSinksSchema>[number]
