import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { LogName } from '../../audit/entry.ts'
import { ocsfOf } from '../../audit/ocsf/ocsf-of.ts'
import { RingfenceError } from '../../core/errors.ts'
import { routesOf } from '../../http/described-routes.ts'
import { problemResponse } from '../../http/problem.ts'
import type { LogStore } from '../log/log-store.ts'
import { entryFilter } from './entry-filter.ts'
import { LOG_OPERATIONS } from './log-operations.ts'
import { findEntries } from './log-reader.ts'
import { LogStreams } from './log-streams.ts'
import { wireEntry } from './wire-entry.ts'

const LIMIT = 100
const LIMIT_MAX = 500

/** Who reads a log, and which: it is named by who asks, and by nothing else. */
export interface LogReaderIdentity {
  readonly log: LogName
  readonly requestId: string | undefined
  /** Asked again, for what goes on for long. @throws RingfenceError when they may not any more */
  readonly stillMay: () => void | Promise<void>
}

export interface LogApiOptions {
  readonly store: LogStore
  /** The keys that have signed a log's checkpoints, the first first (C2SP signed-note verifier keys). */
  readonly keysOf: (log: LogName) => Promise<readonly string[]>
  /** How who asks is known, for the API's document. Default by the gateway's word. */
  readonly by?: 'tenant' | 'operator'
  /** @throws RingfenceError for who may read none */
  readonly readerOf: (headers: Headers) => Promise<LogReaderIdentity>
  readonly log: (line: string) => void
}

const REFUSALS = {
  tenant: [400, 401, 403, 404, 500, 503, 504],
  operator: [400, 401, 403, 404, 429, 500, 503, 504],
} as const

type Env = { Variables: { caller: LogReaderIdentity; log: LogName } }

/**
 * A log, read, searched, followed, exported, and served as C2SP tlog-tiles for whoever verifies it. There is
 * no way to name another one.
 */
export function logApi(options: LogApiOptions): OpenAPIHono<Env> {
  const { store, by = 'tenant' } = options
  const streams = new LogStreams(store)
  const app = new OpenAPIHono<Env>()
  app.use(async (context, next) => {
    const caller = await options.readerOf(context.req.raw.headers)
    context.set('caller', caller)
    context.set('log', caller.log)
    await next()
    context.header('cache-control', 'no-store')
  })
  const route = routesOf(app, { tag: 'audit', by, refusals: REFUSALS[by] })
  route(LOG_OPERATIONS.get, async (context) => {
    const log = context.get('log')
    const checkpoint = (await store.checkpoint(log)) ?? null
    return context.json({ log, keys: await options.keysOf(log), checkpoint })
  })
  route(LOG_OPERATIONS.entries, async (context) => {
    const { limit, cursor, order, ...rest } = parametersOf(context)
    const asked = { order: orderOf(order), limit: limitOf(limit), from: indexOf(cursor, 'cursor') }
    const filter = entryFilter(rest)
    const found = await findEntries(store, context.get('log'), { ...asked, filter })
    const next = found.more ? { next: String(found.at) } : {}
    return context.json({ items: found.items.map(wireEntry), ...next })
  })
  route(LOG_OPERATIONS.entry, async (context) => {
    const index = indexOf(context.req.param('index'), 'index') ?? 0
    const everything = { order: 'oldest', from: index, limit: 1, filter: () => true } as const
    const { items } = await findEntries(store, context.get('log'), everything)
    const [found] = items.filter((one) => one.index === index)
    if (found === undefined) throw nothing()
    return context.json(wireEntry(found))
  })
  route(LOG_OPERATIONS.follow, (context) => {
    const { cursor, ...rest } = parametersOf(context)
    const last = indexOf(context.req.header('last-event-id'), 'last-event-id')
    const from = last === undefined ? indexOf(cursor, 'cursor') : last + 1
    const { stillMay } = context.get('caller')
    return streams.open(context, context.get('log'), { from, filter: entryFilter(rest) }, stillMay)
  })
  route(LOG_OPERATIONS.export, (context) => exported(context, options))
  route(LOG_OPERATIONS.checkpoint, async (context) => {
    const cosignatures = indexOf(parametersOf(context)['cosignatures'], 'cosignatures')
    const checkpoint = await store.checkpoint(context.get('log'), cosignatures)
    if (checkpoint === undefined) throw nothing()
    return context.text(checkpoint)
  })
  // By these a verifier follows from the key that it trusts to the one that signs now.
  route(LOG_OPERATIONS.keys, async (context) => {
    const keys = await store.tile(context.get('log'), 'keys')
    if (keys === undefined) throw nothing()
    return context.body(Uint8Array.from(keys), 200, { 'content-type': 'application/json' })
  })
  route(LOG_OPERATIONS.tile, async (context) => {
    const path = context.req.path.slice(context.req.path.indexOf('/tile/') + 1)
    const tile = await store.tile(context.get('log'), path)
    if (tile === undefined) throw nothing()
    return context.body(Uint8Array.from(tile), 200, { 'content-type': 'application/octet-stream' })
  })
  app.notFound(() => problemResponse(nothing()))
  app.onError((error, context) => {
    // There is none when the caller itself was refused.
    const caller = context.get('caller') as LogReaderIdentity | undefined
    const requestId = caller?.requestId
    if (!(error instanceof RingfenceError)) options.log(`audit: ${requestId ?? ''}: ${error.name}`)
    return problemResponse(error, requestId)
  })
  return app
}

/**
 * All that is asked for, a JSON line an entry, as it goes: nothing of it is held in memory. What cannot be
 * gone on with breaks off, so that nobody takes a part for the whole.
 */
async function exported(context: Context<Env>, { store, log }: LogApiOptions): Promise<Response> {
  const { format = 'ndjson', ...rest } = parametersOf(context)
  if (format !== 'ndjson' && format !== 'ocsf') {
    throw new RingfenceError('invalid_argument', 'format: is ndjson or ocsf')
  }
  const filter = entryFilter(rest)
  const { log: name, caller } = context.var
  const page = (from: number) =>
    findEntries(store, name, { order: 'oldest', from, limit: LIMIT_MAX, filter })
  // Before anything is answered: what cannot even begin is refused.
  const first = await page(0)
  const lines = async function* () {
    try {
      for (let found = first; ; found = await page(found.at)) {
        for (const one of found.items) {
          const { entry } = one
          // What was erased has no class: in the open schema it is left out.
          if (format === 'ocsf' && entry === undefined) continue
          const line = format === 'ocsf' && entry !== undefined ? ocsfOf(entry) : wireEntry(one)
          yield `${JSON.stringify(line)}\n`
        }
        if (!found.more) return
        await caller.stillMay()
      }
    } catch (error) {
      log(`audit: ${caller.requestId ?? ''}: an export broke off: ${nameOf(error)}`)
      throw error
    }
  }
  const body = ReadableStream.from<string>(lines()).pipeThrough(new TextEncoderStream())
  return context.body(body, 200, { 'content-type': 'application/x-ndjson' })
}

const nameOf = (error: unknown) => (error instanceof Error ? error.name : 'error')

/** Each at most once. @throws RingfenceError `invalid_argument` */
function parametersOf(context: Context): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [name, values] of Object.entries(context.req.queries())) {
    const [value] = values
    if (value === undefined || values.length > 1) {
      throw new RingfenceError('invalid_argument', `${name}: is there more than once`)
    }
    found[name] = value
  }
  return found
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return LIMIT
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= LIMIT_MAX) return limit
  throw new RingfenceError('invalid_argument', `limit: is 1 to ${LIMIT_MAX}`)
}

function indexOf(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new RingfenceError('invalid_argument', `${name}: is a whole number`)
}

function orderOf(text: string | undefined): 'newest' | 'oldest' {
  if (text === undefined || text === 'newest') return 'newest'
  if (text === 'oldest') return text
  throw new RingfenceError('invalid_argument', 'order: is newest or oldest')
}

function nothing(): RingfenceError {
  return new RingfenceError('not_found', 'there is no such thing')
}
