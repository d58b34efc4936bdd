import type { JWK } from 'jose'
import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { parseClientId, parseServiceName } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'
import type { ContextKeyFile } from './context-keys.ts'
import type { SessionConfig } from './postgres/lease-login.ts'
import type { TenantPoolOptions } from './postgres/pool-options.ts'
import type { ServiceTracer } from './tracing.ts'

/** A part of the platform: where it is, and who it is in client assertions. */
export interface Peer {
  /** `unix:/path`, `http://host:port` or `https://…`. */
  readonly address: string
  readonly audience: string
}

/** What a service needs to know of the platform that it runs on. */
export interface RingfenceOptions {
  /** This service: only contexts for it are accepted. */
  readonly service: string
  /** This workload's own identity at vending. */
  readonly clientId: string
  /** Its private key: a JWK, or the path of a file that holds one. */
  readonly clientKey: JWK | string
  /** Keys that sign tenant contexts, or the path of a file of them, which is read again when it changes. */
  readonly contextKeys: ContextKeyFile | string
  readonly vending: Peer
  /** Needed for jobs alone. */
  readonly control?: Peer
  /** The decision point, for `authorize` alone. */
  readonly decisions?: Peer
  /** Where usage is reported to, for `usage.record` alone. */
  readonly usage?: UsageSettings
  /** Milliseconds within which a lease is had or the request fails. Default 5000. */
  readonly leaseMsMax?: number
  /** Gets spans of this service's work on tenants' data. Default nobody: `openTelemetryTracer` makes one. */
  readonly tracer?: ServiceTracer
  /**
   * Which statements say in a comment to which trace they belong: those of traces that are kept, none,
   * or all. Named prepared statements never do. Default `sampled`.
   */
  readonly sqlTags?: 'sampled' | 'never' | 'always'
  readonly pool?: PoolSettings
}

/** The records plane, and where usage waits for it. */
export interface UsageSettings extends Peer {
  /**
   * A directory of this process's own, on a disk that outlives it, made when it is not there. Two
   * processes have two; one that is started again has the same.
   */
  readonly spool: string
  /** Bytes that may wait there; then `record` refuses. Default 256 MiB. */
  readonly spoolBytesMax?: number
  /** Told when usage is not sent on, or was refused for good. Nothing secret is in it. */
  readonly log?: (line: string) => void
}

/** Sessions that this process may hold at the database servers, and how. */
export interface PoolSettings
  extends Partial<Omit<TenantPoolOptions<string>, 'lease' | 'session' | 'route'>> {
  /** How a session begins. `application_name` is the service's name by default. */
  readonly session?: SessionConfig
  /**
   * Where to connect instead of to the server of a lease: to a pooler in front of it. Sessions whose
   * pooler is in transaction mode, or logs in as somebody else, are refused (`engine_unsupported`).
   */
  readonly route?: NonNullable<TenantPoolOptions['route']>
}

const address = z.union([
  z.string().regex(/^unix:\/.+/, 'an address is unix:/path or a URL'),
  z.url({ protocol: /^https?$/ }),
])

const environmentSchema = z.object({
  RINGFENCE_SERVICE: parsed(parseServiceName),
  RINGFENCE_CLIENT_ID: parsed(parseClientId),
  RINGFENCE_CLIENT_KEY: z.string().min(1),
  RINGFENCE_CONTEXT_KEYS: z.string().min(1),
  RINGFENCE_VENDING: address,
  RINGFENCE_VENDING_AUDIENCE: z.string().min(1),
  RINGFENCE_CONTROL: address.optional(),
  RINGFENCE_CONTROL_AUDIENCE: z.string().min(1).optional(),
  RINGFENCE_DECISIONS: address.optional(),
  RINGFENCE_DECISIONS_AUDIENCE: z.string().min(1).optional(),
  RINGFENCE_USAGE: address.optional(),
  RINGFENCE_USAGE_AUDIENCE: z.string().min(1).optional(),
  RINGFENCE_USAGE_SPOOL: z.string().min(1).optional(),
})

/**
 * Reads the options from environment variables.
 * @throws RingfenceError `invalid_argument` that names the first variable that is missing or wrong
 */
export function optionsFromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): RingfenceOptions {
  const result = environmentSchema.safeParse(environment)
  if (!result.success) {
    const [issue] = result.error.issues
    const name = issue?.path.join('.') ?? ''
    const why = environment[name] === undefined ? 'it is not set' : (issue?.message ?? '')
    throw new RingfenceError('invalid_argument', `${name}: ${why}`)
  }
  const env = result.data
  const control = peerOf(env, 'RINGFENCE_CONTROL')
  const decisions = peerOf(env, 'RINGFENCE_DECISIONS')
  const usage = peerOf(env, 'RINGFENCE_USAGE')
  const spool = env.RINGFENCE_USAGE_SPOOL
  if ((usage === undefined) !== (spool === undefined)) {
    const why = 'RINGFENCE_USAGE and RINGFENCE_USAGE_SPOOL are set together'
    throw new RingfenceError('invalid_argument', why)
  }
  return {
    service: env.RINGFENCE_SERVICE,
    clientId: env.RINGFENCE_CLIENT_ID,
    clientKey: env.RINGFENCE_CLIENT_KEY,
    contextKeys: env.RINGFENCE_CONTEXT_KEYS,
    vending: { address: env.RINGFENCE_VENDING, audience: env.RINGFENCE_VENDING_AUDIENCE },
    ...(control === undefined ? {} : { control }),
    ...(decisions === undefined ? {} : { decisions }),
    ...(usage === undefined || spool === undefined ? {} : { usage: { ...usage, spool } }),
  }
}

/** Another part of the platform, if it is named: by its address and by who it is. */
function peerOf(
  env: z.output<typeof environmentSchema>,
  name: 'RINGFENCE_CONTROL' | 'RINGFENCE_DECISIONS' | 'RINGFENCE_USAGE',
): Peer | undefined {
  const at = env[name]
  const audience = env[`${name}_AUDIENCE`]
  if (at !== undefined && audience !== undefined) return { address: at, audience }
  if (at === undefined && audience === undefined) return undefined
  throw new RingfenceError('invalid_argument', `${name} and ${name}_AUDIENCE are set together`)
}
