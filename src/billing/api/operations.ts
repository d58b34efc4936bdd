import { z } from 'zod'
import { usageQuotaSchema } from '../../contracts/price.ts'
import { TIERS } from '../../core/tenant.ts'
import type { Operation } from '../../http/described-routes.ts'
import { budgetSchema } from '../budgets/budget.ts'
import { draftSchema, INVOICE_STATES, invoiceSchema } from '../invoices/invoice.ts'
import { FINDING_KINDS } from '../reconcile/finding.ts'

/** What the routes of bills take and answer, for tenants and for operators. */

const items = <T extends z.ZodType>(item: T) => z.strictObject({ items: z.array(item) })
const time = z.iso.datetime()
/** A whole number that JSON's could not hold. */
const whole = z.string().regex(/^-?\d+$/)
const keptInvoice = invoiceSchema.extend({
  /** Hex SHA-256 of the invoice's canonical JSON. */
  hash: z.string(),
  state: z.enum(INVOICE_STATES),
})
const page = z.strictObject({ items: z.array(keptInvoice), next: z.string().nullable() })
const pageQuery = {
  limit: z.string().optional(),
  before: z.string().optional(),
}
const found = (description: string, schema: z.ZodType) => ({ 200: { description, schema } })
const csv = { 200: { description: 'Its lines.', type: 'text/csv' } }
const pdf = { 200: { description: 'As a document to print.', type: 'application/pdf' } }
const reading = z.strictObject({
  ...{ meter: z.string(), from: time, to: time },
  group: z.record(z.string(), z.string()),
  /** Millionths of the meter's unit. */
  quantity: whole,
})
const quotaState = z.strictObject({
  ...{ quota: usageQuotaSchema, from: time, until: time, used: whole, spent: z.boolean() },
})
const budgetState = z.strictObject({
  ...{ name: z.string(), budget: budgetSchema, period: z.string(), spent: whole, percent: z.int() },
})
const draft = found('What an invoice of it would be now.', items(draftSchema))

export const TENANT_BILLING = {
  listInvoices: {
    ...{ method: 'get', path: '/invoices', id: 'listInvoices', query: pageQuery },
    summary: 'Invoices and credit notes that were sent, newest first.',
    answers: found('A page of them.', page),
  },
  getInvoice: {
    ...{ method: 'get', path: '/invoices/{number}', id: 'getInvoice' },
    summary: 'One invoice.',
    answers: found('The invoice.', keptInvoice),
  },
  getInvoiceCsv: {
    ...{ method: 'get', path: '/invoices/{number}/csv', id: 'getInvoiceCsv', answers: csv },
    summary: 'One invoice as CSV.',
  },
  getInvoicePdf: {
    ...{ method: 'get', path: '/invoices/{number}/pdf', id: 'getInvoicePdf', answers: pdf },
    summary: 'One invoice as PDF.',
  },
  preview: {
    ...{ method: 'get', path: '/preview', id: 'previewInvoice', answers: draft },
    summary: 'What the invoice of a period would be now.',
    query: { period: z.string() },
  },
  usage: {
    ...{ method: 'get', path: '/usage', id: 'readUsage' },
    summary: 'What a meter says, window by window.',
    query: {
      meter: z.string(),
      from: time,
      to: time,
      window: z.enum(['minute', 'hour', 'day', 'whole']).default('day'),
      /** Keys of the meter's groups, with commas between them. */
      by: z.string().optional(),
    },
    answers: found(
      'Readings, and up to when they are complete.',
      z.strictObject({ items: z.array(reading), watermark: time }),
    ),
  },
  quotas: {
    ...{ method: 'get', path: '/quotas', id: 'listQuotas' },
    summary: 'Quotas of the plan, and how much of each is used.',
    answers: found('All of them.', items(quotaState)),
  },
  listBudgets: {
    ...{ method: 'get', path: '/budgets', id: 'listBudgets' },
    summary: 'Budgets, and how much of each is spent.',
    answers: found('All of them.', items(budgetState)),
  },
  putBudget: {
    ...{ method: 'put', path: '/budgets/{name}', id: 'putBudget' },
    summary: 'Set a budget. For administrators.',
    body: { schema: budgetSchema },
    answers: found('The budget.', z.strictObject({ name: z.string(), budget: budgetSchema })),
    refusals: [409, 413],
  },
  removeBudget: {
    ...{ method: 'delete', path: '/budgets/{name}', id: 'removeBudget' },
    summary: 'Remove a budget. For administrators.',
    answers: { 204: { description: 'It is gone.' } },
  },
} as const satisfies Readonly<Record<string, Operation>>

const advice = z.strictObject({
  move: z.enum(TIERS),
  why: z.enum(['cheaper', 'crowds']),
  text: z.string(),
})
const costReport = z.strictObject({
  ...{ tenant: z.string(), period: z.string(), currency: z.string(), tier: z.enum(TIERS) },
  parts: z.array(
    z.strictObject({ name: z.string(), quantity: whole, cost: whole, measured: z.boolean() }),
  ),
  ...{ cost: whole, revenue: whole, margin: whole, marginPercent: z.int().nullable() },
  byTier: z.record(z.enum(TIERS), whole),
  advice: advice.nullable(),
})
const finding = z.strictObject({
  ...{ id: z.string(), kind: z.enum(FINDING_KINDS), about: z.string(), at: time },
  ...{ text: z.string(), events: z.array(z.string()) },
})
const reconciliation = z.strictObject({
  ...{ tenant: z.string(), period: z.string(), at: time },
  ...{ logged: z.int(), metered: z.int(), matched: z.int(), pending: z.int() },
  ...{ linesCompared: z.int(), logCompared: z.boolean() },
  ...{ findings: z.array(finding), more: z.int() },
})
const recomputation = z.strictObject({
  ...{ number: z.string(), sent: whole, now: whole },
  differences: invoiceSchema.shape.lines,
})
export const finaliseSchema = z.strictObject({ incomplete: z.boolean().default(false) })
export const voidSchema = z.strictObject({ reason: z.string().trim().min(1).max(500) })

const INVOICE = '/tenants/{tenant}/invoices/{number}'
const PERIOD = '/tenants/{tenant}/periods/{period}'

export const OPERATOR_BILLING = {
  listInvoices: {
    ...{ method: 'get', path: '/tenants/{tenant}/invoices', id: 'listInvoices' },
    summary: 'A tenant’s invoices and credit notes, newest first.',
    query: pageQuery,
    answers: found('A page of them.', page),
  },
  getInvoice: {
    ...{ method: 'get', path: INVOICE, id: 'getInvoice' },
    summary: 'One invoice.',
    answers: found('The invoice.', keptInvoice),
  },
  getInvoiceCsv: {
    ...{ method: 'get', path: `${INVOICE}/csv`, id: 'getInvoiceCsv', answers: csv },
    summary: 'One invoice as CSV.',
  },
  getInvoicePdf: {
    ...{ method: 'get', path: `${INVOICE}/pdf`, id: 'getInvoicePdf', answers: pdf },
    summary: 'One invoice as PDF.',
  },
  recompute: {
    ...{ method: 'get', path: `${INVOICE}/recomputation`, id: 'recomputeInvoice' },
    summary: 'What an invoice would be if it were made again from events.',
    answers: found('Beside what it is.', recomputation),
  },
  voidInvoice: {
    ...{ method: 'post', path: `${INVOICE}/void`, id: 'voidInvoice' },
    summary: 'Take an invoice back by a credit note.',
    body: { schema: voidSchema },
    answers: found('The credit note.', keptInvoice),
    refusals: [409, 413],
  },
  preview: {
    ...{ method: 'get', path: `${PERIOD}/preview`, id: 'previewInvoice', answers: draft },
    summary: 'What a tenant’s invoice of a period would be now.',
  },
  finalise: {
    ...{ method: 'post', path: `${PERIOD}/invoices`, id: 'finaliseInvoices' },
    summary: 'Make a tenant’s invoices of a period final.',
    body: { schema: finaliseSchema },
    answers: found('Those that were made.', items(keptInvoice)),
    refusals: [409, 413],
  },
  reconcile: {
    ...{ method: 'post', path: `${PERIOD}/reconciliation`, id: 'reconcile' },
    summary: 'Compare gateways’ logs, meters and invoices of a period.',
    answers: found('What does not agree.', reconciliation),
    refusals: [409],
  },
  costs: {
    ...{ method: 'get', path: '/periods/{period}/costs', id: 'listCosts' },
    summary: 'What tenants cost in a period, and what came of it.',
    query: { tenant: z.string().optional() },
    answers: found('The costliest first.', items(costReport)),
    refusals: [409],
  },
} as const satisfies Readonly<Record<string, Operation>>
