import { LONG_MAX, LONG_MIN } from './value.ts'

const FORM = /^(-?)([0-9]+)\.([0-9]{1,4})$/

/** A number with four places after the point, as Cedar's `decimal` has it. */
export class Decimal {
  /** In ten-thousandths. */
  readonly units: bigint

  constructor(units: bigint) {
    this.units = units
  }

  /** Undefined for what is none, and beyond the bounds. */
  static parse(text: string): Decimal | undefined {
    const [, sign, whole, places] = FORM.exec(text) ?? []
    if (whole === undefined || places === undefined) return undefined
    const size = BigInt(whole) * 10_000n + BigInt(places.padEnd(4, '0'))
    const units = sign === '-' ? -size : size
    return units > LONG_MAX || units < LONG_MIN ? undefined : new Decimal(units)
  }

  get key(): string {
    return `decimal${this.units}`
  }
}
