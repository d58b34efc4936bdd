import { z } from 'zod'

const listen = z.union([
  z.strictObject({ socket: z.string().min(1) }),
  z.strictObject({ host: z.string().min(1), port: z.int().min(0).max(65_535) }),
])

const acmeSchema = z.strictObject({
  /** `https://acme-v02.api.letsencrypt.org/directory`. Who names an authority agrees to its terms. */
  directoryUrl: z.url({ protocol: /^https?$/ }),
  /** PEM; made, for our own user alone, if it is not there. */
  accountKeyFile: z.string().min(1),
  /** Whom the authority writes to. */
  email: z.email().exactOptional(),
  /** Who we are to an authority that asks for it. */
  binding: z
    .strictObject({ kid: z.string().min(1), hmacKeyFile: z.string().min(1) })
    .exactOptional(),
  /** Who vouches for an authority that the world does not know: PEM. */
  caFile: z.string().min(1).exactOptional(),
})

/** TLS ends at the gateway. */
export const tlsSchema = z
  .strictObject({
    /** Directory of `<host>/fullchain.pem` and `<host>/privkey.pem`, and `_default/` for the platform's own. */
    certificates: z.string().min(1),
    /** Where plain HTTP is sent to https, and challenges are answered. */
    plain: listen.exactOptional(),
    /** Gets certificates for tenants' hosts. */
    acme: acmeSchema.exactOptional(),
  })
  .refine(({ acme, plain }) => acme === undefined || plain !== undefined, {
    error: 'acme needs plain: the authority asks there',
  })

/** Proxies before the gateway whose word on callers' addresses is taken. */
export const trustedProxiesSchema = z.strictObject({
  ranges: z.array(z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()])).min(1),
  field: z.enum(['x-forwarded-for', 'forwarded']).exactOptional(),
})

export const workersSchema = z.int().min(1).max(64)

export type TlsSettings = z.output<typeof tlsSchema>
