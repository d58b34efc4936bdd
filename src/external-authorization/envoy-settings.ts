import { z } from 'zod'
import { parseHost } from '../gateway/host.ts'
import {
  authorities,
  authorizerPlace,
  bodyBytesMax,
  hostAndPort,
  parseWith,
  path,
} from './setting-forms.ts'

/** Below it, bodies cannot be counted. */
export const BODY_BYTES_LEAST = 512 * 1024
const hostName = z.string().refine((text) => parseHost(text) === text, 'a plain host name')

/** What the configuration for Envoy is made from, besides the configuration in force. */
export const envoySettingsSchema = z.strictObject({
  /** Where callers come: `0.0.0.0:443`. */
  listen: hostAndPort,
  authorizer: authorizerPlace,
  /** How Envoy asks: gRPC, or plain HTTP where nothing else is to be had. */
  protocol: z.enum(['grpc', 'http']).default('grpc'),
  /** A file that only Envoy reads: see `envoySecret`. */
  secretFile: path.refine((file) => file.endsWith('.json'), 'a file of JSON: .json'),
  /** TLS ends here, with `<host>/fullchain.pem` and `privkey.pem` below, and `_default/`. */
  certificates: path.optional(),
  /**
   * The hosts that have a certificate of their own there: Envoy does not begin with one missing.
   * Default: all hosts of tenants.
   */
  hosts: z.array(hostName).optional(),
  /** Counted in pieces of 32 KiB: with too few of them Envoy would wait instead of refusing. */
  bodyBytesMax: bodyBytesMax.refine(
    (bytes) => bytes >= BODY_BYTES_LEAST,
    `at least ${BODY_BYTES_LEAST}`,
  ),
  authorities,
  /** A file that gets a line for each request that was let through, from which usage is read. */
  accessLog: path.optional(),
})

export type EnvoySettings = z.output<typeof envoySettingsSchema>
export type EnvoySettingsInput = z.input<typeof envoySettingsSchema>

/** @throws RingfenceError `invalid_argument` that names what is not good */
export function parseEnvoySettings(input: unknown): EnvoySettings {
  return parseWith(envoySettingsSchema, 'Envoy', input)
}
