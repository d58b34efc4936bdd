import { RingfenceError } from '../core/errors.ts'

declare const currencyBrand: unique symbol
/** ISO 4217: `EUR`. Only `parseCurrency` makes one. */
export type Currency = string & { readonly [currencyBrand]: true }

/** Minor units of the standard's, where they are not two digits. */
const DIGITS: Readonly<Record<string, number>> = Object.fromEntries([
  ...'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF'
    .split(' ')
    .map((code) => [code, 0] as const),
  ...'BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code) => [code, 3] as const),
])
const TWO_DIGITS = new Set(
  (
    'AED AUD BDT BGN BRL CAD CHF CNY COP CZK DKK EGP EUR GBP GEL GHS HKD HUF IDR ILS INR KES KZT LKR ' +
    'MAD MXN MYR NGN NOK NZD PEN PHP PKR PLN QAR RON RSD SAR SEK SGD THB TRY TWD TZS UAH USD UYU ZAR'
  ).split(' '),
)

/** @throws RingfenceError `invalid_argument` for a currency whose minor units are not known here */
export function parseCurrency(value: unknown): Currency {
  if (typeof value === 'string' && (TWO_DIGITS.has(value) || Object.hasOwn(DIGITS, value))) {
    return value as Currency
  }
  throw new RingfenceError('invalid_argument', 'a currency is one of ISO 4217 that is known: EUR')
}

/** Digits after the point: 0, 2 or 3. */
export function digitsOf(currency: Currency): number {
  return DIGITS[currency] ?? 2
}

/** Minor units as people write them, without marks between thousands: `-12.30`. */
export function decimalOf(minor: bigint, currency: Currency): string {
  const digits = digitsOf(currency)
  const text = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, '0')
  const sign = minor < 0n ? '-' : ''
  if (digits === 0) return sign + text
  return `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`
}

/** Micros as a decimal of units: `1.5`. */
export function unitsOf(micros: bigint): string {
  const size = micros < 0n ? -micros : micros
  const fraction = (size % 1_000_000n).toString().padStart(6, '0').replace(/0+$/, '')
  const sign = micros < 0n ? '-' : ''
  return `${sign}${size / 1_000_000n}${fraction === '' ? '' : `.${fraction}`}`
}
