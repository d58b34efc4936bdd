import { isIPv4 } from 'node:net'
import { LRUCache } from 'lru-cache'

export interface VisitorLimits {
  /** Connections of one address at once. */
  readonly connectionsPerAddress: number
  /** Handshakes and requests that cannot be read, of one address in a minute: then it waits for the next. */
  readonly faultsPerMinute: number
}

export const VISITOR_LIMITS: VisitorLimits = { connectionsPerAddress: 1_024, faultsPerMinute: 120 }

/** Addresses whose faults are remembered; the oldest go first. */
const REMEMBERED_MAX = 10_000
const MINUTE_MS = 60_000

/**
 * Counts connections and faults of each address, so that one caller cannot take what is for all. IPv6
 * callers count by network, since each has more addresses than there is memory.
 */
export class Visitors {
  readonly #limits: VisitorLimits
  readonly #open = new Map<string, number>()
  readonly #faults: LRUCache<string, { count: number }>

  constructor(limits: VisitorLimits) {
    this.#limits = limits
    // Bounded by the connections that there can be, and by the number that is remembered.
    this.#faults = new LRUCache({ max: REMEMBERED_MAX, ttl: MINUTE_MS, updateAgeOnGet: false })
  }

  /** A function to be called when the connection has ended; undefined when it is one too many. */
  enter(address: string): (() => void) | undefined {
    const key = countedAs(address)
    const open = this.#open.get(key) ?? 0
    if (open >= this.#limits.connectionsPerAddress) return undefined
    if ((this.#faults.get(key)?.count ?? 0) >= this.#limits.faultsPerMinute) return undefined
    this.#open.set(key, open + 1)
    return () => {
      const left = (this.#open.get(key) ?? 1) - 1
      if (left > 0) this.#open.set(key, left)
      else this.#open.delete(key)
    }
  }

  /** Something came from the address that no honest caller sends. */
  fault(address: string): void {
    const key = countedAs(address)
    const faults = this.#faults.get(key)
    if (faults === undefined) this.#faults.set(key, { count: 1 })
    else faults.count += 1
  }
}

/** @param address as `parseAddress` gives it */
function countedAs(address: string): string {
  if (isIPv4(address) || !address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const groups = head.split(':').filter((group) => group !== '')
  const last = tail === undefined ? [] : tail.split(':').filter((group) => group !== '')
  const missing = tail === undefined ? 0 : 8 - groups.length - last.length
  return [...groups, ...Array<string>(missing).fill('0'), ...last].slice(0, 4).join(':')
}
