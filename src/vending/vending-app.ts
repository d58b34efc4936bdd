import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import { RingfenceError } from '../core/errors.ts'
import type { Lease } from '../core/lease.ts'
import { problemResponse } from '../http/problem.ts'
import type { RevocationSource } from '../revocation/revocation.ts'
import type { ConfigurationSource } from '../snapshot/snapshot.ts'
import { grantAnswer, refusalAnswer, revokedAnswer } from './answers.ts'
import { type Attempt, type Kind, readAttempt } from './attempt.ts'
import type { DenialThrottle } from '../audit/denial-throttle.ts'
import { traceOfHeaders } from '../telemetry/fetch-trace.ts'
import type { ServerTelemetry } from '../telemetry/server-telemetry.ts'
import { inTrace } from '../telemetry/traces/current-trace.ts'
import type { Desk } from './desk.ts'
import { denialEntry, grantEntry, isKnown } from './journal-of.ts'
import type { LeaseCache } from './lease-cache.ts'
import { type Refusal, refusalOf } from './refusal.ts'
import { usageOf } from './usage-of.ts'
import type { VendingJournal } from './vending-journal.ts'

export interface VendingAppOptions {
  readonly configuration: ConfigurationSource
  readonly revocations: Pick<RevocationSource, 'known'>
  readonly desk: Desk
  readonly cache: LeaseCache
  readonly journal: VendingJournal
  readonly throttle: DenialThrottle
  /** Who reports the leases as usage. Undefined: nobody. */
  readonly usageSource: string | undefined
  /** Counts requests by tenant, and keeps spans of some. Undefined: nothing does. */
  readonly telemetry: ServerTelemetry | undefined
  readonly log: (line: string) => void
}

/**
 * Vending over HTTP: OAuth 2.0 Token Exchange (RFC 8693), renewal, and revocation in the manner of
 * RFC 7009. No answer leaves before its line is in the journal.
 */
export function vendingApp(options: VendingAppOptions): Hono {
  const app = new Hono()
  const told = new WeakSet<Lease>()
  app.get('/healthz', (context) => context.json({ status: 'ok' }))
  app.get('/readyz', (context) => {
    const { journal, configuration, revocations } = options
    const ready = journal.writable && revocations.known && hasConfiguration(configuration)
    return context.json({ status: ready ? 'ok' : 'not ready' }, ready ? 200 : 503)
  })
  app.post('/v1/token', (context) => answer('exchange', context.req.raw, options, told))
  app.post('/v1/leases/renew', (context) => answer('renewal', context.req.raw, options, told))
  app.post('/v1/leases/revoke', (context) => answer('revocation', context.req.raw, options, told))
  app.notFound(() => problemResponse(new RingfenceError('not_found', 'there is no such thing')))
  app.onError((error) => problemResponse(error))
  return app
}

/** Leases of which somebody was told, or is being told now. */
type Told = WeakSet<Lease>

async function answer(
  kind: Kind,
  request: Request,
  options: VendingAppOptions,
  told: Told,
): Promise<Response> {
  const { telemetry } = options
  if (telemetry === undefined) return (await answered(kind, request, options, told)).response
  const began = performance.now()
  const trace = traceOfHeaders(request.headers)
  const { response, attempt } = await inTrace(trace, () => answered(kind, request, options, told))
  telemetry.ended({
    // Until caller and context are facts, the tenant is only what somebody says.
    tenant: attempt !== undefined && isKnown(attempt) ? attempt.context.tenant : undefined,
    operation: kind,
    status: response.status,
    milliseconds: performance.now() - began,
    trace,
  })
  return response
}

async function answered(
  kind: Kind,
  request: Request,
  options: VendingAppOptions,
  told: Told,
): Promise<{ readonly response: Response; readonly attempt: Attempt | undefined }> {
  const requestId = randomUUID()
  let attempt: Attempt | undefined
  try {
    attempt = await readAttempt(kind, requestId, request, options.configuration.current())
    return { response: await granted(attempt, options, told), attempt }
  } catch (thrown) {
    const refusal = refusalOf(thrown)
    if (refusal.error === 'server_error') options.log(`request ${requestId}: ${refusal.reason}`)
    return { response: await denied(requestId, attempt, refusal, options), attempt }
  }
}

async function granted(
  attempt: Attempt,
  { desk, cache, journal, usageSource }: VendingAppOptions,
  told: Told,
): Promise<Response> {
  if (attempt.kind === 'revocation') {
    const lease = await desk.revoke(attempt)
    await journal.append(grantEntry(attempt, lease, 'engine', 'revoked'))
    return revokedAnswer(attempt.requestId, attempt)
  }
  // Nothing is opened at an engine that could not be written down. To end leases it always tries.
  if (!journal.writable) throw new RingfenceError('not_writable', 'the journal cannot be written')
  const { lease, opened } =
    attempt.kind === 'exchange' ? await desk.exchange(attempt) : await desk.renew(attempt)
  const [layer, reason] = opened ? (['engine', 'opened'] as const) : (['cache', 'in-hand'] as const)
  // It is used once, however many are given it; one that was renewed in the background, by the first of them.
  const isFirst = !told.has(lease)
  told.add(lease)
  const used = isFirst && usageSource !== undefined ? [usageOf(attempt, lease, usageSource)] : []
  try {
    await journal.append(grantEntry(attempt, lease, layer, reason), used)
  } catch (error) {
    if (isFirst) desk.takeBack(lease, attempt.client)
    throw error
  }
  return grantAnswer(attempt, lease, cache.secondsLeft(lease))
}

async function denied(
  requestId: string,
  attempt: Attempt | undefined,
  refusal: Refusal,
  { journal, throttle }: VendingAppOptions,
): Promise<Response> {
  try {
    const entry = denialEntry(requestId, attempt, refusal)
    if (attempt !== undefined && isKnown(attempt)) await journal.append(entry)
    else {
      const { write, uncounted } = throttle.next()
      const { at, request_id } = entry
      if (uncounted > 0) await journal.append(uncountedEntry(at, request_id, uncounted))
      if (write) await journal.append(entry)
    }
  } catch (error) {
    return refusalAnswer(requestId, attempt, refusalOf(error))
  }
  // Whoever revokes learns nothing about leases that are not its own (RFC 7009, section 2.2).
  const unknownLease = refusal.layer === 'lease' && attempt?.kind === 'revocation'
  return unknownLease
    ? revokedAnswer(requestId, attempt)
    : refusalAnswer(requestId, attempt, refusal)
}

function uncountedEntry(at: string, request_id: string, count: number) {
  const why = { layer: 'limit', reason: 'too-many-denials' } as const
  return { at, act: 'uncounted', request_id, verified: false, ...why, count } as const
}

function hasConfiguration(configuration: ConfigurationSource): boolean {
  try {
    return configuration.current().version > 0
  } catch {
    return false
  }
}
