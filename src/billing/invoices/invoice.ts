import { z } from 'zod'
import { parseCurrency } from '../../contracts/currency.ts'
import { parsePlanName } from '../../core/names.ts'
import { parsed } from '../../core/parsed.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { parsePeriod } from '../rating/period.ts'

/** Whole numbers that a JSON number could not hold exactly. */
export const wholeSchema = z
  .string()
  .regex(/^-?(?:0|[1-9]\d{0,40})$/)
  .transform((text) => BigInt(text))
export const timeSchema = z.iso.datetime().transform((text) => new Date(text))
const plan = parsed(parsePlanName)
const hash = z.string().regex(/^[0-9a-f]{64}$/)

/** Who sends invoices. Its numbers have no gap. */
export const issuerSchema = z.strictObject({
  /** Tells issuers apart: `ringfence-gmbh`. */
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/),
  name: z.string().min(1).max(200),
  address: z.array(z.string().min(1).max(200)).max(8),
  taxId: z.string().min(1).max(60).optional(),
  /** Stands before the numbers: `RF-`. */
  prefix: z.string().regex(/^[A-Z0-9-]{0,12}$/),
})
export type Issuer = z.output<typeof issuerSchema>

/** Who pays. */
export const customerSchema = z.strictObject({
  name: z.string().min(1).max(200),
  address: z.array(z.string().min(1).max(200)).max(8),
  /** ISO 3166-1, two letters. */
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional(),
  taxId: z.string().min(1).max(60).optional(),
  email: z.email().optional(),
})
export type Customer = z.output<typeof customerSchema>

const lineSchema = z.strictObject({
  /** `minimum` brings a plan's charges up to its minimum; `adjustment` corrects an invoice before. */
  kind: z.enum(['charge', 'minimum', 'adjustment']),
  /** Of the price; `minimum` for the plan's own. */
  charge: z.string(),
  text: z.string(),
  plan,
  generation: z.int(),
  from: timeSchema,
  to: timeSchema,
  meter: z.string().optional(),
  /** Micros of the meter's unit. */
  quantity: wholeSchema.optional(),
  /** Units that were free, as an exact fraction: `1000/3`. */
  included: z.string().optional(),
  /** How the amount came to be: units and minor units, as exact fractions. */
  steps: z.array(z.strictObject({ quantity: z.string(), cost: z.string() })).optional(),
  /** The number of the invoice that an adjustment is of. */
  of: z.string().optional(),
  /** Minor units; below zero for a credit. */
  amount: wholeSchema,
})
export type InvoiceLine = z.output<typeof lineSchema>

const taxLineSchema = z.strictObject({
  name: z.string(),
  /** Hundredths of a percent: 1900 is 19 %. */
  rate: z.int().min(0).max(100_000),
  basis: wholeSchema,
  amount: wholeSchema,
})
export type TaxLine = z.output<typeof taxLineSchema>

const draftShape = {
  tenant: parsed(parseTenantId),
  period: parsed((value) => parsePeriod(value).id),
  from: timeSchema,
  to: timeSchema,
  currency: parsed(parseCurrency),
  issuer: issuerSchema,
  customer: customerSchema,
  lines: z.array(lineSchema),
  subtotal: wholeSchema,
  taxes: z.array(taxLineSchema),
  total: wholeSchema,
  /** Which generation of which price was used for which stretch. */
  segments: z.array(
    z.strictObject({ plan, generation: z.int(), from: timeSchema, to: timeSchema }),
  ),
  /** Up to when usage was complete, as far as was known. */
  watermark: timeSchema,
  /** SHA-256 of all readings that it was made from: their revision. */
  usage: hash,
}

/** What an invoice would be now. */
export const draftSchema = z.strictObject(draftShape)
export type Draft = z.output<typeof draftSchema>

/** An invoice or a credit note as it was sent: it never changes. */
export const invoiceSchema = z.strictObject({
  series: z.enum(['invoice', 'credit-note']),
  number: z.string(),
  /** Without gaps for each issuer and series, from 1. */
  sequence: z.int().min(1),
  issuedAt: timeSchema,
  /** Of a credit note: the invoice that it takes back. */
  credits: z.string().optional(),
  /** Why, of a credit note. */
  reason: z.string().optional(),
  ...draftShape,
  /** Hash of the document before it in the issuer's series; empty for the first. */
  previous: z.union([hash, z.literal('')]),
})
export type Invoice = z.output<typeof invoiceSchema>

export const INVOICE_STATES = ['final', 'paid', 'void'] as const
export type InvoiceState = (typeof INVOICE_STATES)[number]

/** An invoice with what became of it since. */
export interface KeptInvoice {
  readonly invoice: Invoice
  /** Hex SHA-256 of its canonical JSON. */
  readonly hash: string
  readonly state: InvoiceState
}
