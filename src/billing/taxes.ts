import { roundHalfEven, rational } from './rating/rational.ts'
import type { Customer, Issuer, TaxLine } from './invoices/invoice.ts'

/** What is to be taxed. */
export interface Taxable {
  readonly issuer: Issuer
  readonly customer: Customer
  /** The end of the period: the day of the supply. */
  readonly at: Date
  /** Minor units; below zero for a credit. */
  readonly subtotal: bigint
}

/** Who knows taxes. Asked again at every draft: the same question must have the same answer. */
export interface TaxAdapter {
  taxesOf(taxable: Taxable): Promise<readonly TaxLine[]>
}

export const NO_TAXES: TaxAdapter = { taxesOf: () => Promise.resolve([]) }

export interface TaxRate {
  readonly name: string
  /** Hundredths of a percent. */
  readonly rate: number
  /** Inclusive. Default: always. */
  readonly from?: Date
}

/**
 * One rate for each country, from a table that its owner keeps: an example, and enough for who sells in a
 * few countries and knows them. A customer without a country, or of one that is not in the table, has no
 * taxes; so has one with a tax number outside the issuer's country, where `reverseCharge` says so.
 */
export function taxesByCountry(
  table: Readonly<Record<string, readonly TaxRate[]>>,
  options: { readonly issuerCountry?: string; readonly reverseCharge?: boolean } = {},
): TaxAdapter {
  return {
    taxesOf({ customer: { country, taxId }, at, subtotal }) {
      const abroad = country !== options.issuerCountry
      if (country === undefined || (options.reverseCharge === true && abroad && taxId)) {
        return Promise.resolve([])
      }
      const rates = Object.hasOwn(table, country) ? table[country] : undefined
      const found = rates?.findLast(({ from }) => from === undefined || from <= at)
      if (found === undefined) return Promise.resolve([])
      const { name, rate } = found
      const amount = roundHalfEven(rational(subtotal * BigInt(rate), 10_000n))
      return Promise.resolve([{ name, rate, basis: subtotal, amount }])
    },
  }
}
