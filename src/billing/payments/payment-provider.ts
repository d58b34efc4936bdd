import type { TenantId } from '../../core/tenant.ts'
import type { Customer, Invoice } from '../invoices/invoice.ts'

/** What a provider says became of an invoice. */
export interface PaymentMessage {
  /** The message's own id: whatever comes under it again says nothing new. */
  readonly id: string
  readonly kind: 'paid' | 'payment-failed'
  /** The invoice, as the provider calls it. */
  readonly externalId: string
  /** What the provider's invoice comes to, in our minor units and currency. */
  readonly total: bigint
  readonly currency: string
}

/** Who collects money. Everything may be asked again after it was not heard, and is done once. */
export interface PaymentProvider {
  /** Stable: payments are remembered under it. */
  readonly name: string
  /** @returns the customer, as the provider calls it */
  customer(tenant: TenantId, customer: Customer): Promise<string>
  /**
   * Sends an invoice as it is, and has it collected. On return the provider has it with our total.
   * @throws RingfenceError `conflict`, `invalid_argument` for what another try cannot mend;
   *   `engine_unavailable`, `timed_out`, `rate_limited` for what it can
   */
  submit(invoice: Invoice, hash: string, customer: string): Promise<string>
  /**
   * Takes an invoice back. Not an error when it was taken back before.
   * @throws as `submit`; `conflict` for one that was paid: somebody pays it back by hand
   */
  void(externalId: string, creditNote: string): Promise<void>
  /**
   * Reads what the provider sends, once its signature is verified.
   * @returns undefined for what does not concern invoices
   * @throws RingfenceError `invalid_token` for what it has not signed
   */
  read(body: string, signature: string | undefined): PaymentMessage | undefined
}
