import { BlockList, isIPv4 } from 'node:net'
import { RingfenceError } from '../core/errors.ts'
import { parseAddress } from './address.ts'

const MAPPED_BITS = 96

/** Ranges of addresses, compiled. */
export class Ranges {
  readonly #list = new BlockList()
  readonly isEmpty: boolean

  /**
   * @param ranges addresses and ranges: `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`
   * @throws RingfenceError `invalid_argument` for what is no range
   */
  constructor(ranges: readonly string[]) {
    this.isEmpty = ranges.length === 0
    for (const range of ranges) this.#add(range)
  }

  /** @param address as `parseAddress` gives it; what is no address is in no range */
  has(address: string): boolean {
    if (this.isEmpty) return false
    if (isIPv4(address)) return this.#list.check(address, 'ipv4')
    return address.includes(':') && this.#list.check(address, 'ipv6')
  }

  #add(range: string): void {
    const [text = '', bits, more] = range.split('/')
    const address = parseAddress(text)
    if (address === undefined || more !== undefined) throw notARange(range)
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    if (bits === undefined) {
      this.#list.addAddress(address, family)
      return
    }
    // `::ffff:192.0.2.0/120` is 192.0.2.0/24: callers' addresses are compared as IPv4 too.
    const wrapped = family === 'ipv4' && text.includes(':')
    const length = /^\d{1,3}$/.test(bits) ? Number(bits) - (wrapped ? MAPPED_BITS : 0) : -1
    if (length < 0 || length > (family === 'ipv4' ? 32 : 128)) throw notARange(range)
    this.#list.addSubnet(address, length, family)
  }
}

function notARange(range: string): RingfenceError {
  return new RingfenceError('invalid_argument', `not an address or a range: ${range}`)
}
