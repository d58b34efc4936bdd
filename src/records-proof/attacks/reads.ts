import { THIS_MONTH } from '../house/furnish.ts'

const SPAN = `from=${THIS_MONTH.from.toISOString()}&to=${THIS_MONTH.to.toISOString()}`
export const USAGE = `/ringfence/billing/usage?meter=calls&by=site&window=whole&${SPAN}`
export const PREVIEW = `/ringfence/billing/preview?period=${THIS_MONTH.id}`

/** Every way in which a tenant reads what is recorded of it. */
export const READS: readonly string[] = [
  '/ringfence/audit/entries?limit=500',
  '/ringfence/audit/export',
  '/ringfence/billing/invoices',
  PREVIEW,
  USAGE,
  '/ringfence/billing/budgets',
  '/ringfence/billing/quotas',
  '/ringfence/audit/sinks',
  '/ringfence/alerts',
  '/ringfence/alerts/sinks',
]

/** Where an owner sees all its canaries. */
export const CANARIES_AT: readonly string[] = [
  // What strikes have entered since need not be read.
  '/ringfence/audit/entries?order=oldest&limit=20',
  '/ringfence/billing/invoices?limit=1',
  USAGE,
  '/ringfence/billing/budgets',
  '/ringfence/audit/sinks',
]

/** One for each part of what a tenant reads: who asks is looked at before what is asked. */
export const PARTS: readonly string[] = [
  '/ringfence/audit/entries?limit=500',
  '/ringfence/audit/checkpoint',
  '/ringfence/billing/invoices',
  '/ringfence/billing/budgets',
  '/ringfence/audit/sinks',
  '/ringfence/alerts/sinks',
]
