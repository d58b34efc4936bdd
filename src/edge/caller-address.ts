import { parseAddress, UNKNOWN_ADDRESS } from './address.ts'
import { Ranges } from './ranges.ts'

/** Proxies of ours that callers come through, and the one field in which they say for whom. */
export interface TrustedProxies {
  readonly ranges: readonly string[]
  /**
   * Only the field that these proxies write is read. Another one they pass on as the caller sent it.
   * Default `x-forwarded-for`.
   */
  readonly field?: 'x-forwarded-for' | 'forwarded'
}

/** Finds out whose a request is, when it comes through proxies. */
export class CallerAddresses {
  readonly #trusted: Ranges
  readonly #field: 'x-forwarded-for' | 'forwarded'

  /** @throws RingfenceError `invalid_argument` for what is no range */
  constructor({ ranges, field = 'x-forwarded-for' }: TrustedProxies) {
    this.#trusted = new Ranges(ranges)
    this.#field = field
  }

  isProxy(address: string): boolean {
    return this.#trusted.has(address)
  }

  /**
   * The nearest address on the way that is not one of our proxies: each proxy vouches for the one
   * before it, and whoever is not ours vouches for nobody. `unknown` when a proxy does not say.
   * @param peer who holds the connection
   * @param rawHeaders as Node's
   */
  of(peer: string, rawHeaders: readonly string[]): string {
    if (!this.#trusted.has(peer)) return peer
    const hops = this.#hops(rawHeaders)
    let address = peer
    while (this.#trusted.has(address)) {
      const before = hops.pop()
      if (before === undefined) return address
      address = parseAddress(before) ?? UNKNOWN_ADDRESS
    }
    return address
  }

  #hops(rawHeaders: readonly string[]): string[] {
    const values: string[] = []
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      if (rawHeaders[index]?.toLowerCase() === this.#field) values.push(rawHeaders[index + 1] ?? '')
    }
    const hops = values.join(',').split(',')
    return hops.map((hop) => withoutPort(this.#field === 'forwarded' ? forOf(hop) : hop.trim()))
  }
}

/** The node of one element of a Forwarded field (RFC 7239, section 4). */
function forOf(element: string): string {
  for (const pair of element.split(';')) {
    const [, value] = /^\s*for\s*=\s*(.*?)\s*$/i.exec(pair) ?? []
    if (value !== undefined) return value.replace(/^"(.*)"$/, '$1')
  }
  return ''
}

function withoutPort(node: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(node)
  if (bracketed !== null) return bracketed[1] ?? ''
  return node.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
}
