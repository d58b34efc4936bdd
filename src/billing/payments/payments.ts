import { messageOf, RingfenceError } from '../../core/errors.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import type { Invoice } from '../invoices/invoice.ts'
import type { Queries } from '../../database/pooled-database.ts'
import type { BillingDatabase } from '../store/billing-database.ts'
import { enterEvent, findInvoice } from '../store/invoice-store.ts'
import type { PaymentMessage, PaymentProvider } from './payment-provider.ts'

/** Longer than a submission takes: another process may try it then. */
const CLAIM_MS = 300_000
const FIRST_PAUSE_MS = 10_000
const LONGEST_PAUSE_MS = 3_600_000
const AT_ONCE = 20
/** What another try cannot mend. */
const FINAL: ReadonlySet<string> = new Set(['conflict', 'invalid_argument', 'not_found'])

export interface PaymentsParts {
  readonly database: BillingDatabase
  readonly provider: PaymentProvider
  readonly now: () => Date
  readonly log: (line: string) => void
}

interface Due {
  readonly tenant: string
  readonly number: string
  readonly attempts: number
}

/** Hands invoices to who collects, and enters what becomes of them. */
export class Payments {
  readonly #parts: PaymentsParts

  constructor(parts: PaymentsParts) {
    this.#parts = parts
  }

  /** In the transaction that makes a document: what is sent is collected, whoever dies in between. */
  async enqueue(tx: Queries, tenant: TenantId, number: string): Promise<void> {
    await tx.query(
      `insert into billing.payment (tenant, number, provider, due_at) values ($1, $2, $3, $4)
       on conflict do nothing`,
      [tenant, number, this.#parts.provider.name, this.#parts.now()],
    )
  }

  /** Submits what is due. Returns how many it tried. */
  async submitDue(): Promise<number> {
    const { database, provider, now } = this.#parts
    const due = await database.query<Due & Record<string, unknown>>(
      `update billing.payment set due_at = $3, attempts = attempts + 1
        where (tenant, number, provider) in (
          select tenant, number, provider from billing.payment
           where not done and due_at <= $2 and provider = $1
           order by due_at limit $4 for update skip locked)
       returning tenant, number, attempts`,
      [provider.name, now(), new Date(now().getTime() + CLAIM_MS), AT_ONCE],
    )
    for (const one of due) await this.#submit(one)
    return due.length
  }

  /**
   * A message of the provider's. Each counts once; one of an invoice that is not ours counts for nothing.
   * @throws RingfenceError `invalid_token` for what is not signed
   */
  async receive(body: string, signature: string | undefined): Promise<void> {
    const { database, provider, now } = this.#parts
    const message = provider.read(body, signature)
    if (message === undefined) return
    await database.transaction(async (tx) => {
      const [payment] = await tx.query<{ tenant: string; number: string }>(
        'select tenant, number from billing.payment where provider = $1 and external_id = $2',
        [provider.name, message.externalId],
      )
      if (payment === undefined) return
      const fresh = await tx.query(
        `insert into billing.payment_message (provider, id, at) values ($1, $2, $3)
         on conflict do nothing returning id`,
        [provider.name, message.id, now()],
      )
      if (fresh.length > 0) await this.#enter(tx, payment, message)
    })
  }

  async #enter(
    tx: Queries,
    { tenant, number }: { readonly tenant: string; readonly number: string },
    { kind, total, currency, id }: PaymentMessage,
  ): Promise<void> {
    const owner = parseTenantId(tenant)
    const found = await findInvoice(tx, owner, number)
    if (found === undefined) return
    const { invoice } = found
    if (invoice.total !== total || invoice.currency !== currency) {
      this.#parts.log(`payments: ${number} was ${kind} with another amount`)
      return
    }
    const { name } = this.#parts.provider
    const at = this.#parts.now()
    await enterEvent(tx, { tenant: owner, number, kind, at, by: name, detail: { message: id } })
  }

  async #submit({ tenant, number, attempts }: Due): Promise<void> {
    const { database, provider, now, log } = this.#parts
    const owner = parseTenantId(tenant)
    const key = [owner, number, provider.name]
    try {
      const found = await findInvoice(database, owner, number)
      if (found === undefined) throw new RingfenceError('not_found', 'no such invoice')
      const externalId = await this.#send(found.invoice, found.hash)
      await database.transaction(async (tx) => {
        await tx.query(
          `update billing.payment set done = true, external_id = $4, last_error = null
            where tenant = $1 and number = $2 and provider = $3`,
          [...key, externalId ?? null],
        )
        const detail = externalId === undefined ? {} : { external_id: externalId }
        const event = { tenant: owner, number, kind: 'submitted', at: now() } as const
        await enterEvent(tx, { ...event, by: provider.name, detail })
      })
    } catch (error) {
      const code = error instanceof RingfenceError ? error.code : 'internal'
      const over = FINAL.has(code)
      log(`payments: ${number} of ${tenant}: ${messageOf(error)}${over ? ', given up' : ''}`)
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempts, 12))
      await database.query(
        `update billing.payment set last_error = $4, done = $5, due_at = $6
          where tenant = $1 and number = $2 and provider = $3`,
        [...key, code, over, new Date(now().getTime() + pause)],
      )
    }
  }

  /** Returns the provider's name of an invoice; undefined for a credit note, which has none there. */
  async #send(invoice: Invoice, hash: string): Promise<string | undefined> {
    const { database, provider } = this.#parts
    const { tenant, number } = invoice
    if (invoice.credits !== undefined) {
      const [credited] = await database.query<{ external_id: string | null; done: boolean }>(
        `select external_id, done from billing.payment
          where tenant = $1 and number = $2 and provider = $3`,
        [tenant, invoice.credits, provider.name],
      )
      if (credited !== undefined && !credited.done) {
        throw new RingfenceError('engine_unavailable', `${invoice.credits} is being submitted`)
      }
      if (typeof credited?.external_id === 'string') {
        await provider.void(credited.external_id, number)
      }
      return undefined
    }
    return provider.submit(invoice, hash, await this.#customer(invoice))
  }

  async #customer({ tenant, customer }: Invoice): Promise<string> {
    const { database, provider } = this.#parts
    const [known] = await database.query<{ external_id: string }>(
      'select external_id from billing.payment_customer where tenant = $1 and provider = $2',
      [tenant, provider.name],
    )
    if (known !== undefined) return known.external_id
    const made = await provider.customer(tenant, customer)
    await database.query(
      `insert into billing.payment_customer (tenant, provider, external_id) values ($1, $2, $3)
       on conflict do nothing`,
      [tenant, provider.name, made],
    )
    return made
  }
}
