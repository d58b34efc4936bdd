import { isIPv4, isIPv6 } from 'node:net'

const BITS = { 4: 32, 6: 128 } as const

/** An address, or a range of them, as Cedar's `ip` has it. */
export class IpRange {
  readonly version: 4 | 6
  /** Without the bits behind the prefix being cleared. */
  readonly address: bigint
  readonly prefix: number
  readonly #first: bigint
  readonly #last: bigint

  constructor(version: 4 | 6, address: bigint, prefix: number) {
    this.version = version
    this.address = address
    this.prefix = prefix
    const host = (1n << BigInt(BITS[version] - prefix)) - 1n
    this.#last = address | host
    this.#first = this.#last ^ host
  }

  /** Undefined for what is neither an address nor a range. */
  static parse(text: string): IpRange | undefined {
    if (text.includes(':') && text.includes('.')) return undefined
    const slash = text.indexOf('/')
    const address = slash < 0 ? text : text.slice(0, slash)
    // A zone names an interface of some machine.
    if (address.includes('%')) return undefined
    const version = isIPv4(address) ? 4 : isIPv6(address) ? 6 : undefined
    if (version === undefined) return undefined
    const prefix = slash < 0 ? BITS[version] : prefixOf(text.slice(slash + 1), version)
    if (prefix === undefined) return undefined
    return new IpRange(version, version === 4 ? numberOf4(address) : numberOf6(address), prefix)
  }

  get key(): string {
    return `ip${this.version}:${this.address}/${this.prefix}`
  }

  get isLoopback(): boolean {
    if (this.version === 6) return this.address === 1n && this.prefix === 128
    return this.address >> 24n === 127n && this.prefix >= 8
  }

  get isMulticast(): boolean {
    if (this.version === 6) return this.address >> 120n === 0xffn && this.prefix >= 8
    return this.address >> 28n === 0xen && this.prefix >= 4
  }

  isIn(other: IpRange): boolean {
    return (
      this.version === other.version && other.#first <= this.#first && this.#last <= other.#last
    )
  }
}

function prefixOf(text: string, version: 4 | 6): number | undefined {
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(text)) return undefined
  const prefix = Number(text)
  return prefix <= BITS[version] ? prefix : undefined
}

function numberOf4(text: string): bigint {
  return BigInt(text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0))
}

function numberOf6(text: string): bigint {
  const [head = '', tail] = text.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const [before, after] = [groups(head), groups(tail ?? '')]
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  const all = [...before, ...zeros, ...after]
  return all.reduce((sum, group) => (sum << 16n) | BigInt(Number.parseInt(group, 16)), 0n)
}
