import { createHash } from 'node:crypto'

const SYLLABLES = [
  'ba',
  'lo',
  'mi',
  'ter',
  'sun',
  'ka',
  'rel',
  'do',
  'vin',
  'pa',
  'no',
  'gri',
  'sta',
  'fen',
  'lu',
]

/** The same choices each time, from a seed. */
export class Chance {
  readonly #seed: string
  #count = 0

  constructor(seed: string) {
    this.#seed = seed
  }

  /** From `least` to `most`, both included. */
  between(least: number, most: number): number {
    this.#count += 1
    const hash = createHash('sha256').update(`${this.#seed} ${this.#count}`).digest()
    return least + (hash.readUInt32BE(0) % (most - least + 1))
  }

  pick<T>(from: readonly T[]): T {
    const one = from[this.between(0, from.length - 1)]
    if (one === undefined) throw new RangeError('there is nothing to pick from')
    return one
  }

  digits(count: number): string {
    return Array.from({ length: count }, () => this.between(0, 9)).join('')
  }

  hex(count: number): string {
    return Array.from({ length: count }, () => this.between(0, 15).toString(16)).join('')
  }

  uuid(): string {
    return [8, 4, 4, 4, 12].map((count) => this.hex(count)).join('-')
  }

  word(): string {
    return this.pick(SYLLABLES) + this.pick(SYLLABLES) + this.pick(SYLLABLES)
  }
}

/** Digits with their check digit after them. */
export function withLuhn(digits: string): string {
  for (let check = 0; check < 10; check += 1) {
    if (isLuhn(`${digits}${check}`)) return `${digits}${check}`
  }
  throw new RangeError(digits)
}

/** Digits with a last one by which they pass the check, or do not. */
export function luhnDigits(chance: Chance, digits: string, passes: boolean): string {
  const right = withLuhn(digits)
  if (passes) return right
  const check = Number(right.at(-1))
  return `${digits}${(check + chance.between(1, 9)) % 10}`
}

function isLuhn(digits: string): boolean {
  const sum = Array.from(digits)
    .toReversed()
    .map((digit, index) =>
      index % 2 === 0 ? Number(digit) : ([0, 2, 4, 6, 8, 1, 3, 5, 7, 9][Number(digit)] ?? 0),
    )
    .reduce((a, b) => a + b, 0)
  return sum % 10 === 0
}

const ACCOUNTS: readonly (readonly [country: string, form: (chance: Chance) => string])[] = [
  ['DE', (chance) => chance.digits(18)],
  ['FR', (chance) => luhnFreeFrench(chance)],
  ['GB', (chance) => `NWBK${chance.digits(14)}`],
  ['NL', (chance) => `ABNA0${chance.digits(9)}`],
  ['AT', (chance) => chance.digits(16)],
  ['CH', (chance) => `00${chance.digits(15)}`],
  ['PL', (chance) => chance.digits(24)],
  ['MT', (chance) => `MALT${chance.digits(5)}${chance.digits(18)}`],
  ['SA', (chance) => chance.digits(20)],
]

/** Without the national check digits, which are not looked at. */
function luhnFreeFrench(chance: Chance): string {
  return chance.digits(23)
}

/** An account's number with good check digits, or bad ones. */
export function ibanLike(chance: Chance, isGood: boolean, separator: string): string {
  const [country, form] = chance.pick(ACCOUNTS)
  const account = form(chance)
  const check = 98n - (numberOf(`${account}${country}00`) % 97n)
  const wrong = ((check + BigInt(chance.between(1, 80))) % 97n) + 1n
  const digits = String(isGood ? check : wrong === check ? wrong + 1n : wrong).padStart(2, '0')
  const iban = `${country}${digits}${account}`
  return separator === '' ? iban : (iban.match(/.{1,4}/g) ?? []).join(separator)
}

function numberOf(text: string): bigint {
  return BigInt(Array.from(text, (character) => Number.parseInt(character, 36)).join(''))
}
