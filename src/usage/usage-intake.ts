import { OpenAPIHono } from '@hono/zod-openapi'
import type { BlankEnv } from 'hono/types'
import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import type { ClientId } from '../core/names.ts'
import { type Operation, routesOf } from '../http/described-routes.ts'
import { PROBLEM_TYPE, problemOf, problemResponse } from '../http/problem.ts'
import { UsedAssertions, verifyClientAssertion } from '../tokens/client-assertion.ts'
import { CONTEXT_HEADER, type ContextKeys } from '../tokens/tenant-context.ts'
import { readCloudEvents } from './cloud-events.ts'
import { EventRate } from './event-rate.ts'
import { type EventProblem, judgeEvents, TIME_LIMITS, type TimeLimits } from './judge-events.ts'
import { contextsOf, type Reporter, sourceOf } from './reporter.ts'
import type { Fate, UsageStore } from './usage-store.ts'

const PROBLEMS_MAX = 100
const EVENTS_PER_SECOND = 20_000
const REQUESTS_AT_ONCE = 64
/** A sender's name for what it keeps events in, and its word that nothing older comes. */
export const SPOOL_HEADER = 'ringfence-spool'
export const COMPLETE_HEADER = 'ringfence-complete-to'

const spoolSchema = z.string().regex(/^[a-z0-9-]{1,64}$/)
const timeSchema = z.iso.datetime({ offset: true })

const SEND_EVENTS: Operation = {
  ...{ method: 'post', path: '/v1/usage/events', id: 'sendUsage' },
  summary: 'Hand over events of usage, as CloudEvents: here a batch.',
  headers: {
    [SPOOL_HEADER]: spoolSchema.optional(),
    [COMPLETE_HEADER]: timeSchema.optional(),
    [CONTEXT_HEADER]: z.string().optional(),
  },
  body: {
    type: 'application/cloudevents-batch+json',
    schema: z.array(z.looseObject({})),
  },
  answers: {
    202: {
      description: 'They are durable.',
      schema: z.strictObject({
        accepted: z.int(),
        duplicates: z.int(),
        /** Places of those whose names came before, with another content. */
        conflicts: z.array(z.int()),
      }),
    },
  },
}

export interface UsageIntakeOptions {
  /** Who this is, in client assertions. */
  readonly audience: string
  /** Who a client is; undefined for one that there is not. */
  readonly reporterOf: (client: ClientId) => Reporter | undefined
  /** The keys that sign, or within `pastMs` have signed, tenant contexts. */
  readonly contextKeys: () => ContextKeys
  readonly store: UsageStore
  /** Milliseconds. Default the process's clock. */
  readonly clock?: () => number
  readonly times?: TimeLimits
  /** Of one reporter. Default 20 000. */
  readonly eventsPerSecond?: number
  /** Requests under way; more are told to come again. Default 64. */
  readonly requestsAtOnce?: number
}

/**
 * Takes usage events over HTTP: `POST /v1/usage/events`, CloudEvents in each form of the HTTP binding. The
 * answer 202 says that they are durable; an error says that none of them was kept.
 */
export function usageIntake(options: UsageIntakeOptions): OpenAPIHono<BlankEnv> {
  const used = new UsedAssertions()
  const { eventsPerSecond = EVENTS_PER_SECOND, requestsAtOnce = REQUESTS_AT_ONCE } = options
  const rate = new EventRate(eventsPerSecond)
  let underWay = 0
  const app = new OpenAPIHono<BlankEnv>()
  const route = routesOf(app, {
    ...{ tag: 'intake', by: 'assertion', refusals: [400, 401, 413, 415, 429, 500, 503] },
  })
  route(SEND_EVENTS, async (context) => {
    if (underWay >= requestsAtOnce)
      return later(new RingfenceError('overloaded', 'too much at once'))
    underWay += 1
    try {
      return await take(context.req.raw, options, used, rate)
    } catch (error) {
      return refusal(error)
    } finally {
      underWay -= 1
    }
  })
  return app
}

async function take(
  request: Request,
  options: UsageIntakeOptions,
  used: UsedAssertions,
  rate: EventRate,
): Promise<Response> {
  const { store, times = TIME_LIMITS, clock = Date.now } = options
  const { headers } = request
  const reporter = await reporterOf(headers.get('authorization') ?? '', options, used)
  const contexts = await contextsOf(
    headers.get(CONTEXT_HEADER) ?? undefined,
    reporter,
    options.contextKeys(),
  )
  const complete = completenessOf(headers, reporter, clock())
  const raw = await readCloudEvents(request)
  const wait = rate.take(reporter.client, raw.length, clock())
  if (wait > 0)
    return later(new RingfenceError('rate_limited', 'too many events; come later'), wait)
  const { events, problems } = judgeEvents(raw, reporter, contexts, clock(), times)
  if (problems.length > 0) return refusedEvents(problems)
  const received = events.map((event) => ({ event, reporter: reporter.client }))
  const fates = received.length === 0 ? [] : await store.add(received)
  if (complete !== undefined) await store.completeTo(complete.sender, complete.time)
  return Response.json(summary(fates), { status: 202, headers: { 'cache-control': 'no-store' } })
}

/** @throws RingfenceError `invalid_token`: unknown clients and wrong keys alike */
async function reporterOf(
  authorization: string,
  { audience, reporterOf: find }: UsageIntakeOptions,
  used: UsedAssertions,
): Promise<Reporter> {
  const assertion = /^Bearer ([\w.-]+)$/i.exec(authorization)?.[1] ?? ''
  let reporter: Reporter | undefined
  await verifyClientAssertion(assertion, audience, (id) => (reporter = find(id))?.keys, used)
  if (reporter === undefined) throw new RingfenceError('invalid_token', 'the token is not valid')
  return reporter
}

function completenessOf(headers: Headers, reporter: Reporter, nowMs: number) {
  const said = { spool: headers.get(SPOOL_HEADER), time: headers.get(COMPLETE_HEADER) }
  if (said.spool === null && said.time === null) return undefined
  const spool = spoolSchema.safeParse(said.spool)
  const time = timeSchema.safeParse(said.time)
  if (!spool.success || !time.success) {
    throw new RingfenceError(
      'invalid_argument',
      `${SPOOL_HEADER} is a name, ${COMPLETE_HEADER} a time: both or none`,
    )
  }
  // What is yet to come nobody can vouch for.
  const until = new Date(Math.min(Date.parse(time.data), nowMs))
  return { sender: `${sourceOf(reporter)}/${spool.data}`, time: until }
}

function summary(fates: readonly Fate[]) {
  const conflicts = fates.flatMap((fate, index) => (fate === 'conflict' ? [index] : []))
  return {
    accepted: fates.filter((fate) => fate === 'accepted').length,
    duplicates: fates.filter((fate) => fate === 'duplicate').length,
    /** Places in the request: another content came under that name before, and stands. */
    conflicts,
  }
}

function refusedEvents(problems: readonly EventProblem[]): Response {
  const problem = problemOf(new RingfenceError('invalid_argument', 'events that cannot be kept'))
  const body = {
    ...problem,
    detail: `${problems.length} of the events cannot be kept, so none was`,
    events: problems.slice(0, PROBLEMS_MAX),
  }
  return new Response(`${JSON.stringify(body)}\n`, {
    status: problem.status,
    headers: { 'content-type': PROBLEM_TYPE, 'cache-control': 'no-store' },
  })
}

function refusal(error: unknown): Response {
  const { status } = problemOf(error)
  return status === 429 || status === 503 || status === 504 ? later(error) : problemResponse(error)
}

function later(error: unknown, seconds = 1): Response {
  return problemResponse(error, undefined, { 'retry-after': String(seconds) })
}
