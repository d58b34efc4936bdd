import { RingfenceError } from '../core/errors.ts'
import type { ClientId, ServiceName } from '../core/names.ts'
import type { ContextKeys, VerifiedContext } from '../tokens/tenant-context.ts'
import { verifyContext } from '../tokens/tenant-context.ts'
import type { KeySet } from '../tokens/verify-token.ts'
import { targetOf } from './event-key.ts'
import type { UsageEvent } from './usage-event.ts'

/** Who reports. Planes are the platform's own; a service reports for the tenants of its contexts only. */
export type Reporter =
  | { readonly kind: 'plane'; readonly client: ClientId; readonly keys: KeySet }
  | {
      readonly kind: 'service'
      readonly client: ClientId
      readonly service: ServiceName
      readonly keys: KeySet
    }

/** Contexts of one request: more are refused. */
const CONTEXTS_MAX = 8
/** By how much an event's time may lie outside of the life of the context that allows it. Milliseconds. */
const CLOCKS_MS = 5_000

/** What every source of a reporter begins with: nobody writes under another's name. */
export function sourceOf(reporter: Reporter): string {
  return reporter.kind === 'plane'
    ? `/ringfence/${reporter.client}`
    : `/services/${reporter.service}`
}

/**
 * The contexts that came with a request, each as it was when it was given: an event that waited on a disk
 * comes when its context has long ended, and what it then allowed it did allow. One that is not valid is
 * left out: the events that only it would allow are refused by themselves.
 * @throws RingfenceError `invalid_argument`
 */
export async function contextsOf(
  header: string | undefined,
  reporter: Reporter,
  keys: ContextKeys,
): Promise<readonly VerifiedContext[]> {
  if (reporter.kind === 'plane' || header === undefined) return []
  const tokens = header.split(',').map((token) => token.trim())
  if (tokens.length > CONTEXTS_MAX) {
    throw new RingfenceError('invalid_argument', `at most ${CONTEXTS_MAX} contexts at once`)
  }
  const read = await Promise.all(
    tokens.map((token) =>
      verifyContext(token, keys, reporter.service, 'issue').catch(() => undefined),
    ),
  )
  return read.filter((context) => context !== undefined)
}

/**
 * Why a reporter may not report an event; undefined when it may. It names nothing that is not the
 * reporter's own.
 */
export function refusalFor(
  event: UsageEvent,
  reporter: Reporter,
  contexts: readonly VerifiedContext[],
): string | undefined {
  const own = sourceOf(reporter)
  const isOwn = (source: string) => source === own || source.startsWith(`${own}/`)
  if (!isOwn(event.source)) return `source: yours begins with ${own}`
  const target = targetOf(event)
  if (target !== undefined && !isOwn(target.source)) {
    return `${event.corrects === undefined ? 'voids' : 'corrects'}: not an event of yours`
  }
  if (reporter.kind === 'plane') return undefined
  const time = Date.parse(event.time)
  const within = contexts.some(
    ({ issuedAt, expiresAt, tenant, billed = tenant, delegation }) =>
      time >= issuedAt.getTime() - CLOCKS_MS &&
      time <= expiresAt.getTime() + CLOCKS_MS &&
      event.tenantid === billed &&
      event.tenantcontextid === (delegation && tenant) &&
      event.grantid === delegation?.grant,
  )
  return within ? undefined : 'tenantid: no context of it covers this time'
}
