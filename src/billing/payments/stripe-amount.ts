import { type Currency, digitsOf } from '../../contracts/currency.ts'
import { RingfenceError } from '../../core/errors.ts'

/** Without decimals by ISO 4217, and with two in Stripe's amounts. */
const WRITTEN_WITH_TWO: ReadonlySet<string> = new Set(['ISK', 'UGX'])

/**
 * Our minor units in Stripe's.
 * @throws RingfenceError `conflict` for a third decimal that is not 0: Stripe takes none, and to round here
 *   would send another amount than the invoice says
 */
export function stripeAmount(minor: bigint, currency: Currency): number {
  const amount = WRITTEN_WITH_TWO.has(currency) ? minor * 100n : minor
  if (digitsOf(currency) === 3 && amount % 10n !== 0n) {
    throw new RingfenceError('conflict', `Stripe takes no third decimal of ${currency}`)
  }
  if (amount > BigInt(Number.MAX_SAFE_INTEGER) || amount < BigInt(Number.MIN_SAFE_INTEGER)) {
    throw new RingfenceError('conflict', 'the amount is more than Stripe takes')
  }
  return Number(amount)
}

/** The other way round. */
export function ourAmount(amount: number, currency: string): bigint {
  const minor = BigInt(amount)
  return WRITTEN_WITH_TWO.has(currency) ? minor / 100n : minor
}
