import Pdf from 'pdfkit'
import { decimalOf, unitsOf } from '../../contracts/currency.ts'
import type { Invoice, InvoiceLine } from '../invoices/invoice.ts'

const MARGIN = 50
const WIDTH = 595.28 - 2 * MARGIN
const BOTTOM = 780
const GREY = '#555555'
/** Points from the left edge, and their widths. */
const COLUMNS = {
  text: { x: 0, width: 250 },
  span: { x: 255, width: 110 },
  quantity: { x: 370, width: 60 },
  amount: { x: 435, width: WIDTH - 435 },
} as const

/**
 * An invoice or credit note on A4 pages: the same bytes for the same document. The fonts are those that
 * every reader has, so that letters outside Windows-1252 become question marks; the JSON has them all.
 */
export function invoicePdf(invoice: Invoice, hash: string): Promise<Buffer> {
  const title = `${titleOf(invoice)} ${invoice.number}`
  const document = new Pdf({
    size: 'A4',
    margin: MARGIN,
    info: { Title: title, Author: latin(invoice.issuer.name), CreationDate: invoice.issuedAt },
  })
  const done = bytesOf(document)
  head(document, invoice)
  const heading = { text: 'Charge', span: 'Period', quantity: 'Quantity', amount: invoice.currency }
  document.font('Helvetica-Bold')
  row(document, heading)
  document.font('Helvetica')
  for (const line of invoice.lines) row(document, cellsOf(line, invoice))
  document.moveDown(0.5)
  const money = (minor: bigint) => decimalOf(minor, invoice.currency)
  row(document, { text: 'Subtotal', amount: money(invoice.subtotal) })
  for (const { name, rate, amount } of invoice.taxes) {
    row(document, { text: `${name} ${percent(rate)}`, amount: money(amount) })
  }
  document.font('Helvetica-Bold')
  row(document, { text: `Total (${invoice.currency})`, amount: money(invoice.total) })
  document.font('Helvetica').fontSize(7).fillColor(GREY)
  document.moveDown(2)
  const used = invoice.watermark.toISOString()
  document.text(`Usage complete up to ${used}. SHA-256 of the document: ${hash}`, MARGIN)
  document.end()
  return done
}

function head(document: PDFKit.PDFDocument, invoice: Invoice): void {
  const { issuer, customer } = invoice
  document.fontSize(9).fillColor(GREY)
  for (const text of [issuer.name, ...issuer.address]) document.text(latin(text))
  if (issuer.taxId !== undefined) document.text(`Tax number ${latin(issuer.taxId)}`)
  document.moveDown(2).fillColor('black').fontSize(10)
  for (const text of [customer.name, ...customer.address]) document.text(latin(text))
  if (customer.taxId !== undefined) document.text(`Tax number ${latin(customer.taxId)}`)
  document.moveDown(2).font('Helvetica-Bold').fontSize(16)
  document.text(`${titleOf(invoice)} ${invoice.number}`)
  document.font('Helvetica').fontSize(9)
  document.text(`Date ${dateOf(invoice.issuedAt)}`)
  document.text(`Period ${invoice.period}: ${dateOf(invoice.from)} to ${lastDay(invoice.to)} (UTC)`)
  if (invoice.credits !== undefined) document.text(`Takes back invoice ${invoice.credits}`)
  if (invoice.reason !== undefined) document.text(`Reason: ${latin(invoice.reason)}`)
  document.moveDown(1.5)
}

type Cells = Readonly<Partial<Record<keyof typeof COLUMNS, string>>>

function cellsOf(line: InvoiceLine, { currency }: Invoice): Cells {
  return {
    text: line.text,
    span: `${dateOf(line.from)} – ${lastDay(line.to)}`,
    quantity: line.quantity === undefined ? '' : unitsOf(line.quantity),
    amount: decimalOf(line.amount, currency),
  }
}

function row(document: PDFKit.PDFDocument, cells: Cells): void {
  document.fontSize(9).fillColor('black')
  const width = COLUMNS.text.width
  const height = document.heightOfString(latin(cells.text ?? ''), { width })
  if (document.y + height > BOTTOM) document.addPage()
  const top = document.y
  for (const [name, { x, width }] of Object.entries(COLUMNS)) {
    const text = latin(cells[name as keyof typeof COLUMNS] ?? '')
    const align = name === 'quantity' || name === 'amount' ? 'right' : 'left'
    if (text !== '') document.text(text, MARGIN + x, top, { width, align })
  }
  document.x = MARGIN
  document.y = top + height + 3
}

function bytesOf(document: PDFKit.PDFDocument): Promise<Buffer> {
  const chunks: Buffer[] = []
  return new Promise((resolve, reject) => {
    document.on('data', (chunk: Buffer) => chunks.push(chunk))
    document.on('end', () => resolve(Buffer.concat(chunks)))
    document.on('error', reject)
  })
}

function titleOf({ series }: Invoice): string {
  return series === 'invoice' ? 'Invoice' : 'Credit note'
}

function dateOf(moment: Date): string {
  return moment.toISOString().slice(0, 10)
}

/** The day that a span ends with, where its end is not in it. */
function lastDay(end: Date): string {
  return dateOf(new Date(end.getTime() - 1))
}

function percent(rate: number): string {
  return `${unitsOf(BigInt(rate) * 10_000n)} %`
}

/** What the fonts can show. */
function latin(text: string): string {
  return text.replaceAll(/[^\u0020-\u007e\u00a0-\u00ff€–—‘’“”•…]/gu, '?')
}
