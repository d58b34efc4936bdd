import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { messageOf, RingfenceError } from '../core/errors.ts'

/** Without TLS only where nobody listens: this machine. */
const LOOPBACK = /^redis:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d{1,5})?$/
const TLS = /^rediss:\/\/[A-Za-z0-9.-]{1,253}(?::\d{1,5})?$/
const SOCKET = /^unix:\/[^\0]{1,200}$/

/** How a plane is told where Redis is, and as whom to log in there. */
export const redisServerShape = {
  /** `rediss://host:port`, `redis://127.0.0.1:port` on this machine, or `unix:/path`. No password in it. */
  url: z
    .string()
    .refine(
      (url) => [LOOPBACK, TLS, SOCKET].some((form) => form.test(url)),
      'rediss://host:port, redis:// on this machine, or unix:/path, without user and password',
    ),
  user: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  passwordFile: z.string().min(1),
  /** PEM, in place of the machine's own authorities. */
  caFile: z.string().min(1).optional(),
} as const

/** How to reach the server, for whoever it is. */
export interface RedisServer {
  readonly path?: string
  readonly host?: string
  readonly port?: number
  readonly tls?: { readonly ca?: string; readonly servername: string }
}

/** @throws RingfenceError `invalid_argument` when the file of authorities cannot be read */
export function serverOf({
  url,
  caFile,
}: {
  readonly url: string
  readonly caFile?: string | undefined
}): RedisServer {
  if (url.startsWith('unix:')) return { path: url.slice('unix:'.length) }
  const { protocol, hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  const at = { host, port: port === '' ? 6379 : Number(port) }
  if (protocol === 'redis:') return at
  const ca = caFile === undefined ? {} : { ca: readSetting(caFile) }
  return { ...at, tls: { ...ca, servername: host } }
}

/** @throws RingfenceError `invalid_argument` */
export function readSetting(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new RingfenceError('invalid_argument', `the settings of Redis: ${messageOf(error)}`)
  }
}
