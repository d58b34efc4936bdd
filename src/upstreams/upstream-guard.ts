import { lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import {
  mayConnect,
  plainHost,
  upstreamRule,
  type UpstreamRuleOptions,
} from '../contracts/upstream-rule.ts'

/** Which of a platform's places an address and a port are: tenants' own upstreams are none of them. */
export type IsOurs = (host: string, port: number) => boolean

export interface UpstreamGuardOptions extends UpstreamRuleOptions {
  /** Where the platform itself listens, whatever else is allowed: `10.20.0.7:8081`. Default none. */
  readonly listeners?: readonly string[]
  /** Finds a host's addresses. Default: the system's. */
  readonly lookup?: LookupFunction
}

/** Keeps tenants' own upstreams away from what only the platform could reach. */
export interface UpstreamGuard {
  /** Why it may not be connected to, as it is written; undefined when it may. */
  refusalOf(url: URL, isOurs: IsOurs): string | undefined
  /** Finds addresses for connections to a URL, and only such as may be connected to. */
  lookupFor(url: URL, isOurs: IsOurs): LookupFunction
}

interface Judged {
  readonly host: string
  readonly port: number
  readonly refusal: string | undefined
}

/**
 * A name is judged by what it was resolved to for this very connection: there is no second look-up that
 * could say something else. Addresses are never looked up: `refusalOf` judges them.
 */
export function upstreamGuard(options: UpstreamGuardOptions = {}): UpstreamGuard {
  const rule = upstreamRule(options)
  const isPublic = mayConnect(options)
  const listeners = new Set(options.listeners)
  const isClosed = (host: string, port: number, isOurs: IsOurs) =>
    (listeners.size > 0 && listeners.has(`${host}:${port}`)) || isOurs(host, port)
  /** What of a URL stays the same, for requests that come one after another. */
  const judged = new WeakMap<URL, Judged>()
  return {
    refusalOf(url, isOurs) {
      let known = judged.get(url)
      if (known === undefined) {
        known = { host: plainHost(url), port: portOf(url), refusal: rule(url) }
        judged.set(url, known)
      }
      return isClosed(known.host, known.port, isOurs) ? 'a place of ours' : known.refusal
    },
    lookupFor(url, isOurs) {
      const [host, port] = [plainHost(url), portOf(url)]
      const allows = (address: string) => {
        const plain = withoutMapping(address)
        if (isIP(plain) === 0 || plain.includes('%') || isClosed(plain, port, isOurs)) return false
        return isPublic(host, plain)
      }
      return checked(options.lookup ?? systemLookup, allows)
    },
  }
}

/** The port that is connected to, also where it is the scheme's own. */
export function portOf({ protocol, port }: URL): number {
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
}

/** `::ffff:10.0.0.1` is the address `10.0.0.1`, and ours if that is. */
function withoutMapping(address: string): string {
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? []
  return mapped ?? address
}

function checked(lookup: LookupFunction, allows: (address: string) => boolean): LookupFunction {
  return (host, options, callback) =>
    lookup(host, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, [])
      const addresses =
        typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found
      const [first] = addresses
      // One bad address among good ones is there for whoever hopes that it is picked.
      if (first === undefined || !addresses.every(({ address }) => allows(address))) {
        return callback(new Error('not an address for an upstream of a tenant'), [])
      }
      return options.all === true
        ? callback(null, addresses)
        : callback(null, first.address, first.family)
    })
}
