import { isIP } from 'node:net'
import { addressRules } from '../core/public-addresses.ts'

/** Why a URL may not be a tenant's own upstream; undefined when it may. */
export type UpstreamRule = (url: URL) => string | undefined

export interface UpstreamRuleOptions {
  /** Ranges that the platform allows all the same: `10.20.0.0/16`. Default none. */
  readonly ranges?: readonly string[]
  /** Hosts that it allows all the same; `.crm.example` also means all names below. Default none. */
  readonly hosts?: readonly string[]
}

/** One sentence for all of it: what there is behind a name is nobody's business. */
const REFUSAL = 'this address may not be an upstream here'

/** Above those that are kept for protocols, and all the same another protocol's (the Fetch standard's list). */
const OTHERS_PORTS = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669,
  6679, 6697, 10_080,
])
const LOCAL_NAMES =
  /(?:^|\.)(?:localhost|local|internal|intranet|lan|home|corp|arpa|onion|test|invalid)$/

/**
 * The rule for tenants' own upstreams: the public internet, and what the platform allows besides. It
 * judges addresses and names as they are written; what a name resolves to is judged by `mayConnect`,
 * when a connection is made.
 */
export function upstreamRule(options: UpstreamRuleOptions = {}): UpstreamRule {
  const { addresses, hosts } = compiled(options)
  return (url) => {
    if (url.username !== '' || url.password !== '') return 'an upstream carries no credentials'
    const host = plainHost(url)
    if (hosts(host)) return undefined
    if (!isOfTheWeb(url.port)) return 'this port may not be an upstream here'
    if (isIP(host) !== 0) return addresses.allows(host) ? undefined : REFUSAL
    // A name of one part is one of this network, whatever it means there.
    return !host.includes('.') || LOCAL_NAMES.test(host) ? REFUSAL : undefined
  }
}

/** Whether a connection for a tenant's own upstream may be made to what its host was resolved to. */
export function mayConnect(
  options: UpstreamRuleOptions = {},
): (host: string, address: string) => boolean {
  const { addresses, hosts } = compiled(options)
  return (host, address) => hosts(host) || addresses.allows(address)
}

function compiled({ ranges = [], hosts = [] }: UpstreamRuleOptions) {
  const names = hosts.map((host) => host.toLowerCase())
  return {
    addresses: addressRules(ranges),
    hosts: (host: string) =>
      names.some((name) => host === name || (name.startsWith('.') && host.endsWith(name))),
  }
}

/** @param port empty where it is the scheme's own */
function isOfTheWeb(port: string): boolean {
  const number = Number(port)
  return (
    port === '' || number === 80 || number === 443 || (number > 1_023 && !OTHERS_PORTS.has(number))
  )
}

/** A URL's host in one spelling: without brackets, and without the dot that ends a full name. */
export function plainHost(url: URL): string {
  return url.hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
}
