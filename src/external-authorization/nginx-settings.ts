import { z } from 'zod'
import {
  authorities,
  authorizerPlace,
  bodyBytesMax,
  hostAndPort,
  parseWith,
  path,
} from './setting-forms.ts'

/** What the configuration for nginx is made from, besides the configuration in force. */
export const nginxSettingsSchema = z.strictObject({
  /** Where callers come: `0.0.0.0:443`. */
  listen: hostAndPort,
  authorizer: authorizerPlace,
  /** A file that only nginx's master reads: see `secretInclude`. */
  secretFile: path,
  /** nginx's own directory: pid, log, and what it writes. */
  directory: path,
  /** TLS ends here, with `<host>/fullchain.pem` and `privkey.pem` below, and `_default/`. */
  certificates: path.optional(),
  /** Whom nginx's workers run as where root starts it. They open the authorizer's socket. */
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/)
    .optional(),
  /** Decisions are used again for the rest of the second; they are kept here, in memory at best. */
  cache: path.optional(),
  /** Fields of requests that are passed on besides the usual ones. */
  fields: z.array(z.string()).max(100).default([]),
  workers: z.union([z.int().min(1).max(1_024), z.literal('auto')]).default('auto'),
  bodyBytesMax,
  authorities,
  /** A file that gets a line for each request that was let through, from which usage is read. */
  accessLog: path.optional(),
  /** `debug` and the like are nginx's own affair. */
  errorLevel: z.enum(['info', 'notice', 'warn', 'error', 'crit']).default('warn'),
})

export type NginxSettings = z.output<typeof nginxSettingsSchema>
export type NginxSettingsInput = z.input<typeof nginxSettingsSchema>

/** @throws RingfenceError `invalid_argument` that names what is not good */
export function parseSettings(input: unknown): NginxSettings {
  return parseWith(nginxSettingsSchema, 'nginx', input)
}
