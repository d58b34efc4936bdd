import type { Command } from 'commander'
import { z } from 'zod'
import type { Console } from '../console.ts'
import { confirm, examples } from '../control-command.ts'
import type { Ending } from '../ending.ts'
import { type Columns, parseFormat, writeList, writeOne } from '../output.ts'
import { readObject } from '../read-document.ts'
import {
  tenantAccess,
  tenantAsk,
  tenantCommand,
  type TenantFlags,
  tenantGet,
} from '../tenant-access.ts'

const PATH = '/ringfence/alerts'

interface Flags extends TenantFlags {
  readonly output: string
}

const alertSchema = z.looseObject({
  name: z.string(),
  severity: z.string(),
  summary: z.string(),
  since: z.string(),
})
const sinkSchema = z.looseObject({
  name: z.string(),
  kind: z.string(),
  delivered_at: z.string().nullable(),
  last_error: z.string().nullable(),
  set_by: z.string(),
  unconfirmed: z.array(z.string()).optional(),
})
type Sink = z.output<typeof sinkSchema>

const items = <T>(item: z.ZodType<T>) => z.object({ items: z.array(item) })
const sinkColumns: Columns<Sink> = (one) => ({
  name: one.name,
  kind: one.kind,
  'delivered at': one.delivered_at,
  'last error': one.last_error,
  'set by': one.set_by,
  ...(one.unconfirmed === undefined ? {} : { unconfirmed: one.unconfirmed.join(' ') }),
})

/** `ringfence alerts`: a tenant's own alerts and where they are sent, by its own front door. */
export function addAlerts(program: Command, console: Console, _ending: Ending): void {
  const alerts = examples(
    program
      .command('alerts')
      .description('A tenant’s own alerts, and where they are sent, for its administrators.'),
    'ringfence alerts set-sink pager -f pager.yaml --url https://acme.example --token env:TOKEN',
  )
  const shown = (command: Command) =>
    tenantCommand(command.option('-o, --output <format>', 'table, json or yaml', 'table'))

  examples(
    shown(alerts.command('list').description('What fires now.')),
    'ringfence alerts list --url https://acme.example --token env:TOKEN',
  ).action(async (flags: Flags) => {
    const format = parseFormat(flags.output)
    const response = await tenantGet(tenantAccess(flags, console), PATH)
    const found = items(alertSchema).parse(await response.json())
    const columns: Columns<z.output<typeof alertSchema>> = ({ name, severity, summary, since }) => {
      return { name, severity, since, summary }
    }
    writeList(found.items, columns, format, console.out)
  })

  examples(
    shown(alerts.command('sinks [name]').description('Where they are sent, and how that went.')),
    'ringfence alerts sinks --url https://acme.example --token env:TOKEN',
    'ringfence alerts sinks pager -o yaml',
  ).action(async (name: string | undefined, flags: Flags) => {
    const format = parseFormat(flags.output)
    const access = tenantAccess(flags, console)
    if (name === undefined) {
      const response = await tenantGet(access, `${PATH}/sinks`)
      const found = items(sinkSchema).parse(await response.json())
      return writeList(found.items, sinkColumns, format, console.out)
    }
    const response = await tenantGet(access, sinkPath(name))
    writeOne(sinkSchema.parse(await response.json()), sinkColumns, format, console.out)
  })

  examples(
    shown(
      alerts
        .command('set-sink <name>')
        .description('Make a sink, or change one: all of it, with its secrets.'),
    ).requiredOption('-f, --file <file>', 'the sink, as YAML or JSON: docs/alerts.md'),
    'ringfence alerts set-sink pager -f pager.yaml --url https://acme.example --token env:TOKEN',
  ).action(async (name: string, flags: Flags & { readonly file: string }) => {
    const format = parseFormat(flags.output)
    const [path, body] = [sinkPath(name), readObject(flags.file)]
    const response = await tenantAsk(tenantAccess(flags, console), { method: 'PUT', path, body })
    writeOne(sinkSchema.parse(await response.json()), sinkColumns, format, console.out)
  })

  examples(
    shown(
      alerts
        .command('confirm <name> <address>')
        .description('Have alerts mailed to an address of a sink: with the code that went there.'),
    ).requiredOption('--code <code>', 'what the mail says'),
    'ringfence alerts confirm mail ops@acme.example --code ABCDEFGHJK --url https://acme.example --token env:TOKEN',
  ).action(async (name: string, address: string, flags: Flags & { readonly code: string }) => {
    const format = parseFormat(flags.output)
    const asked = { path: `${sinkPath(name)}/confirmation`, body: { address, code: flags.code } }
    const response = await tenantAsk(tenantAccess(flags, console), { method: 'PUT', ...asked })
    writeOne(sinkSchema.parse(await response.json()), sinkColumns, format, console.out)
  })

  examples(
    tenantCommand(
      alerts
        .command('remove-sink <name>')
        .description('Send nothing there any more, what is on its way neither.')
        .option('--yes', 'do not ask'),
    ),
    'ringfence alerts remove-sink pager --url https://acme.example --token env:TOKEN --yes',
  ).action(async (name: string, flags: TenantFlags & { readonly yes?: boolean }) => {
    const access = tenantAccess(flags, console)
    await confirm(console, flags, `Alerts are not sent to ${name} any more.`, name)
    await tenantAsk(access, { method: 'DELETE', path: sinkPath(name) })
    console.out(`${name} is removed\n`)
  })
}

const sinkPath = (name: string) => `${PATH}/sinks/${encodeURIComponent(name)}`
