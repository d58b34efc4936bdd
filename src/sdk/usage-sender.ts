import { randomUUID } from 'node:crypto'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { type Address, type Answer, call } from '../http/call.ts'
import { readLine } from '../journal/journal-line.ts'
import { type Batch, SendLater } from '../journal/shipper.ts'
import { CONTEXT_HEADER } from '../tokens/tenant-context.ts'
import { FROM_THE_FUTURE } from '../usage/judge-events.ts'
import type { WorkloadIdentity } from './identity.ts'
import { retryAfterMs } from './retry.ts'
import { type Spooled, spooledSchema } from './spooled-usage.ts'

const TIMEOUT_MS = 20_000
const EVENTS_MAX = 500
/** Together they fit in the fields of one request. */
const CONTEXTS_MAX = 8
const CONTEXT_CHARACTERS_MAX = 8_000
/** For so long a refusal may be of keys that are known here and not yet there. Milliseconds. */
const YOUNG_MS = 15 * 60_000
/** By so much a clock may be wrong, here or there, before what it says is refused for good. Milliseconds. */
const AHEAD_MS_MAX = 24 * 3_600_000

export interface UsageSenderOptions {
  readonly address: Address
  readonly audience: string
  readonly identity: WorkloadIdentity
  readonly spool: string
  readonly log: (line: string) => void
}

const refusalSchema = z.object({
  events: z.array(z.object({ index: z.int().min(0), reason: z.string() })).optional(),
})

/** Sends pages of a spool to the records plane. For a `Shipper`. */
export async function usageSender(
  options: UsageSenderOptions,
): Promise<(batch: Batch) => Promise<void>> {
  const name = await nameOf(options.spool)
  return async ({ lines, completeTo }) => {
    const parts = partsOf(lines.flatMap(spooledOf))
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1
      await sendPart(part, options, name, isLast ? completeTo : undefined)
    }
  }
}

/** Until all of them are taken, or set aside. */
async function sendPart(
  part: readonly Spooled[],
  options: UsageSenderOptions,
  name: string,
  completeTo: number | undefined,
): Promise<void> {
  let left = part
  for (;;) {
    const answer = await post(left, options, name, completeTo)
    if (answer.status === 202) return
    if (answer.status !== 400) throw laterOf(answer)
    const refused = refusedOf(answer.text, left)
    if (refused.size === 0) throw laterOf(answer)
    await setAside(refused, options)
    left = left.filter((one) => !refused.has(one))
    if (left.length === 0 && completeTo === undefined) return
  }
}

async function post(
  part: readonly Spooled[],
  { address, audience, identity }: UsageSenderOptions,
  name: string,
  completeTo: number | undefined,
): Promise<Answer> {
  const contexts = new Set(part.map(({ context }) => context))
  return call(address, {
    method: 'POST',
    path: '/v1/usage/events',
    headers: {
      'content-type': 'application/cloudevents-batch+json',
      accept: 'application/json',
      authorization: `Bearer ${await identity.assertion(audience)}`,
      ...(contexts.size === 0 ? {} : { [CONTEXT_HEADER]: [...contexts].join(', ') }),
      ...(completeTo === undefined
        ? {}
        : {
            'ringfence-spool': name,
            'ringfence-complete-to': new Date(completeTo).toISOString(),
          }),
    },
    body: JSON.stringify(part.map(({ event }) => event)),
    timeoutMs: TIMEOUT_MS,
  })
}

/** With why. Of those that may be taken later, none: then all of them wait. */
function refusedOf(text: string, part: readonly Spooled[]): ReadonlyMap<Spooled, string> {
  const refused = new Map<Spooled, string>()
  for (const { index, reason } of refusalSchema.safeParse(jsonOf(text)).data?.events ?? []) {
    const one = part[index]
    if (one === undefined) continue
    const age = Date.now() - Date.parse(one.event.time)
    if (reason.startsWith('tenantid') && age < YOUNG_MS) return new Map()
    // Its time will come, or the collector's clock will be right again.
    if (reason === FROM_THE_FUTURE && age > -AHEAD_MS_MAX) return new Map()
    refused.set(one, reason)
  }
  return refused
}

/** Into a file beside the spool: nobody is billed for it, and nothing is thrown away unseen. */
async function setAside(
  refused: ReadonlyMap<Spooled, string>,
  { spool, log }: UsageSenderOptions,
): Promise<void> {
  const lines = [...refused].map(([{ event }, reason]) => `${JSON.stringify({ reason, event })}\n`)
  await appendFile(join(spool, 'refused.ndjson'), lines.join(''), { mode: 0o600, flush: true })
  const [first] = refused.values()
  log(`${refused.size} usage events were refused, and are set aside: ${first ?? ''}`)
}

function laterOf({ status, headers }: Answer): Error {
  if (status === 429 || status === 503) {
    return new SendLater(retryAfterMs(headers['retry-after']) / 1000, `usage: status ${status}`)
  }
  return new RingfenceError('engine_unavailable', `usage is not taken: status ${status}`)
}

/** Those that go together: of few contexts, and not too many. */
function partsOf(all: readonly Spooled[]): readonly (readonly Spooled[])[] {
  const parts: Spooled[][] = []
  let part: Spooled[] = []
  let contexts = new Set<string>()
  let characters = 0
  for (const one of all) {
    const isNew = !contexts.has(one.context)
    const isFull =
      part.length >= EVENTS_MAX ||
      (isNew &&
        (contexts.size >= CONTEXTS_MAX || characters + one.context.length > CONTEXT_CHARACTERS_MAX))
    if (part.length > 0 && isFull) {
      parts.push(part)
      part = []
      contexts = new Set()
      characters = 0
    }
    if (!contexts.has(one.context)) characters += one.context.length
    contexts.add(one.context)
    part.push(one)
  }
  // Also when there is nothing: then it says that nothing is missing.
  return [...parts, part]
}

function spooledOf(line: string): readonly Spooled[] {
  const read = spooledSchema.safeParse(readLine(line)?.value)
  return read.success ? [read.data] : []
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What the spool is called, for as long as it is there. */
async function nameOf(spool: string): Promise<string> {
  const file = join(spool, 'name')
  const known = await readFile(file, 'utf8').catch(() => '')
  if (/^[a-z0-9-]{1,64}$/.test(known)) return known
  const name = randomUUID()
  await writeFile(file, name, { mode: 0o600, flush: true })
  return name
}
