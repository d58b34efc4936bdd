import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Chance, ibanLike, luhnDigits, withLuhn } from './chance.ts'
import { NEGATIVE, POSITIVE } from './templates.ts'
import { COMMON_PEOPLE, RARE_PEOPLE, STREETS, THINGS } from './vocabulary.ts'

/**
 * Writes the labelled set anew: everything in it is invented here, by a fixed seed. A line is
 * `1 <tab> text <tab> what is to be found in it`, or `0 <tab> text`.
 */
const LINES = 220

function fill(template: string, chance: Chance): { readonly text: string; readonly value: string } {
  let value = ''
  const text = template.replaceAll(/\{(\w+)\}/g, (_, slot: string) => {
    const made = make(slot, chance)
    value ||= made
    return made
  })
  return { text, value }
}

/** A value of a kind, or something that looks like one. */
function make(slot: string, chance: Chance): string {
  const digits = (count: number) => chance.digits(count)
  const person = (people: readonly string[]) => chance.pick(people)
  switch (slot) {
    case 'ssn':
      return ssn(chance, '-')
    case 'ssnSpaced':
      return ssn(chance, ' ')
    case 'ssnBare':
      return ssn(chance, '')
    case 'noSsn':
      return `${chance.pick(['000', '666', `9${digits(2)}`])}-${digits(2)}-${digits(4)}`
    case 'card':
      return card(chance, '')
    case 'cardSpaced':
      return card(chance, ' ')
    case 'cardHyphened':
      return card(chance, '-')
    case 'noCard':
      return luhnDigits(chance, `4${digits(14)}`, false)
    case 'number16':
      return `1${digits(15)}`
    case 'phoneUs':
      return chance.between(0, 1) === 0
        ? `(${area(chance)}) ${area(chance)}-${digits(4)}`
        : `${area(chance)}${chance.pick(['-', '.', ' '])}${area(chance)}-${digits(4)}`
    case 'phoneWorld':
      return chance.pick([
        `+44 20 7${digits(3)} ${digits(4)}`,
        `+49 30 ${digits(7)}`,
        `+33 6 ${digits(2)} ${digits(2)} ${digits(2)} ${digits(2)}`,
        `+1 ${area(chance)} ${area(chance)} ${digits(4)}`,
        `+91 98${digits(3)} ${digits(5)}`,
        `+81-3-${digits(4)}-${digits(4)}`,
        `+234${digits(10)}`,
        `0044 161 ${digits(3)} ${digits(4)}`,
        `+55 (11) 9${digits(4)}-${digits(4)}`,
      ])
    case 'phoneNational':
      return chance.pick([
        `020 7${digits(3)} ${digits(4)}`,
        `030/${digits(7)}`,
        `06 ${digits(2)} ${digits(2)} ${digits(2)} ${digits(2)}`,
        `0${digits(3)}-${digits(6)}`,
      ])
    case 'email':
      return chance.pick([
        `${chance.word()}.${chance.word()}@${chance.word()}.com`,
        `${chance.word()}+${chance.word()}@mail.${chance.word()}.co.uk`,
        `${chance.word()}_${digits(2)}@${chance.word()}.org`,
        `${chance.word()}@${chance.word()}-${chance.word()}.io`,
        `jörg.${chance.word()}@müller-${chance.word()}.de`,
      ])
    case 'iban':
      return ibanLike(chance, true, '')
    case 'ibanSpaced':
      return ibanLike(chance, true, ' ')
    case 'noIban':
      return ibanLike(chance, false, chance.pick(['', ' ']))
    case 'mrn':
      return chance.pick([
        digits(8),
        digits(6),
        `A-${digits(6)}`,
        `MR${digits(7)}`,
        `${digits(3)}-${digits(4)}`,
      ])
    case 'npi':
      return withLuhn(`808401${digits(8)}`).slice(5)
    case 'noNpi':
      return luhnDigits(chance, `808401${digits(8)}`, false).slice(5)
    case 'seconds':
      return `17${digits(8)}`
    case 'millis':
      return `17${digits(11)}`
    case 'birth':
      return birth(chance)
    case 'birthIso':
      return `19${chance.between(30, 99)}-${two(chance, 12)}-${two(chance, 28)}`
    case 'birthCompact':
      return `19${chance.between(30, 99)}${two(chance, 12)}${two(chance, 28)}`
    case 'date':
      return `20${chance.between(10, 26)}-${two(chance, 12)}-${two(chance, 28)}`
    case 'person':
      return person(chance.pick([COMMON_PEOPLE, COMMON_PEOPLE, RARE_PEOPLE]))
    case 'common':
      return person(COMMON_PEOPLE)
    case 'rare':
      return person(RARE_PEOPLE)
    case 'first':
      return person(COMMON_PEOPLE).split(' ')[0] ?? ''
    case 'last':
      return person(COMMON_PEOPLE).split(' ').at(-1) ?? ''
    case 'street':
      return chance.pick(STREETS)
    case 'thing':
      return chance.pick(THINGS)
    case 'uuid':
      return chance.uuid()
    case 'hex':
      return chance.hex(40)
    case 'order':
      return `${chance.pick(['ORD', 'INV', 'PO', 'SO', 'RMA'])}-${digits(chance.between(5, 9))}`
    case 'version':
      return `${digits(1)}.${digits(2)}.${digits(1)}`
    case 'ip':
      return [1, 2, 3, 4].map(() => chance.between(1, 254)).join('.')
    case 'money':
      return `${digits(3)},${digits(3)}.${digits(2)}`
    case 'isbn':
      return `978-${digits(1)}-${digits(3)}-${digits(5)}-${digits(1)}`
    case 'tracking':
      return `1Z${chance.hex(6).toUpperCase()}${digits(10)}`
    case 'd9':
      return `1${digits(8)}`
    case 'd10':
      return `9${digits(9)}`
    case 'd5':
      return `${chance.between(1, 9)}${digits(4)}`
    case 'd2':
      return digits(2)
    case 'word':
      return chance.word()
    default:
      throw new RangeError(slot)
  }
}

const two = (chance: Chance, most: number) => String(chance.between(1, most)).padStart(2, '0')
const area = (chance: Chance) =>
  `${chance.between(2, 9)}${chance.pick(['0', '1', '2'])}${chance.between(2, 9)}`

function ssn(chance: Chance, separator: string): string {
  const first = chance.between(1, 665)
  const parts = [
    String(first).padStart(3, '0'),
    two(chance, 99),
    String(chance.between(1, 9999)).padStart(4, '0'),
  ]
  return parts.join(separator)
}

function card(chance: Chance, separator: string): string {
  const begins = chance.pick(['4', '51', '55', '2221', '34', '37', '6011', '65', '3530', '62'])
  const length = begins.startsWith('3') && begins !== '3530' ? 15 : 16
  const digits = withLuhn(begins + chance.digits(length - 1 - begins.length))
  const groups = length === 15 ? [4, 6, 5] : [4, 4, 4, 4]
  let at = 0
  return groups.map((size) => digits.slice(at, (at += size))).join(separator)
}

function birth(chance: Chance): string {
  const year = chance.between(1930, 2015)
  const [month, day] = [chance.between(1, 12), chance.between(1, 28)]
  const name =
    [
      'January',
      'February',
      'March',
      'April',
      'May',
      'June',
      'July',
      'August',
      'September',
      'October',
      'November',
      'December',
    ][month - 1] ?? ''
  return chance.pick([
    `${day} ${name} ${year}`,
    `${name} ${day}, ${year}`,
    `${String(month).padStart(2, '0')}/${String(day).padStart(2, '0')}/${year}`,
    `${day}.${month}.${year}`,
    `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`,
    `${name.slice(0, 3)} ${day} ${year}`,
  ])
}

for (const [kind, positive] of Object.entries(POSITIVE)) {
  const chance = new Chance(kind)
  const lines: string[] = []
  for (let n = 0; n < LINES; n += 1) {
    const { text, value } = fill(positive[n % positive.length] ?? '', chance)
    lines.push(`1\t${text}\t${value}`)
  }
  const negative = [...(NEGATIVE[kind] ?? []), ...(NEGATIVE['any'] ?? [])]
  for (let n = 0; n < LINES * 2; n += 1) {
    lines.push(`0\t${fill(negative[n % negative.length] ?? '', chance).text}`)
  }
  writeFileSync(join(import.meta.dirname, `${kind}.tsv`), `${lines.join('\n')}\n`)
}
