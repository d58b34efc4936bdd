import type { Command } from 'commander'
import { z } from 'zod'
import type { WireEntry } from '../../records/api/wire-entry.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { Console } from '../console.ts'
import { examples, wholeNumber } from '../control-command.ts'
import { ControlClient } from '../control-client.ts'
import { STATE_DIRECTORY_DEFAULT } from '../ending.ts'
import { eventStream } from '../event-stream.ts'
import { type Columns, parseFormat, writeList, writeOne } from '../output.ts'
import { recordsAccess } from '../records-access.ts'
import { tenantAccess, tenantCommand, type TenantFlags, tenantGet } from '../tenant-access.ts'

const PATH = '/ringfence/audit'
const PLATFORM_PATH = '/v1/logs/platform'
const PAGE_MAX = 500
/** What is looked for, as the API names it. */
const FILTERS = [
  ['category', 'authentication, decision, lease, grant …'],
  ['action', 'lease.granted'],
  ['decision', 'allowed, denied, done or failed'],
  ['actor', 'who did it, or on whose behalf'],
  ['object', 'what it was done to: id, or type/id'],
  ['request-id', 'of one request'],
  ['address', 'of the caller'],
  ['since', '2026-01-31T00:00:00Z'],
  ['until', '2026-02-01T00:00:00Z'],
  ['q', 'words that the entry holds'],
] as const

interface Flags extends TenantFlags, Readonly<Record<string, unknown>> {
  readonly platform?: boolean
  readonly records?: string
  readonly state: string
  readonly output: string
  readonly limit?: string
  readonly order?: string
  readonly from?: string
  readonly format?: string
}

const entrySchema = z.custom<WireEntry>(
  (value) => z.looseObject({ index: z.int(), leaf_hash: z.string() }).safeParse(value).success,
)
const pageSchema = z.object({ items: z.array(entrySchema), next: z.string().optional() })

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

/** `ringfence audit list|get|follow|export|checkpoint`: a tenant's own log, by its own front door. */
export function addAuditRead(audit: Command, console: Console): void {
  filtered(
    audit
      .command('list')
      .description('Entries of the tenant’s own log, or of the platform’s, newest first.')
      .option('--limit <n>', 'how many', '50')
      .option('--order <order>', 'newest or oldest', 'newest')
      .option('--platform', 'the platform’s own log, as an operator with security:write')
      .option('--records <url>', 'with --platform: the records plane (RINGFENCE_RECORDS)')
      .option(
        '--state <directory>',
        'with --platform: the state directory of a platform here',
        STATE_DIRECTORY_DEFAULT,
      )
      .option('-o, --output <format>', 'table, json or yaml', 'table'),
    'ringfence audit list --url https://acme.example --token env:TOKEN --decision denied',
    'ringfence audit list --category lease --since 2026-01-31T00:00:00Z -o json',
    'ringfence audit list --platform --category support',
  ).action((flags: Flags) => list(flags, console))
  examples(
    tenantCommand(
      audit
        .command('get <index>')
        .description('One entry, whole.')
        .option('-o, --output <format>', 'table, json or yaml', 'table'),
    ),
    'ringfence audit get 4711 --url https://acme.example --token env:TOKEN',
  ).action(async (index: string, flags: Flags) => {
    const format = parseFormat(flags.output)
    const place = /^\d{1,15}$/.test(index) ? index : misused('an index is a whole number')
    const response = await tenantGet(tenantAccess(flags, console), `${PATH}/entries/${place}`)
    writeOne(entrySchema.parse(await response.json()), all, format, console.out)
  })
  filtered(
    audit
      .command('follow')
      .description('Entries as they come, a JSON line each, until Ctrl-C.')
      .option('--from <index>', 'from this entry on; default from now on'),
    'ringfence audit follow --url https://acme.example --token env:TOKEN --decision denied',
  ).action((flags: Flags) => follow(flags, console))
  filtered(
    audit
      .command('export')
      .description('All entries in order, a JSON line each.')
      .option('--format <format>', 'ndjson, or ocsf for the Open Cybersecurity Schema', 'ndjson'),
    'ringfence audit export --format ocsf --since 2026-01-01T00:00:00Z > audit.ndjson',
  ).action(async (flags: Flags) => {
    const query = queryOf(flags, { format: flags.format })
    const response = await tenantGet(tenantAccess(flags, console), `${PATH}/export${query}`)
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      console.out(decoder.decode(chunk as Uint8Array, { stream: true }))
    }
  })
  examples(
    tenantCommand(
      audit
        .command('checkpoint')
        .description('The newest signed checkpoint of the log (C2SP tlog-checkpoint), to keep.'),
    ),
    'ringfence audit checkpoint --url https://acme.example --token env:TOKEN > checkpoint',
  ).action(async (flags: Flags) => {
    const response = await tenantGet(tenantAccess(flags, console), `${PATH}/checkpoint`)
    console.out(await response.text())
  })
}

function filtered(command: Command, ...lines: readonly string[]): Command {
  for (const [name, says] of FILTERS) command.option(`--${name} <value>`, says)
  return examples(tenantCommand(command), ...lines)
}

async function list(flags: Flags, console: Console): Promise<void> {
  const format = parseFormat(flags.output)
  const limit = wholeNumber(flags.limit, '--limit') ?? PAGE_MAX
  const page = pagesOf(flags, console)
  const items: WireEntry[] = []
  for (let cursor: string | undefined, more = true; more && items.length < limit; ) {
    const most = String(Math.min(PAGE_MAX, limit - items.length))
    const { items: some, next } = await page(
      `/entries${queryOf(flags, { limit: most, order: flags.order, cursor })}`,
    )
    items.push(...some)
    cursor = next
    more = next !== undefined
  }
  writeList(items, columns, format, console.out)
}

/** Asks the tenant's front door, or the records plane about the platform's own log. */
function pagesOf(flags: Flags, console: Console) {
  if (flags.platform === true) {
    const client = new ControlClient(recordsAccess(flags, console))
    return (path: string) => client.get(`${PLATFORM_PATH}${path}`, pageSchema)
  }
  const access = tenantAccess(flags, console)
  return async (path: string) =>
    pageSchema.parse(await (await tenantGet(access, `${PATH}${path}`)).json())
}

async function follow(flags: Flags, console: Console): Promise<void> {
  const { url, token } = tenantAccess(flags, console)
  const { origin, pathname } = new URL(url)
  const from = flags.from
  const base = pathname === '/' ? '' : pathname
  const path = `${base}${PATH}/follow${queryOf(flags, { cursor: from })}`
  const headers = { authorization: `Bearer ${token}` }
  const refused = ({ status }: { readonly status: number }) =>
    new RingfenceError('forbidden', `the log is not to be followed (status ${status})`)
  for await (const { event, data } of eventStream(origin, path, headers, refused)) {
    if (event === 'entry') console.out(`${data}\n`)
  }
}

/** What is looked for, with what else is asked. */
function queryOf(flags: Flags, more: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(more)) if (value !== undefined) query.set(name, value)
  for (const [name] of FILTERS) {
    const value = flags[name === 'request-id' ? 'requestId' : name]
    if (typeof value === 'string') query.set(name.replace('-', '_'), value)
  }
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}

function misused(why: string): never {
  throw new RingfenceError('invalid_argument', why)
}
