import { isIP } from 'node:net'
import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'

/** Nothing that ends a word, a string, a directive or a block of nginx's. */
const path = z
  .string()
  .regex(/^[\w\-./]+$/, 'letters, digits and - _ . / only')
  .refine(isAbsolute, 'an absolute path')

const hostAndPort = z.string().refine((text) => {
  const [, host = '', port = ''] = /^\[?([\w.:-]+?)\]?:(\d{1,5})$/.exec(text) ?? []
  return (isIP(host) !== 0 || /^[\w.-]+$/.test(host)) && Number(port) > 0 && Number(port) < 65_536
}, 'host:port')

/** What the configuration for nginx is made from, besides the configuration in force. */
export const nginxSettingsSchema = z.strictObject({
  /** Where callers come: `0.0.0.0:443`. */
  listen: hostAndPort,
  /** Where the authorizer listens. */
  authorizer: z.union([z.strictObject({ socket: path }), hostAndPort]),
  /** A file that only nginx's master reads: see `secretInclude`. */
  secretFile: path,
  /** nginx's own directory: pid, log, and what it writes. */
  directory: path,
  /** TLS ends here, with `<host>/fullchain.pem` and `privkey.pem` below, and `_default/`. */
  certificates: path.optional(),
  /** Decisions are used again for the rest of the second; they are kept here, in memory at best. */
  cache: path.optional(),
  /** Fields of requests that are passed on besides the usual ones. */
  fields: z.array(z.string()).max(100).default([]),
  workers: z.union([z.int().min(1).max(1_024), z.literal('auto')]).default('auto'),
  bodyBytesMax: z
    .int()
    .min(0)
    .default(32 * 1024 * 1024),
  /** Upstreams over TLS are believed by these. */
  authorities: path.default('/etc/ssl/certs/ca-certificates.crt'),
  /** `debug` and the like are nginx's own affair. */
  errorLevel: z.enum(['info', 'notice', 'warn', 'error', 'crit']).default('warn'),
})

export type NginxSettings = z.output<typeof nginxSettingsSchema>
export type NginxSettingsInput = z.input<typeof nginxSettingsSchema>

/** @throws RingfenceError `invalid_argument` that names what is not good */
export function parseSettings(input: unknown): NginxSettings {
  const parsed = nginxSettingsSchema.safeParse(input)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const where = issue?.path.join('.') ?? ''
  throw new RingfenceError('invalid_argument', `nginx settings: ${where}: ${issue?.message}`)
}
