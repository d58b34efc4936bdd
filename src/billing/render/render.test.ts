import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inflateSync } from 'node:zlib'
import { parseCurrency } from '../../contracts/currency.ts'
import { ACME, BASIC, CUSTOMER, day, ISSUER } from '../billing-site.test-support.ts'
import type { Invoice, InvoiceLine } from '../invoices/invoice.ts'
import { parsePeriod } from '../rating/period.ts'
import { invoiceCsv } from './invoice-csv.ts'
import { invoicePdf } from './invoice-pdf.ts'

const JULY = parsePeriod('2026-07')
const HASH = 'ab'.repeat(32)

function invoice(lines: readonly Partial<InvoiceLine>[], more: Partial<Invoice> = {}): Invoice {
  const all = lines.map(
    (line): InvoiceLine => ({
      kind: 'charge',
      charge: 'calls',
      text: 'Calls of the API',
      plan: BASIC,
      generation: 1,
      from: JULY.from,
      to: JULY.to,
      amount: 0n,
      ...line,
    }),
  )
  const subtotal = all.reduce((sum, { amount }) => sum + amount, 0n)
  return {
    series: 'invoice',
    number: 'RF-000042',
    sequence: 42,
    issuedAt: day('2026-08-02'),
    tenant: ACME,
    period: JULY.id,
    from: JULY.from,
    to: JULY.to,
    currency: parseCurrency('EUR'),
    issuer: ISSUER,
    customer: CUSTOMER,
    lines: all,
    subtotal,
    taxes: [{ name: 'VAT', rate: 1900, basis: subtotal, amount: 19n }],
    total: subtotal + 19n,
    segments: [],
    watermark: JULY.to,
    usage: HASH,
    previous: '',
    ...more,
  }
}

/** The words that a reader of the file sees, of all its pages. */
function textOf(pdf: Buffer): string {
  const binary = pdf.toString('latin1')
  const streams = [...binary.matchAll(/stream\n([\s\S]*?)\nendstream/g)].map(([, body = '']) => {
    try {
      return inflateSync(Buffer.from(body, 'latin1')).toString('latin1')
    } catch {
      return ''
    }
  })
  return streams
    .flatMap((stream) =>
      [...stream.matchAll(/\[([^\]]*)\] TJ/g)].map(([, shown = '']) =>
        [...shown.matchAll(/<([0-9a-f]*)>/g)]
          .map(([, hex = '']) => Buffer.from(hex, 'hex').toString('latin1'))
          .join(''),
      ),
    )
    .join('\n')
}

test('a PDF says who, what, when and how much, and is the same every time', async () => {
  const made = invoice([{ amount: 123456n, quantity: 1_500_000n, meter: 'requests' }])
  const pdf = await invoicePdf(made, HASH)
  const text = textOf(pdf)
  for (const part of [
    'Invoice RF-000042',
    'Ringfence GmbH',
    'Acme Clinics',
    'Tax number DE123456789',
    'Period 2026-07: 2026-07-01 to 2026-07-31 (UTC)',
    'Calls of the API',
    '1234.56',
    '1.5',
    'VAT 19 %',
    'Total (EUR)',
    '1234.75',
    HASH,
  ]) {
    assert.ok(text.includes(part), `${part} in\n${text}`)
  }
  assert.deepEqual(await invoicePdf(made, HASH), pdf)
})

test('every line of a long invoice is on some page', async () => {
  const lines = Array.from({ length: 150 }, (_, index) => ({ text: `line-${index}.`, amount: 1n }))
  const pdf = await invoicePdf(invoice(lines), HASH)
  const text = textOf(pdf)
  for (const { text: words } of lines) assert.ok(text.includes(words), words)
  assert.ok((pdf.toString('latin1').match(/\/Type \/Page\b/g)?.length ?? 0) > 2)
})

test('a credit note names what it takes back, and letters without a font are marked', async () => {
  const note = invoice([{ amount: -100n, text: '数据' }], {
    series: 'credit-note',
    number: 'RF-C000001',
    credits: 'RF-000042',
    reason: 'wrong customer',
  })
  const text = textOf(await invoicePdf(note, HASH))
  for (const part of [
    'Credit note RF-C000001',
    'invoice RF-000042',
    'wrong customer',
    '-1.00',
    '??',
  ]) {
    assert.ok(text.includes(part), part)
  }
})

test('a CSV adds up to the total, in the digits of its currency', () => {
  const made = invoice([{ amount: 5n }, { amount: -7n, kind: 'adjustment', of: 'RF-000041' }], {
    currency: parseCurrency('KWD'),
  })
  const rows = invoiceCsv(made)
    .trimEnd()
    .split('\r\n')
    .map((line) => line.split(','))
  const column = rows[0]?.indexOf('amount') ?? -1
  assert.deepEqual(
    rows.slice(1).map((cells) => cells[column]),
    ['0.005', '-0.007', '0.019'],
  )
})

test('what people wrote is no formula, and breaks out of no cell', () => {
  const csv = invoiceCsv(invoice([{ text: '=HYPERLINK("http://evil")' }, { text: 'a,"b"\nc' }]))
  assert.ok(csv.includes(`"'=HYPERLINK(""http://evil"")"`), csv)
  assert.ok(csv.includes('"a,""b""\nc"'), csv)
})
