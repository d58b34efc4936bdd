import { decimalOf, unitsOf } from '../../contracts/currency.ts'
import type { Draft, Invoice } from '../invoices/invoice.ts'

const COLUMNS = [
  'number',
  'period',
  'currency',
  'kind',
  'charge',
  'text',
  'plan',
  'from',
  'to',
  'meter',
  'quantity',
  'amount',
  'of',
] as const
type Row = Readonly<Partial<Record<(typeof COLUMNS)[number], string>>>

/**
 * One row a line, then one a tax (RFC 4180): their amounts add up to the total. What people wrote is never
 * a formula to a spreadsheet.
 */
export function invoiceCsv(invoice: Draft | Invoice): string {
  const { period, currency } = invoice
  const common = { period, currency, number: 'number' in invoice ? invoice.number : '' }
  const rows = [
    ...invoice.lines.map(
      (line): Row => ({
        ...common,
        kind: line.kind,
        charge: line.charge,
        text: words(line.text),
        plan: line.plan,
        from: line.from.toISOString(),
        to: line.to.toISOString(),
        meter: line.meter ?? '',
        quantity: line.quantity === undefined ? '' : unitsOf(line.quantity),
        amount: decimalOf(line.amount, currency),
        of: line.of ?? '',
      }),
    ),
    ...invoice.taxes.map(
      ({ name, amount }): Row => ({
        ...common,
        kind: 'tax',
        text: words(name),
        amount: decimalOf(amount, currency),
      }),
    ),
  ]
  const lines = [COLUMNS, ...rows.map((row) => COLUMNS.map((column) => row[column] ?? ''))]
  return lines.map((cells) => `${cells.map(quoted).join(',')}\r\n`).join('')
}

function words(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}
