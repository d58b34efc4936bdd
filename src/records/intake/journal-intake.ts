import { OpenAPIHono } from '@hono/zod-openapi'
import type { BlankEnv } from 'hono/types'
import { z } from 'zod'
import { COMPLETE_HEADER, JOURNAL_PATH, NDJSON, SOURCE_HEADER } from '../../audit/journal-sender.ts'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import type { ClientId } from '../../core/names.ts'
import { type Operation, routesOf } from '../../http/described-routes.ts'
import { problemResponse } from '../../http/problem.ts'
import { UsedAssertions, verifyClientAssertion } from '../../tokens/client-assertion.ts'
import type { UsageStore } from '../../usage/usage-store.ts'
import type { LogStore } from '../log/log-store.ts'
import { enterByLog } from './enter-by-log.ts'
import type { IntakeDatabase } from './intake-database.ts'
import { type IntakePlane, judgeLines } from './judge-lines.ts'
import { readBatch } from './read-batch.ts'

const BEARER = /^bearer +([A-Za-z0-9._-]{1,4096})$/i
const SOURCE = /^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$/
const LATER_SECONDS = 1
/** Of one plane at once: each of its journals sends one after the other. */
const AT_ONCE_PER_PLANE = 32
const AT_ONCE = 64

const SEND_JOURNAL: Operation = {
  ...{ method: 'post', path: JOURNAL_PATH, id: 'sendJournal' },
  summary: 'Hand over a batch of a plane’s journal: entries of logs, and usage.',
  headers: { [SOURCE_HEADER]: z.string(), [COMPLETE_HEADER]: z.iso.datetime().optional() },
  body: { type: NDJSON, schema: z.string() },
  answers: { 204: { description: 'It is durable.' } },
}

export interface JournalIntakeOptions {
  /** The records plane's id: the audience of planes' assertions. */
  readonly audience: string
  readonly planes: () => readonly IntakePlane[]
  readonly database: IntakeDatabase
  readonly logs: Pick<LogStore, 'append'>
  readonly usage: UsageStore
  readonly log: (line: string) => void
}

/** Takes planes' journals over HTTP. No batch is answered before all that is in it is durable. */
export function journalIntake(options: JournalIntakeOptions): OpenAPIHono<BlankEnv> {
  const used = new UsedAssertions()
  const underWay = new Map<ClientId, number>()
  const app = new OpenAPIHono<BlankEnv>()
  const route = routesOf(app, {
    tag: 'intake',
    by: 'assertion',
    refusals: [400, 401, 413, 415, 429, 503],
  })
  route(SEND_JOURNAL, async (context) => {
    const request = context.req.raw
    const plane = await planeOf(request, options, used)
    return takingTurns(underWay, plane.client, () => take(request, plane, options))
  })
  app.notFound(() => problemResponse(new RingfenceError('not_found', 'there is no such thing')))
  app.onError((error) => refusal(error, options.log))
  return app
}

async function planeOf(
  request: Request,
  { audience, planes }: JournalIntakeOptions,
  used: UsedAssertions,
): Promise<IntakePlane> {
  const assertion = BEARER.exec(request.headers.get('authorization') ?? '')?.[1] ?? ''
  const known = new Map(planes().map((plane) => [plane.client, plane]))
  const client = await verifyClientAssertion(
    assertion,
    audience,
    (name) => known.get(name)?.keys,
    used,
  )
  const plane = known.get(client)
  if (plane === undefined) throw new RingfenceError('invalid_token', 'the token is not valid')
  return plane
}

async function take(
  request: Request,
  plane: IntakePlane,
  { database, logs, usage, log }: JournalIntakeOptions,
): Promise<Response> {
  if (request.headers.get('content-type') !== NDJSON) {
    throw new RingfenceError('unsupported_media_type', `send ${NDJSON}`)
  }
  const source = sourceOf(request, plane)
  const completeTo = completeToOf(request)
  const { entries, events, refused } = judgeLines(await readBatch(request), plane, source)
  const left = await enterByLog(logs, entries, new Set(), (name, error) =>
    log(`${name} takes no entries: ${messageOf(error)}`),
  )
  await database.park(left)
  if (events.length > 0) {
    await usage.add(events.map((event) => ({ event, reporter: plane.client })))
  }
  if (refused.length > 0) {
    log(`${refused.length} lines of ${source} are in quarantine: ${refused[0]?.reason}`)
    await database.quarantine(refused)
  }
  await database.seen(source, completeTo)
  if (completeTo !== undefined) await usage.completeTo(source, completeTo)
  return new Response(null, { status: 204 })
}

function sourceOf(request: Request, { client }: IntakePlane): string {
  const name = request.headers.get(SOURCE_HEADER) ?? ''
  if (!SOURCE.test(name)) {
    throw new RingfenceError('invalid_argument', `${SOURCE_HEADER} names the journal`)
  }
  return `${client}/${name}`
}

function completeToOf(request: Request): Date | undefined {
  const header = request.headers.get(COMPLETE_HEADER)
  if (header === null) return undefined
  const time = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(header) ? Date.parse(header) : Number.NaN
  if (Number.isNaN(time)) {
    throw new RingfenceError('invalid_argument', `${COMPLETE_HEADER} is a time in UTC`)
  }
  // What is yet to come nobody can vouch for. A clock that is ahead, there or here, holds up no journal.
  return new Date(Math.min(time, Date.now()))
}

async function takingTurns(
  underWay: Map<ClientId, number>,
  client: ClientId,
  work: () => Promise<Response>,
): Promise<Response> {
  const own = underWay.get(client) ?? 0
  const all = [...underWay.values()].reduce((sum, count) => sum + count, 0)
  if (own >= AT_ONCE_PER_PLANE) throw new RingfenceError('rate_limited', 'too many batches at once')
  if (all >= AT_ONCE) throw new RingfenceError('overloaded', 'too many batches at once')
  underWay.set(client, own + 1)
  try {
    return await work()
  } finally {
    underWay.set(client, (underWay.get(client) ?? 1) - 1)
  }
}

/** Whatever is our own trouble passes: the sender is to come again. */
function refusal(error: unknown, log: (line: string) => void): Response {
  const code = error instanceof RingfenceError ? error.code : 'internal'
  switch (code) {
    case 'invalid_token':
    case 'invalid_argument':
    case 'too_large':
    case 'unsupported_media_type':
      return problemResponse(error)
    case 'rate_limited':
      return problemResponse(error, undefined, { 'retry-after': String(LATER_SECONDS) })
    default: {
      log(`a batch could not be taken: ${messageOf(error)}`)
      const later = new RingfenceError('overloaded', 'come again later')
      return problemResponse(later, undefined, { 'retry-after': String(LATER_SECONDS) })
    }
  }
}
