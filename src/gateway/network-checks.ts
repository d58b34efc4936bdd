import { Ranges } from '../edge/ranges.ts'
import { derived } from '../snapshot/derived.ts'
import type { GatewayCheck } from './check.ts'
import { Denial } from './denial.ts'
import { valuesOf } from './headers.ts'
import { parseHost } from './host.ts'

/** A tenant's rules, compiled. */
export const networkOf = derived(({ network }) => ({
  allow: network?.allow === undefined ? undefined : new Ranges(network.allow),
  deny: network?.deny === undefined ? undefined : new Ranges(network.deny),
  isEmpty: network?.allow === undefined && network?.deny === undefined,
}))

export type Network = ReturnType<typeof networkOf>

/** Whether rules let an address in. A caller whom nobody knows is in no range, and not let in. */
export function isLetIn({ allow, deny, isEmpty }: Network, address: string): boolean {
  if (isEmpty) return true
  if (address === 'unknown' || deny?.has(address) === true) return false
  return allow === undefined || allow.has(address)
}

/** A name that is an address is not put into a handshake (RFC 6066, section 3). */
const ADDRESS = /^(?:\[.*\]|\d+\.\d+\.\d+\.\d+)$/

/** By which way and from where, as far as connections tell. */
export const NETWORK_CHECKS: readonly GatewayCheck[] = [
  {
    name: 'handshake-is-for-the-host',
    // RFC 9110, section 7.4. Whoever chose a certificate by one name must not be served another's.
    run({ head: { serverName }, incoming }) {
      if (serverName === undefined) return
      const host = parseHost(valuesOf(incoming, 'host')[0] ?? '') ?? ''
      if (serverName !== (ADDRESS.test(host) ? '' : host)) throw misdirected()
    },
  },
  {
    name: 'network-of-the-tenant',
    run({ tenant, configuration, head: { address } }) {
      if (tenant?.network === undefined) return
      if (isLetIn(networkOf(configuration, tenant), address)) return
      throw new Denial('forbidden', 'not from this network', `not from ${address}`)
    },
  },
]

function misdirected(): Denial {
  return new Denial(
    'misdirected',
    'this connection was made for another host: make one for this host',
    'the handshake was for another host',
  )
}
