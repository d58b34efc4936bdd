import type { Random } from './random.test-support.ts'

/** Kinds of values that a generated expression may be meant to have. */
export const KINDS = [
  ...['boolean', 'long', 'string', 'entity', 'set', 'record'],
  ...['ip', 'decimal', 'datetime', 'duration'],
] as const
type Kind = 'boolean' | 'long' | 'string' | 'entity' | 'set' | 'record' | ExtensionKind
type ExtensionKind = 'ip' | 'decimal' | 'datetime' | 'duration'

export const TYPES = ['User', 'Group', 'Doc', 'Clinic::Ward'] as const
export const IDS = ['a', 'b', 'c', '', 'x y', '"q\\', 'é😀', '__proto__'] as const
export const NAMES = [
  ...['b', 'n', 's', 'e', 't', 'r', 'ip', 'dec', 'at', 'for'],
  ...['constructor', '__proto__', 'x y', ''],
] as const
/** Which attribute is meant to hold what. */
export const NAME_OF: Readonly<Record<string, string>> = {
  ...{ boolean: 'b', long: 'n', string: 's', entity: 'e', set: 't', record: 'r' },
  ...{ ip: 'ip', decimal: 'dec', datetime: 'at', duration: 'for' },
}
export const STRINGS = [
  ...['', 'a', 'ab', 'aab', '/records/7', 'é😀', '*', 'a*b', '\\', '"', '\n', '1.2.3.4', '1.5'],
  ...['__proto__', '\u0000', '2024-01-01', '1d'],
] as const
export const LONGS = [0, 1, -1, 2, 3, 7, -5, 100, 4_294_967_296, 9_007_199_254_740_991] as const
const ACTIONS = ['view', 'edit', 'read', 'write'] as const

export const LITERALS: Readonly<Record<ExtensionKind, readonly string[]>> = {
  ip: [
    ...['1.2.3.4', '10.0.0.0/8', '10.1.2.3', '10.1.2.3/8', '127.0.0.1', '127.0.0.1/1', '::1'],
    ...['::1/127', '::', 'ff00::1', 'ff00::/7', '224.0.0.1', '224.0.0.1/3', '2001:db8::/32'],
    ...['2001:db8:0:0:0:0:0:7', '::ffff:102:304', '0.0.0.0/0', '1:2:3:4:5:6:7::', '1.2.3.4/32'],
    ...['', '1.2.3', '01.2.3.4', '1.2.3.4/33', '1.2.3.4/08', '1.2.3.4/', '::ffff:1.2.3.4'],
    ...['::1%lo', '1::2::3', '::/129', '::g', '1.2.3.4/ 8', ':::', '1:2:3:4:5:6:7:8:9', '::/0'],
  ],
  decimal: [
    ...['0.0', '1.0', '1.00', '-0.5', '1.5', '1.5000', '-1.2345', '922337203685477.5807'],
    ...['-922337203685477.5808', '922337203685477.5808', '1', '1.', '.5', '+1.0', '1.23456', ''],
    ...['00001.5', '-0.0', '1e5', '1,5', ' 1.0'],
  ],
  datetime: [
    ...['2024-01-01', '2024-02-29', '2023-02-29', '1969-12-31', '1969-12-31T12:34:56.789Z'],
    ...['2024-01-01T00:00:00Z', '2024-01-01T23:59:59.999Z', '2024-01-01T01:00:00+0100'],
    ...['2024-01-01T00:00:00-2359', '2024-01-01T00:00:00+2400', '2024-01-01T00:00:00+0060'],
    ...['2024-01-01T24:00:00Z', '2024-01-01T00:00:60Z', '2024-01-01T00:00Z', '0000-01-01'],
    ...['9999-12-31T23:59:59.999-2359', '2024-13-01', '2024-00-01', '2024-01-00', '20240101'],
    ...['2024-01-01T00:00:00', '2024-01-01T00:00:00.1Z', '', '2024-1-1', '0050-06-07'],
  ],
  duration: [
    ...['1d', '0d', '1d2h3m4s5ms', '-1d', '90m', '1h30m', '-1500ms', '999ms', '86400s', '5m'],
    ...['5m5ms', '9223372036854775807ms', '-9223372036854775808ms', '9223372036854775808ms'],
    ...['106751991167d', '106751991168d', '', '-', '1', 'd', '2h1d', '1d1d', '1.5h', '+1d'],
  ],
}

const METHODS: Readonly<Record<ExtensionKind, readonly string[]>> = {
  ip: ['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'],
  decimal: [],
  datetime: [],
  duration: [],
}
const SPANS = ['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays'] as const
const DECIMAL_ORDER = ['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'] as const

/** Text in Cedar's own quotes. */
export function quoted(text: string, star = '*'): string {
  const escaped = Array.from(text, (char) => {
    if (char === '"' || char === '\\') return `\\${char}`
    if (char === '*') return star
    return char < ' ' ? `\\u{${char.charCodeAt(0).toString(16)}}` : char
  })
  return `"${escaped.join('')}"`
}

/** Expressions of every kind; now and then one of another kind than it is meant to be. */
export class RandomExpression {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  of(kind: Kind, depth: number): string {
    const random = this.#random
    if (random.chance(0.03)) return this.of(random.of(KINDS), depth)
    if (depth > 0 && random.chance(0.1)) {
      const [test, then, otherwise] = [this.of('boolean', depth - 1), kind, kind]
      return `(if ${test} then ${this.of(then, depth - 1)} else ${this.of(otherwise, depth - 1)})`
    }
    if (kind !== 'boolean' && random.chance(0.3)) return this.#attribute(kind, depth)
    switch (kind) {
      case 'boolean':
        return this.#boolean(depth)
      case 'long':
        return this.#long(depth)
      case 'string':
        return quoted(random.of(STRINGS))
      case 'entity':
        return random.of(['principal', 'resource', 'action', this.uid(), this.uid()])
      case 'set': {
        const of = random.of(KINDS)
        return `[${random.some(3, () => this.of(of, depth - 1)).join(', ')}]`
      }
      case 'record': {
        const names = new Set(random.some(3, () => random.of(NAMES)))
        const fields = [...names].map(
          (name) => `${quoted(name)}: ${this.of(random.of(KINDS), depth - 1)}`,
        )
        return `{${fields.join(', ')}}`
      }
      default:
        return this.#extension(kind, depth)
    }
  }

  uid(): string {
    const random = this.#random
    if (random.chance(0.15)) return `Action::${quoted(random.of(ACTIONS))}`
    return `${random.of(TYPES)}::${quoted(random.of(IDS))}`
  }

  #attribute(kind: Kind, depth: number): string {
    const random = this.#random
    const name = random.chance(0.9) ? (NAME_OF[kind] ?? 'b') : random.of(NAMES)
    const of = random.chance(0.8)
      ? random.of(['context', 'principal', 'resource'])
      : this.of(random.of(['record', 'entity']), depth - 1)
    const plain = /^[a-z]+$/.test(name) && random.chance(0.7)
    return plain ? `(${of}).${name}` : `(${of})[${quoted(name)}]`
  }

  #boolean(depth: number): string {
    const random = this.#random
    if (depth <= 0) return random.of(['true', 'false', '(context).b', '(principal == resource)'])
    const deeper = depth - 1
    const two = (kind: Kind, operator: string) =>
      `(${this.of(kind, deeper)} ${operator} ${this.of(kind, deeper)})`
    const kind = random.of(KINDS)
    switch (random.below(20)) {
      case 0:
      case 1:
        return two('boolean', '&&')
      case 2:
      case 3:
        return two('boolean', '||')
      case 4:
        return `!(${this.of('boolean', deeper)})`
      case 5:
        return two(kind, '==')
      case 6:
        return two(kind, '!=')
      case 7:
      case 8:
        return two(random.of(['long', 'datetime', 'duration']), random.of(['<', '<=', '>', '>=']))
      case 9:
        return two('entity', 'in')
      case 10:
        return `(${this.of('entity', deeper)} in [${random.some(3, () => this.of('entity', deeper)).join(', ')}])`
      case 11:
        return `((${this.of('entity', deeper)}) is ${random.of(TYPES)})`
      case 12:
        return `((${this.of('entity', deeper)}) is ${random.of(TYPES)} in ${this.of('entity', deeper)})`
      case 13:
        return this.#has(deeper)
      case 14:
        return `(${this.of('string', deeper)} like ${this.#pattern()})`
      case 15:
        return `(${this.of('set', deeper)}).contains(${this.of(kind, deeper)})`
      case 16:
        return `(${this.of('set', deeper)}).${random.of(['containsAll', 'containsAny'])}(${this.of('set', deeper)})`
      case 17:
        return random.chance(0.5)
          ? `(${this.of('set', deeper)}).isEmpty()`
          : `(${this.of('entity', deeper)}).hasTag(${this.of('string', deeper)})`
      case 18:
        return `((${this.of('entity', deeper)}).getTag(${this.of('string', deeper)}) == ${this.of(kind, deeper)})`
      default:
        return this.#extensionTest(deeper)
    }
  }

  #extensionTest(depth: number): string {
    const random = this.#random
    switch (random.below(3)) {
      case 0:
        return `(${this.of('ip', depth)}).${random.of(METHODS.ip)}()`
      case 1:
        return `(${this.of('ip', depth)}).isInRange(${this.of('ip', depth)})`
      default:
        return `(${this.of('decimal', depth)}).${random.of(DECIMAL_ORDER)}(${this.of('decimal', depth)})`
    }
  }

  #has(depth: number): string {
    const random = this.#random
    const of = random.chance(0.6)
      ? random.of(['context', 'principal', 'resource'])
      : this.of(random.of(['record', 'entity']), depth)
    if (random.chance(0.3))
      return `((${of}) has ${random.of(['r.b', 'r.n', 'e.s', 'r.r.b', 'n.b'])})`
    return `((${of}) has ${quoted(random.of(NAMES))})`
  }

  #pattern(): string {
    const random = this.#random
    const parts = random.some(4, () =>
      random.chance(0.5) ? '*' : quoted(random.of(STRINGS), '\\*').slice(1, -1),
    )
    return `"${parts.join('')}"`
  }

  #long(depth: number): string {
    const random = this.#random
    if (depth <= 0 || random.chance(0.4)) return String(random.of(LONGS))
    const deeper = depth - 1
    switch (random.below(4)) {
      case 0:
        return `(-(${this.of('long', deeper)}))`
      case 1:
        return `(${this.of('duration', deeper)}).${random.of(SPANS)}()`
      default:
        return `(${this.of('long', deeper)} ${random.of(['+', '-', '*'])} ${this.of('long', deeper)})`
    }
  }

  #extension(kind: ExtensionKind, depth: number): string {
    const random = this.#random
    const deeper = depth - 1
    if (depth > 0 && random.chance(0.3)) {
      if (kind === 'datetime') {
        return random.chance(0.7)
          ? `(${this.of('datetime', deeper)}).offset(${this.of('duration', deeper)})`
          : `(${this.of('datetime', deeper)}).toDate()`
      }
      if (kind === 'duration') {
        return random.chance(0.5)
          ? `(${this.of('datetime', deeper)}).durationSince(${this.of('datetime', deeper)})`
          : `(${this.of('datetime', deeper)}).toTime()`
      }
    }
    if (random.chance(0.05)) return `${kind}(${this.of('string', deeper)})`
    return `${kind}(${quoted(random.of(LITERALS[kind]))})`
  }
}
