import { PassThrough, Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type GuardrailConfig, guardrailSchema, PII_KINDS } from '../src/contracts/guardrail.ts'
import { parseApiName } from '../src/core/names.ts'
import { rulesFor } from '../src/guardrails/rules.ts'
import { lookingStage } from '../src/guardrails/stages.ts'
import type { Bench, Row } from './bench.ts'
import { alternate } from './support/alternate.ts'
import { pairedRows } from './support/paired-rows.ts'

const API = parseApiName('clinic')
const CHUNK_BYTES = 65_536
/** What a service of a clinic answers with: little in it is to be found. */
const VISIT = {
  id: '5b0c6c3e-3a52-4f0e-8a44-9d4a1f1c2b77',
  at: '2026-03-12T09:30:00Z',
  room: 12,
  amount: 129.5,
  status: 'booked',
  patient: { id: 48_213, initials: 'a.m.' },
  note: 'came in with a cough, was given an appointment for the week after, ask about the test',
}

interface Formed {
  readonly mediaType: string
  readonly text: string
}

export const bench: Bench = {
  title: 'looking at a body for personal data against passing it on',
  async run({ quick, say }) {
    const count = quick ? 400 : 2_000
    const visits = Array.from({ length: count }, (_, n) => ({ ...VISIT, number: n }))
    const bodies: Readonly<Record<string, Formed>> = {
      JSON: { mediaType: 'application/json', text: JSON.stringify(visits) },
      text: { mediaType: 'text/plain', text: visits.map(({ note }) => `${note}. `).join('') },
      events: {
        mediaType: 'text/event-stream',
        text: visits.map((visit) => `data: ${JSON.stringify(visit)}\n\n`).join(''),
      },
    }
    const rows: Row[] = []
    for (const [name, body] of Object.entries(bodies)) {
      say(name)
      rows.push(...(await measure(name, body, quick)))
    }
    return rows
  },
}

async function measure(name: string, body: Formed, quick: boolean): Promise<readonly Row[]> {
  // What kinds cost by themselves differs little from format to format.
  const kinds = name === 'JSON' ? PII_KINDS.map((kind) => [kind]) : []
  const what = [...kinds, [...PII_KINDS], ['topics']]
  const variants = {
    passing: () => through(body, () => new PassThrough(), quick),
    ...Object.fromEntries(
      what.map((kinds) => {
        const rules = rulesFor([guardrailFor(kinds)], API, 'request')
        const head = { ...body, charset: undefined, coding: '', length: undefined }
        const stage = () => lookingStage(head, rules, 'request', new Map()) ?? new PassThrough()
        return [labelOf(kinds), () => through(body, stage, quick)]
      }),
    ),
  }
  const results = await alternate(quick ? 2 : 5, variants)
  const reference = `1 MB of ${name} passed on`
  return what.flatMap((kinds, index) => {
    const label = labelOf(kinds)
    const labels = { reference, measured: `1 MB of ${name}, looked at for ${label}`, unit: 'us' }
    const rows = pairedRows(labels, results.passing, results[label as 'passing'])
    return index === 0 ? rows : rows.slice(1)
  })
}

const labelOf = (kinds: readonly string[]) => (kinds.length > 1 ? 'all kinds' : (kinds[0] ?? ''))

function guardrailFor(kinds: readonly string[]): GuardrailConfig {
  const topics = [{ name: 'weapons', words: ['nerve agent', 'atom bomb', 'machine gun'] }]
  const rule = kinds.includes('topics')
    ? { kind: 'topics', topics, action: 'redact' }
    : { kind: 'pii', find: kinds, action: 'redact' }
  return guardrailSchema.parse({ name: 'bench', direction: 'both', rules: [rule] })
}

/** Microseconds of this process's own for each megabyte, of some bodies one after another. */
async function through(
  { text }: Formed,
  stage: () => Transform,
  quick: boolean,
): Promise<readonly number[]> {
  const bytes = Buffer.from(text)
  const chunks = Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, n) =>
    bytes.subarray(n * CHUNK_BYTES, (n + 1) * CHUNK_BYTES),
  )
  const times: number[] = []
  for (let turn = 0; turn < (quick ? 2 : 4); turn += 1) {
    const began = process.cpuUsage()
    await pipeline([Readable.from(chunks), stage(), new PassThrough().resume()])
    const { user, system } = process.cpuUsage(began)
    times.push(((user + system) * 1_000_000) / bytes.length)
  }
  return times
}
