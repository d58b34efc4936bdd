import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { type Customer, customerSchema } from '../../billing/invoices/invoice.ts'
import type { PaymentProvider } from '../../billing/payments/payment-provider.ts'
import { type TaxAdapter, taxesByCountry } from '../../billing/taxes.ts'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { parseDocument } from '../../core/parse-document.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Invoicing } from '../billing-spec.ts'
import { readSecret } from './served.ts'

const customersSchema = z.record(z.string(), customerSchema)

/** What bills are opened with, where it is said. */
export interface InvoicingParts {
  readonly customerOf?: (tenant: TenantId) => Promise<Customer | undefined>
  readonly taxes?: TaxAdapter
  readonly payments?: PaymentProvider
}

/** @throws RingfenceError `invalid_manifest` for a file of secrets or customers that cannot be read */
export async function invoicingParts(spec: Invoicing): Promise<InvoicingParts> {
  const { customersFile, taxes, stripe } = spec
  // So that a mistake is seen at the start, and not at the end of a month.
  if (customersFile !== undefined) await customersIn(customersFile)
  return {
    ...(customersFile === undefined
      ? {}
      : { customerOf: async (tenant) => (await customersIn(customersFile)).get(tenant) }),
    ...(taxes === undefined ? {} : { taxes: taxesOf(taxes) }),
    ...(stripe === undefined ? {} : { payments: await stripeOf(stripe) }),
  }
}

async function customersIn(path: string): Promise<ReadonlyMap<string, Customer>> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new RingfenceError('invalid_manifest', `${path}: ${messageOf(error)}`)
  }
  return new Map(Object.entries(parseDocument(text, path, customersSchema)))
}

function taxesOf({ rates, country, reverseCharge }: NonNullable<Invoicing['taxes']>): TaxAdapter {
  const table = Object.entries(rates).map(([name, all]) => [
    name,
    all.map(({ from, ...one }) => (from === undefined ? one : { ...one, from: new Date(from) })),
  ])
  return taxesByCountry(Object.fromEntries(table), {
    reverseCharge,
    ...(country === undefined ? {} : { issuerCountry: country }),
  })
}

/** Its client is loaded where it is used, and nowhere else. */
async function stripeOf(stripe: NonNullable<Invoicing['stripe']>): Promise<PaymentProvider> {
  const { StripeProvider } = await import('../../billing/payments/stripe-provider.ts')
  const { apiKeyFile, webhookSecretFile, dueDays, url } = stripe
  return new StripeProvider({
    apiKey: await readSecret(apiKeyFile),
    webhookSecret: await readSecret(webhookSecretFile),
    dueDays,
    ...(url === undefined ? {} : { server: serverOf(new URL(url)) }),
  })
}

function serverOf({ protocol, hostname, port }: URL) {
  const isTls = protocol === 'https:'
  return {
    protocol: isTls ? ('https' as const) : ('http' as const),
    host: hostname,
    port: port === '' ? (isTls ? 443 : 80) : Number(port),
  }
}
