import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import {
  pageSchema,
  problemSchema,
  type WireProblem,
  type WireWorkflow,
  type WireWorkflowEvent,
  workflowEventSchema,
  workflowSchema,
} from '../control/api/schemas.ts'
import { type ErrorCode, RingfenceError } from '../core/errors.ts'
import { type Answer, call } from '../http/call.ts'
import type { ControlAccess } from './control-access.ts'
import { eventStream } from './event-stream.ts'

const TRIES = 5
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 30_000
const PAGE = 500

type Query = Readonly<Record<string, string | undefined>>

interface Change {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: Query
  readonly body?: object
  readonly ifMatch?: string
}

type FieldErrors = NonNullable<WireProblem['errors']>

/** A refusal in the API's words, with the fields that were wrong. */
export class ApiRefusal extends RingfenceError {
  readonly errors: FieldErrors

  constructor(code: ErrorCode, message: string, errors: FieldErrors) {
    super(code, message)
    this.errors = errors
  }
}

export interface ControlClientOptions {
  /** Milliseconds before the second try, doubled for each one after. Default 250. */
  readonly firstPauseMs?: number
}

/**
 * The control API for programs. A change carries one idempotency key for all its tries, so that trying
 * again what got no answer makes it once. Refusals are RingfenceErrors with the API's codes.
 */
export class ControlClient {
  readonly #access: ControlAccess
  readonly #firstPauseMs: number

  constructor(access: ControlAccess, options: ControlClientOptions = {}) {
    this.#access = access
    this.#firstPauseMs = options.firstPauseMs ?? FIRST_PAUSE_MS
  }

  async get<T>(path: string, schema: z.ZodType<T>, query: Query = {}): Promise<T> {
    return this.#parse(schema, await this.#send('GET', path, query, undefined, {}))
  }

  /** An answer as it came, for what must stay byte for byte. */
  async text(path: string): Promise<string> {
    return (await this.#send('GET', path, {}, undefined, {})).text
  }

  /** A resource and the entity tag with which it may be changed. */
  async tagged<T>(path: string, schema: z.ZodType<T>): Promise<{ value: T; tag: string }> {
    const answer = await this.#send('GET', path, {}, undefined, {})
    return { value: this.#parse(schema, answer), tag: String(answer.headers.etag ?? '') }
  }

  async change<T>(change: Change, schema: z.ZodType<T>): Promise<T> {
    const answer = await this.#send(change.method, change.path, change.query ?? {}, change.body, {
      'idempotency-key': `cli-${randomUUID()}`,
      ...(change.ifMatch === undefined ? {} : { 'if-match': change.ifMatch }),
    })
    return this.#parse(schema, answer)
  }

  /** The items of a list, page by page, at most `most`. */
  async list<T>(
    path: string,
    item: z.ZodType<T>,
    query: Query = {},
    most = Number.POSITIVE_INFINITY,
  ): Promise<T[]> {
    const items: T[] = []
    let cursor: string | undefined
    do {
      const limit = Math.min(PAGE, most - items.length)
      const page: { items: T[]; next: string | null } = await this.get(path, pageSchema(item), {
        ...query,
        ...(PAGED.test(path) ? { limit: String(limit), cursor } : {}),
      })
      items.push(...page.items)
      cursor = page.next ?? undefined
    } while (cursor !== undefined && most > items.length)
    return items
  }

  /**
   * A workflow's events from the beginning, or after `after`, until it has ended; then the workflow as
   * it ended. Goes on where it was when the connection breaks.
   */
  async *follow(
    workflow: string,
    after = 0,
    signal?: AbortSignal,
  ): AsyncGenerator<WireWorkflowEvent, WireWorkflow> {
    let last = after
    let failures = 0
    for (;;) {
      try {
        const path = `/v1/workflows/${encodeURIComponent(workflow)}/events`
        const headers = { ...(await this.#headers()), 'last-event-id': String(last) }
        const { server } = this.#access
        for await (const { event, data } of eventStream(server, path, headers, refusal, signal)) {
          failures = 0
          if (event === 'end') return workflowSchema.parse(JSON.parse(data))
          const step = workflowEventSchema.parse(JSON.parse(data))
          last = step.id
          yield step
        }
        failures = 0
      } catch (error) {
        if (signal?.aborted) throw timedOut()
        failures += 1
        if (!isTransient(error) || failures >= TRIES) throw error
      }
      if (signal?.aborted) throw timedOut()
      await sleep(this.#pauseMs(failures))
    }
  }

  async #send(
    method: 'GET' | Change['method'],
    path: string,
    query: Query,
    body: object | undefined,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    for (let attempt = 1; ; attempt += 1) {
      let retryAfterMs = 0
      try {
        const answer = await call(this.#access.server, {
          method,
          path: withQuery(path, query),
          headers: {
            ...(await this.#headers()),
            ...headers,
            ...(text === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(text === undefined ? {} : { body: text }),
        })
        if (answer.status < 400) return answer
        retryAfterMs = retryAfter(answer)
        throw refusal(answer)
      } catch (error) {
        const again = isTransient(error) || retryAfterMs > 0
        // A PATCH has no key: what got no answer may have been made.
        const safe = method !== 'PATCH' || retryAfterMs > 0
        if (!again || !safe || attempt >= TRIES || retryAfterMs > LONGEST_PAUSE_MS) throw error
        await sleep(Math.max(retryAfterMs, this.#pauseMs(attempt)))
      }
    }
  }

  async #headers(): Promise<Readonly<Record<string, string>>> {
    const { token } = this.#access
    return { authorization: `Bearer ${typeof token === 'string' ? token : await token()}` }
  }

  /** A growing pause of which a random half is left out. */
  #pauseMs(attempt: number): number {
    return this.#firstPauseMs * 2 ** Math.max(attempt - 1, 0) * (0.5 + Math.random() / 2)
  }

  #parse<T>(schema: z.ZodType<T>, answer: Answer): T {
    const read = schema.safeParse(jsonIn(answer.text))
    if (read.success) return read.data
    throw new RingfenceError(
      'engine_unsupported',
      'the server answers in a form that this version does not know; compare versions with "ringfence doctor"',
    )
  }
}

/** Lists that come in pages; others come whole. */
const PAGED =
  /^\/v1\/(?:tenants|workflows|approvals|support|objects(?:\/.+)?|grants\/[^/]+\/uses|tenants\/[^/]+\/(?!leases$).+)$/
const TRANSIENT: ReadonlySet<ErrorCode> = new Set(['engine_unavailable', 'timed_out', 'overloaded'])

function isTransient(error: unknown): boolean {
  return error instanceof RingfenceError && TRANSIENT.has(error.code)
}

function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as [string, string]],
  )
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`
}

function retryAfter({ status, headers }: Answer): number {
  if (status !== 503 && status !== 429) return 0
  const seconds = Number(headers['retry-after'])
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0
}

/** A refusal in the API's words; what is not one came from something in between. */
function refusal({ status, text }: { readonly status: number; readonly text: string }): Error {
  const problem = problemSchema.safeParse(jsonIn(text))
  if (problem.success) {
    const { code, title, errors = [] } = problem.data
    return new ApiRefusal(code, title, errors)
  }
  return new RingfenceError(
    status >= 500 ? 'engine_unavailable' : 'invalid_url',
    `what answers there is not a control plane (status ${status})`,
  )
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function timedOut(): RingfenceError {
  return new RingfenceError('timed_out', 'the workflow goes on; it was not waited for any longer')
}
