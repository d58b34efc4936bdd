import { PROBLEM_TYPE, problemOf } from '../http/problem.ts'
import { messageOf } from '../core/errors.ts'
import type { GatewayCheck } from './check.ts'
import { contextOf } from './context-of.ts'
import { billedTenant } from './grant-checks.ts'
import { Denial, inSchemeOf } from './denial.ts'
import { type Exchange, readExchange } from './exchange.ts'
import type { Headers } from './headers.ts'
import type { House } from './passage.ts'
import { requestLine } from './request-log.ts'
import { recordEnd } from './request-telemetry.ts'
import type { RequestHead } from './request-head.ts'
import type { Route } from './route.ts'
import { nothingServed } from './route-checks.ts'

/** A request that another proxy wants to pass on, and asks about. */
export interface Question {
  readonly head: RequestHead
  /** The proxy's own name for the request: never the caller's. */
  readonly requestId: string
  /** Besides all others, after them: what the proxy that asks cannot do. */
  readonly also: readonly GatewayCheck[]
}

/** It may go on, by this way and with this context. */
export interface Passed {
  readonly exchange: Exchange
  readonly route: Route
  /** Signed, for the one service. */
  readonly context: string
  /** What the service is asked for, with the query, below the path of its own URL. */
  readonly path: string
}

/** What the caller is told instead. */
export interface Refused {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

export type Decision =
  | { readonly passed: Passed; readonly refused?: undefined }
  | { readonly passed?: undefined; readonly refused: Refused }

/**
 * Decides about a request whose bytes another proxy carries: by all checks, and by those for what the
 * gateway would do itself. When it returns nothing of the request is kept: it does not learn of its end.
 */
export async function decide(house: House, question: Question): Promise<Decision> {
  const began = performance.now()
  const { head, requestId } = question
  let exchange: Exchange | undefined
  const asked: Asked = { check: undefined }
  let decision: Decision
  let reason: string | undefined
  try {
    const arrival = { head, request: undefined }
    const { configuration, endpoints, readTokens } = house
    exchange = readExchange(arrival, requestId, configuration(), endpoints, readTokens)
    decision = { passed: await pass(house, exchange, question.also, asked) }
  } catch (error) {
    reason = error instanceof Denial ? error.reason : messageOf(error)
    const { check } = asked
    const said = await entered(
      house.memory.audit?.denied({ exchange, requestId, check, error }),
      error,
    )
    decision = { refused: refusalOf(said, requestId, exchange) }
  }
  if (exchange !== undefined) {
    exchange.ended = true
    for (const letGo of exchange.onEnd) letGo()
  }
  // What comes of it later only the proxy knows.
  const status = decision.refused?.status ?? 200
  const milliseconds = performance.now() - began
  const { telemetry } = house.memory
  if (telemetry !== undefined) recordEnd(telemetry, exchange, status, milliseconds)
  house.log(
    requestLine({
      requestId,
      contextRequestId: undefined,
      exchange,
      method: head.method,
      status,
      milliseconds,
      reason,
      // The proxy's own log tells how it ended: see `external-authorization`.
      used: decision.passed !== undefined,
    }),
  )
  return decision
}

/** The check that was asked last. */
interface Asked {
  check: string | undefined
}

/** What is said: the refusal, or, where that cannot be entered, that it cannot. */
function entered(entering: Promise<void> | undefined, error: unknown): Promise<unknown> {
  return Promise.resolve(entering).then(
    () => error,
    (unentered: unknown) => unentered,
  )
}

async function pass(
  { checks, memory, contexts, readTokens }: House,
  exchange: Exchange,
  also: readonly GatewayCheck[],
  asked: Asked,
): Promise<Passed> {
  for (const list of [checks, also]) {
    for (const check of list) {
      asked.check = check.name
      const waiting = check.run(exchange, memory)
      if (waiting !== undefined) await waiting
    }
  }
  const { route, tenant, claimed, read, tokenKey, target } = exchange
  if (route === undefined) throw nothingServed('no route')
  // Never so with all checks in place: without them there is still nothing to sign a context from.
  if (tenant === undefined || claimed === undefined) {
    throw new Denial('internal', 'something went wrong on our side', 'no tenant to speak for')
  }
  if (read !== undefined) readTokens.keep(tokenKey, read)
  const said = contextOf(
    exchange,
    tenant.id,
    route.upstream.audience,
    claimed,
    billedTenant(exchange),
  )
  const { text } = contexts.sign(said, exchange.requestId, tokenKey)
  return { exchange, route, context: text, path: route.path + target.query }
}

function refusalOf(error: unknown, requestId: string, exchange: Exchange | undefined): Refused {
  const problem = problemOf(error)
  const own = error instanceof Denial ? inSchemeOf(error.headers, exchange?.scheme) : []
  return {
    status: problem.status,
    headers: [
      ['content-type', PROBLEM_TYPE],
      ['cache-control', 'no-store'],
      ['x-request-id', requestId],
      ...own,
    ],
    body: `${JSON.stringify(problem)}\n`,
  }
}
