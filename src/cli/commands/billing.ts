import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { z } from 'zod'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { parseTenantId } from '../../core/tenant.ts'
import {
  draft,
  invoice,
  invoiceColumns,
  items,
  lineColumns,
  money,
  recomputation,
  reconciliation,
} from '../billing-answers.ts'
import type { Console } from '../console.ts'
import { ControlClient } from '../control-client.ts'
import { confirm, examples, pathOf, wholeNumber } from '../control-command.ts'
import { type Ending, STATE_DIRECTORY_DEFAULT } from '../ending.ts'
import { getResponse } from '../get-response.ts'
import { type Columns, type OutputFormat, parseFormat, writeList, writeOne } from '../output.ts'
import { recordsAccess, type RecordsFlags } from '../records-access.ts'
import { tenantRefusal } from '../tenant-access.ts'
import { addBillingCosts } from './billing-costs.ts'

interface Flags extends RecordsFlags {
  readonly output: string
  readonly json?: boolean
}

/** The flags of every command that asks the records plane. */
function recordsCommand(command: Command): Command {
  return command
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .option('--json', 'the same as -o json')
    .option('--records <url>', 'the records plane (RINGFENCE_RECORDS)')
    .option('--token <token>', 'an operator’s token, better env:NAME (RINGFENCE_TOKEN)')
    .option(
      '--state <directory>',
      'the state directory of a platform here',
      STATE_DIRECTORY_DEFAULT,
    )
}

function open(flags: Flags, console: Console): { client: ControlClient; format: OutputFormat } {
  const format = flags.json === true ? 'json' : parseFormat(flags.output)
  return { client: new ControlClient(recordsAccess(flags, console)), format }
}

const PERIOD = '2026-07, 2026-q3 or 2026'

/** `ringfence billing`: bills, as an operator. */
export function addBilling(program: Command, console: Console, ending: Ending): void {
  const billing = examples(
    program
      .command('billing')
      .description('Invoices, what they are made from, and what tenants cost.'),
    'ringfence billing preview acme --period 2026-07',
    'ringfence billing finalise acme --period 2026-07',
    'ringfence billing reconcile acme --period 2026-07',
    'ringfence billing advice --period 2026-07',
  )
  const of = (tenant: string, ...steps: readonly string[]) =>
    pathOf('billing', 'tenants', parseTenantId(tenant), ...steps)

  examples(
    recordsCommand(
      billing
        .command('invoices <tenant> [number]')
        .description('Invoices and credit notes, or one.'),
    )
      .option('--limit <n>', 'at most so many', '50')
      .option('--csv <file>', 'write one as CSV')
      .option('--pdf <file>', 'write one as PDF'),
    'ringfence billing invoices acme',
    'ringfence billing invoices acme RF-000001 --pdf invoice.pdf',
  ).action(
    async (
      tenant: string,
      number: string | undefined,
      flags: Flags & { readonly limit: string; readonly csv?: string; readonly pdf?: string },
    ) => {
      const most = wholeNumber(flags.limit, '--limit') ?? 50
      const { client, format } = open(flags, console)
      if (number === undefined) {
        if (flags.csv !== undefined || flags.pdf !== undefined) {
          throw new RingfenceError('invalid_argument', 'name an invoice')
        }
        const path = of(tenant, 'invoices')
        writeList(await invoicesOf(client, path, most), invoiceColumns, format, console.out)
        return
      }
      const path = of(tenant, 'invoices', number)
      if (flags.csv !== undefined)
        save(flags.csv, await fileOf(`${path}/csv`, flags, console), console)
      if (flags.pdf !== undefined)
        save(flags.pdf, await fileOf(`${path}/pdf`, flags, console), console)
      if (flags.csv !== undefined || flags.pdf !== undefined) return
      const one = await client.get(path, invoice)
      writeOne(one, invoiceColumns, format, console.out)
      if (format === 'table') writeList(one.lines, lineColumns(one.currency), format, console.out)
    },
  )

  examples(
    recordsCommand(
      billing.command('preview <tenant>').description('What an invoice would be now.'),
    ).requiredOption('--period <period>', PERIOD),
    'ringfence billing preview acme --period 2026-07 --json',
  ).action(async (tenant: string, flags: Flags & { readonly period: string }) => {
    const { client, format } = open(flags, console)
    const path = of(tenant, 'periods', flags.period, 'preview')
    const found = (await client.get(path, items(draft))).items
    if (format !== 'table') return writeList(found, (one) => one, format, console.out)
    if (found.length === 0) console.out('nothing is billed in it\n')
    for (const one of found) {
      writeList(one.lines, lineColumns(one.currency), format, console.out)
      const total = `${money(one.subtotal, one.currency)}, with taxes ${money(one.total, one.currency)}`
      console.out(`\n${total} ${one.currency}; usage is complete up to ${one.watermark}\n`)
    }
  })

  examples(
    recordsCommand(
      billing.command('finalise <tenant>').description('Make the invoices of a period final.'),
    )
      .requiredOption('--period <period>', PERIOD)
      .option('--incomplete', 'also while usage may still come: it goes onto the next')
      .option('--yes', 'do not ask'),
    'ringfence billing finalise acme --period 2026-07 --yes',
  ).action(
    async (
      tenant: string,
      flags: Flags & { readonly period: string; incomplete?: boolean; yes?: boolean },
    ) => {
      const { client, format } = open(flags, console)
      const path = of(tenant, 'periods', flags.period, 'invoices')
      await confirm(console, flags, 'A final invoice never changes.', tenant)
      const body = { incomplete: flags.incomplete === true }
      const made = await client.change({ method: 'POST', path, body }, items(invoice))
      writeList(made.items, invoiceColumns, format, console.out)
    },
  )

  examples(
    recordsCommand(
      billing
        .command('void <tenant> <number>')
        .description('Take an invoice back by a credit note.'),
    )
      .requiredOption('--reason <text>', 'what the credit note says')
      .option('--yes', 'do not ask'),
    'ringfence billing void acme RF-000001 --reason "wrong customer"',
  ).action(
    async (tenant: string, number: string, flags: Flags & { reason: string; yes?: boolean }) => {
      const { client, format } = open(flags, console)
      const path = of(tenant, 'invoices', number, 'void')
      await confirm(console, flags, `${number} will be void, and stays so.`, number)
      const body = { reason: flags.reason }
      const note = await client.change({ method: 'POST', path, body }, invoice)
      writeOne(note, invoiceColumns, format, console.out)
    },
  )

  examples(
    recordsCommand(
      billing
        .command('recompute <tenant> <number>')
        .description('Make an invoice again from usage, and compare: exit code 1 if it differs.'),
    ),
    'ringfence billing recompute acme RF-000001',
  ).action(async (tenant: string, number: string, flags: Flags) => {
    const { client, format } = open(flags, console)
    const { currency } = await client.get(of(tenant, 'invoices', number), invoice)
    const path = of(tenant, 'invoices', number, 'recomputation')
    const found = await client.get(path, recomputation)
    const columns: Columns<typeof found> = (one) => ({
      number: one.number,
      sent: money(one.sent, currency),
      now: money(one.now, currency),
      'lines that differ': one.differences.length,
    })
    writeOne(found, columns, format, console.out)
    if (found.differences.length === 0) return
    ending.exitCode = 1
    if (format === 'table') writeList(found.differences, lineColumns(currency), format, console.out)
  })

  examples(
    recordsCommand(
      billing
        .command('reconcile <tenant>')
        .description('Compare gateways’ logs, meters and invoices: exit code 1 with findings.'),
    ).requiredOption('--period <period>', PERIOD),
    'ringfence billing reconcile acme --period 2026-07',
  ).action(async (tenant: string, flags: Flags & { readonly period: string }) => {
    const { client, format } = open(flags, console)
    const path = of(tenant, 'periods', flags.period, 'reconciliation')
    const report = await client.change({ method: 'POST', path, body: {} }, reconciliation)
    const columns: Columns<typeof report> = (one) => ({
      'requests logged': one.logCompared ? one.logged : 'no log at hand',
      'requests metered': one.metered,
      matched: one.matched,
      pending: one.pending,
      'lines compared': one.linesCompared,
      findings: one.findings.length + one.more,
    })
    writeOne(report, columns, format, console.out)
    if (report.findings.length === 0) return
    ending.exitCode = 1
    const shown: Columns<(typeof report.findings)[number]> = ({ kind, about, at, text }) => {
      return { kind, about, at, text }
    }
    if (format === 'table') writeList(report.findings, shown, format, console.out)
  })

  addBillingCosts<Flags & { readonly period: string; readonly tenant?: string }>(billing, {
    recordsCommand,
    open: (flags) => open(flags, console),
    period: PERIOD,
    out: console.out,
  })
}

/** Page by page, newest first. */
async function invoicesOf(client: ControlClient, path: string, most: number) {
  const page = z.object({ items: z.array(invoice), next: z.string().nullable() })
  const all: z.output<typeof invoice>[] = []
  let before: string | undefined
  do {
    const limit = String(Math.min(200, most - all.length))
    const found: z.output<typeof page> = await client.get(path, page, { limit, before })
    all.push(...found.items)
    before = found.next ?? undefined
  } while (before !== undefined && all.length < most)
  return all
}

/** An invoice as a file, byte for byte. @throws RingfenceError as `recordsAccess`, or as it is refused */
async function fileOf(path: string, flags: Flags, console: Console): Promise<Uint8Array> {
  const { server, token } = recordsAccess(flags, console)
  const shown = typeof token === 'string' ? token : await token()
  const response = await getResponse(server, path, { authorization: `Bearer ${shown}` })
  if (!response.ok) throw tenantRefusal(response.status, await response.text())
  return new Uint8Array(await response.arrayBuffer())
}

function save(file: string, content: Uint8Array, console: Console): void {
  try {
    writeFileSync(file, content, { mode: 0o600 })
  } catch (error) {
    throw new RingfenceError('not_writable', `${file} cannot be written: ${messageOf(error)}`)
  }
  console.out(`${file} is written\n`)
}
