import Client from 'stripe'
import { z } from 'zod'
import type { Currency } from '../../contracts/currency.ts'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import { contentHash } from '../invoices/canonical.ts'
import type { Customer, Invoice } from '../invoices/invoice.ts'
import type { PaymentMessage, PaymentProvider } from './payment-provider.ts'
import { ourAmount, stripeAmount } from './stripe-amount.ts'

const TIMEOUT_MS = 20_000
const RETRIES = 2
const DUE_DAYS = 14
/** How old a message may be: what was recorded is no message. */
const TOLERANCE_SECONDS = 300

export interface StripeOptions {
  /** Secret. */
  readonly apiKey: string
  /** Secret of the endpoint that Stripe sends messages to. */
  readonly webhookSecret: string
  /** Default 14. */
  readonly dueDays?: number
  /** Where Stripe is. Default: api.stripe.com. */
  readonly server?: {
    readonly protocol: 'http' | 'https'
    readonly host: string
    readonly port: number
  }
}

const paidSchema = z.object({
  id: z.string(),
  type: z.enum(['invoice.paid', 'invoice.payment_failed']),
  data: z.object({
    object: z.object({ id: z.string(), total: z.int(), currency: z.string() }),
  }),
})

/**
 * Stripe as whoever collects. Its invoices are made line by line of ours, with taxes as lines of their own,
 * so that what Stripe asks for is what our document says: its total is compared before anything is sent.
 */
export class StripeProvider implements PaymentProvider {
  readonly name = 'stripe'
  readonly #client: Client
  readonly #options: StripeOptions

  constructor(options: StripeOptions) {
    this.#options = options
    this.#client = new Client(options.apiKey, {
      timeout: TIMEOUT_MS,
      maxNetworkRetries: RETRIES,
      telemetry: false,
      ...options.server,
    })
  }

  async customer(tenant: TenantId, customer: Customer): Promise<string> {
    const [line1 = '', ...rest] = customer.address
    const made = await asked(() =>
      this.#client.customers.create(
        {
          name: customer.name,
          ...(customer.email === undefined ? {} : { email: customer.email }),
          address: {
            line1,
            line2: rest.join(', '),
            ...(customer.country === undefined ? {} : { country: customer.country }),
          },
          metadata: { ringfence_tenant: tenant },
        },
        // With what is said of it: an id may be another customer's later.
        { idempotencyKey: `ringfence-customer-${contentHash([tenant, customer])}` },
      ),
    )
    return made.id
  }

  async submit(invoice: Invoice, hash: string, customer: string): Promise<string> {
    const { number, tenant, currency, total } = invoice
    // Before anything is made there.
    const expected = stripeAmount(total, currency)
    const items = itemsOf(invoice)
    const key = (part: string) => ({ idempotencyKey: `ringfence-${number}-${part}` })
    const made = await asked(() =>
      this.#client.invoices.create(
        {
          customer,
          currency: currency.toLowerCase(),
          auto_advance: false,
          collection_method: 'send_invoice',
          days_until_due: this.#options.dueDays ?? DUE_DAYS,
          pending_invoice_items_behavior: 'exclude',
          description: number,
          metadata: { ringfence_number: number, ringfence_tenant: tenant, ringfence_hash: hash },
        },
        key('invoice'),
      ),
    )
    for (const [index, { amount, description }] of items.entries()) {
      await asked(() =>
        this.#client.invoiceItems.create(
          {
            customer,
            invoice: made.id,
            currency: currency.toLowerCase(),
            amount,
            description,
          },
          key(`item-${index}`),
        ),
      )
    }
    const there = await asked(() => this.#client.invoices.retrieve(made.id))
    if (there.total !== expected) {
      throw new RingfenceError('conflict', `Stripe has another total for ${number}`, {
        detail: `${there.total} instead of ${expected} in ${made.id}`,
      })
    }
    if (there.status === 'draft') {
      await asked(() =>
        this.#client.invoices.finalizeInvoice(made.id, { auto_advance: true }, key('finalise')),
      )
    }
    return made.id
  }

  async void(externalId: string, creditNote: string): Promise<void> {
    const { status } = await asked(() => this.#client.invoices.retrieve(externalId))
    if (status === 'void') return
    if (status === 'paid') {
      throw new RingfenceError('conflict', `${creditNote} takes back what was paid: pay it back`)
    }
    await asked(() =>
      this.#client.invoices.voidInvoice(
        externalId,
        {},
        { idempotencyKey: `ringfence-${creditNote}-void` },
      ),
    )
  }

  read(body: string, signature: string | undefined): PaymentMessage | undefined {
    let event: unknown
    try {
      event = this.#client.webhooks.constructEvent(
        body,
        signature ?? '',
        this.#options.webhookSecret,
        TOLERANCE_SECONDS,
      )
    } catch (error) {
      throw new RingfenceError('invalid_token', 'the message is not signed by the provider', {
        detail: messageOf(error),
      })
    }
    const read = paidSchema.safeParse(event)
    if (!read.success) return undefined
    const { id, type, data } = read.data
    const currency = data.object.currency.toUpperCase()
    return {
      id,
      kind: type === 'invoice.paid' ? 'paid' : 'payment-failed',
      externalId: data.object.id,
      total: ourAmount(data.object.total, currency),
      currency,
    }
  }
}

function itemsOf({ lines, taxes, currency }: Invoice) {
  const item = (minor: bigint, description: string) => ({
    amount: stripeAmount(minor, currency satisfies Currency),
    description,
  })
  return [
    ...lines.map(({ amount, text }) => item(amount, text)),
    ...taxes.map(({ amount, name }) => item(amount, name)),
  ]
}

/** Their errors in our codes. Nothing of what was sent is in them. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof Client.errors.StripeError)) throw error
    const options = { detail: `${error.type} ${error.code ?? ''}`, cause: error }
    if (error instanceof Client.errors.StripeRateLimitError) {
      throw new RingfenceError('rate_limited', 'the payment provider asks us to wait', options)
    }
    if (
      error instanceof Client.errors.StripeConnectionError ||
      error instanceof Client.errors.StripeAPIError
    ) {
      throw new RingfenceError('engine_unavailable', 'the payment provider is away', options)
    }
    throw new RingfenceError('conflict', 'the payment provider refuses it', options)
  }
}
