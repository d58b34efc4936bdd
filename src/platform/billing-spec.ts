import { z } from 'zod'
import { listen } from './spec-parts.ts'

const country = z.string().regex(/^[A-Z]{2}$/)
const file = z.string().min(1)

/** One rate for each country, as whoever writes the invoices knows them. */
const taxesSchema = z.strictObject({
  /** Of the issuer. */
  country: country.exactOptional(),
  /** Customers abroad that have a tax number pay none here. */
  reverseCharge: z.boolean().default(false),
  rates: z.record(
    country,
    z
      .array(
        z.strictObject({
          name: z.string().min(1).max(60),
          /** Hundredths of a percent: 1900 for 19 %. */
          rate: z.int().min(0).max(10_000),
          /** From this moment on; the first one: always. In their order. */
          from: z.iso.datetime().exactOptional(),
        }),
      )
      .min(1),
  ),
})

/** Stripe as whoever collects. */
const stripeSchema = z.strictObject({
  apiKeyFile: file,
  /** Secret of the endpoint that Stripe sends messages to. */
  webhookSecretFile: file,
  /** Where these come in, from outside: signed, and nothing else is there. */
  listen,
  dueDays: z.int().min(1).max(365).default(14),
  /** In place of Stripe's own: for its test server. */
  url: z.url({ protocol: /^https?$/ }).exactOptional(),
})

/** What invoices are made with, besides prices and usage. */
export const invoicingShape = {
  /**
   * Holds the customers by tenant, as JSON or YAML: `acme: {name, address, country, taxId, email}`. Read anew
   * for each draft. Absent: each has its registered name, and no country.
   */
  customersFile: file.exactOptional(),
  /** Absent: none. */
  taxes: taxesSchema.exactOptional(),
  /** Absent: nobody collects. */
  stripe: stripeSchema.exactOptional(),
} as const

const invoicing = z.strictObject(invoicingShape)
export type Invoicing = z.output<typeof invoicing>
