import { isIP } from 'node:net'
import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'

/** Nothing that ends a word, a string, a directive or a block of a proxy's configuration. */
export const path = z
  .string()
  .regex(/^[\w\-./]+$/, 'letters, digits and - _ . / only')
  .refine(isAbsolute, 'an absolute path')

export const hostAndPort = z.string().refine((text) => partsOf(text) !== undefined, 'host:port')

/** Where the authorizer listens. */
export const authorizerPlace = z.union([z.strictObject({ socket: path }), hostAndPort])
export type AuthorizerPlace = z.output<typeof authorizerPlace>

/** How large a request's body may be that a proxy takes, in bytes. */
export const bodyBytesMax = z
  .int()
  .min(0)
  .default(32 * 1024 * 1024)

/** What upstreams over TLS are believed by. */
export const authorities = path.default('/etc/ssl/certs/ca-certificates.crt')

/** Undefined for what is not `host:port`, with IPv6 in brackets. */
export function partsOf(
  text: string,
): { readonly host: string; readonly port: number } | undefined {
  const [, host = '', digits = ''] = /^\[?([\w.:-]+?)\]?:(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  const isHost = isIP(host) !== 0 || /^[\w.-]+$/.test(host)
  return isHost && port > 0 && port < 65_536 ? { host, port } : undefined
}

/** @throws RingfenceError `invalid_argument` that names what is not good */
export function parseWith<S extends z.ZodType>(
  schema: S,
  proxy: string,
  input: unknown,
): z.output<S> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const where = issue?.path.join('.') ?? ''
  throw new RingfenceError('invalid_argument', `${proxy} settings: ${where}: ${issue?.message}`)
}
