import type { Command } from 'commander'
import { z } from 'zod'
import type { WireEntry } from '../../records/api/wire-entry.ts'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { filterFlags, queryOf } from '../audit-filters.ts'
import type { Console } from '../console.ts'
import { examples, wholeNumber } from '../control-command.ts'
import { logAccess, logCommand, type LogFlags, logGet } from '../log-access.ts'
import { type Columns, parseFormat, writeList, writeOne } from '../output.ts'

const PAGE_MAX = 500

interface Flags extends LogFlags, Readonly<Record<string, unknown>> {
  readonly output: string
  readonly limit?: string
  readonly order?: string
  readonly format?: string
}

const entrySchema = z.custom<WireEntry>(
  (value) => z.looseObject({ index: z.int(), leaf_hash: z.string() }).safeParse(value).success,
)
const pageSchema = z.object({ items: z.array(entrySchema), next: z.string().optional() })
const logSchema = z.looseObject({ log: z.string(), keys: z.array(z.string()) })

const columns: Columns<WireEntry> = ({ index, entry }) => ({
  index,
  time: entry?.time,
  action: entry?.action ?? 'erased',
  decision: entry?.decision,
  actor: entry?.actor.id,
  object: entry?.object && `${entry.object.type}/${entry.object.id}`,
  reason: entry?.reason,
})
const all: Columns<WireEntry> = (one) => ({
  ...columns(one),
  ...one.entry,
  'leaf hash': one.leaf_hash,
})

/** `ringfence audit list|get|export|checkpoint|keys`: a tenant's own log, or the platform's. */
export function addAuditRead(audit: Command, console: Console): void {
  const command = (name: string, says: string) => logCommand(audit.command(name).description(says))
  examples(
    filterFlags(command('list', 'Entries of the tenant’s own log, newest first.'))
      .option('--limit <n>', 'how many', '50')
      .option('--order <order>', 'newest or oldest', 'newest')
      .option('-o, --output <format>', 'table, json or yaml', 'table'),
    'ringfence audit list --url https://acme.example --token env:TOKEN --decision denied',
    'ringfence audit list --category lease --since 2026-01-31T00:00:00Z -o json',
    'ringfence audit list --platform --category support',
  ).action((flags: Flags) => list(flags, console))
  examples(
    command('get <index>', 'One entry, whole.').option(
      '-o, --output <format>',
      'table, json or yaml',
      'table',
    ),
    'ringfence audit get 4711 --url https://acme.example --token env:TOKEN',
  ).action(async (index: string, flags: Flags) => {
    const format = parseFormat(flags.output)
    const place = /^\d{1,15}$/.test(index) ? index : misused('an index is a whole number')
    const response = await logGet(await logAccess(flags, console), `/entries/${place}`)
    writeOne(entrySchema.parse(await response.json()), all, format, console.out)
  })
  examples(
    filterFlags(command('export', 'All entries in order, a JSON line each.')).option(
      '--format <format>',
      'ndjson, or ocsf for the Open Cybersecurity Schema',
      'ndjson',
    ),
    'ringfence audit export --format ocsf --since 2026-01-01T00:00:00Z > audit.ndjson',
  ).action((flags: Flags) => write(flags, console))
  examples(
    command(
      'checkpoint',
      'The newest signed checkpoint of the log (C2SP tlog-checkpoint), to keep.',
    ),
    'ringfence audit checkpoint --url https://acme.example --token env:TOKEN > checkpoint',
  ).action(async (flags: Flags) => {
    const response = await logGet(await logAccess(flags, console), '/checkpoint')
    console.out(await response.text())
  })
  examples(
    command(
      'keys',
      'The public keys that have signed the log, the first first: to keep, for verify.',
    ),
    'ringfence audit keys --url https://acme.example --token env:TOKEN > acme.vkey',
  ).action(async (flags: Flags) => {
    const response = await logGet(await logAccess(flags, console), '')
    const { keys } = logSchema.parse(await response.json())
    console.out(keys.map((key) => `${key}\n`).join(''))
  })
}

async function list(flags: Flags, console: Console): Promise<void> {
  const format = parseFormat(flags.output)
  const limit = wholeNumber(flags.limit, '--limit') ?? PAGE_MAX
  const access = await logAccess(flags, console)
  const items: WireEntry[] = []
  const show = () => writeList(items, columns, format, console.out)
  for (let cursor: string | undefined, more = true; more && items.length < limit; ) {
    const most = String(Math.min(PAGE_MAX, limit - items.length))
    const query = queryOf(flags, { limit: most, order: flags.order, cursor })
    const response = await logGet(access, `/entries${query}`).catch((error: unknown) => {
      // What was found is of use, also where others are gone.
      if (items.length > 0) show()
      throw error
    })
    const { items: some, next } = pageSchema.parse(await response.json())
    items.push(...some)
    cursor = next
    more = next !== undefined
  }
  show()
}

async function write(flags: Flags, console: Console): Promise<void> {
  const query = queryOf(flags, { format: flags.format })
  const response = await logGet(await logAccess(flags, console), `/export${query}`)
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body ?? []) {
      console.out(decoder.decode(chunk as Uint8Array, { stream: true }))
    }
  } catch (error) {
    throw new RingfenceError(
      'engine_unavailable',
      'the export broke off: what was written is not all of it. Export again, or less at once by --since and --until',
      { detail: messageOf(error), cause: error },
    )
  }
}

function misused(why: string): never {
  throw new RingfenceError('invalid_argument', why)
}
