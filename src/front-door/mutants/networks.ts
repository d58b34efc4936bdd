import { BlockList, isIP } from 'node:net'
import type { GatewayCheck } from '../../gateway/check.ts'
import { Denial } from '../../gateway/denial.ts'
import type { Exchange } from '../../gateway/exchange.ts'
import { valuesOf } from '../../gateway/headers.ts'
import { parseHost } from '../../gateway/host.ts'
import { isLetIn, type Network, networkOf } from '../../gateway/network-checks.ts'
import type { TenantConfig } from '../../snapshot/snapshot.ts'
import { type FrontDoorMutant, mutant, replaced } from './front-door-mutant.ts'

const notFromHere = () => new Denial('forbidden', 'not from this network', 'careless')

/** In the place of the gateway's check: rules that are found, or addresses that are read, in another way. */
function carelessNetwork(how: {
  readonly rules?: (exchange: Exchange, tenant: TenantConfig) => Network
  readonly addressOf?: (exchange: Exchange) => string
}): GatewayCheck {
  return {
    name: 'network-of-the-tenant',
    run(exchange) {
      const { tenant, configuration, head } = exchange
      if (tenant === undefined) return
      const rules = how.rules?.(exchange, tenant) ?? networkOf(configuration, tenant)
      if (!isLetIn(rules, how.addressOf?.(exchange) ?? head.address)) throw notFromHere()
    },
  }
}

/** Rules compiled once for all tenants of a plan. */
function rulesByPlan(): GatewayCheck {
  const compiled = new Map<string, Network>()
  return carelessNetwork({
    rules({ configuration }, tenant) {
      const rules = compiled.get(tenant.plan) ?? networkOf(configuration, tenant)
      compiled.set(tenant.plan, rules)
      return rules
    },
  })
}

const hopsOf = ({ incoming }: Exchange): readonly string[] =>
  valuesOf(incoming, 'x-forwarded-for').flatMap((value) =>
    value.split(',').map((hop) => hop.trim()),
  )

/** Ranges that are shut out, compared with an address as it was written. */
const asWritten: GatewayCheck = {
  name: 'network-of-the-tenant',
  run(exchange) {
    const { tenant } = exchange
    const address = hopsOf(exchange).at(-1) ?? ''
    for (const range of tenant?.network?.deny ?? []) {
      const list = new BlockList()
      const [network = '', bits = ''] = range.split('/')
      list.addSubnet(network, Number(bits), 'ipv4')
      if (isIP(address) === 4 && list.check(address)) throw notFromHere()
    }
  },
}

/** Whoever has shaken hands with any host of ours may call any other. */
const anyHandshake: GatewayCheck = {
  name: 'handshake-is-for-the-host',
  run({ head: { serverName }, configuration, incoming }) {
    if (serverName === undefined || configuration.tenantOfHost(serverName) !== undefined) return
    if (serverName !== parseHost(valuesOf(incoming, 'host')[0] ?? '')) throw notFromHere()
  },
}

/** RFC 9113, section 8.3.1: the authority counts, and `host` besides it is nobody's business. */
const firstHost: GatewayCheck = {
  name: 'one-host',
  run({ incoming }) {
    if (parseHost(valuesOf(incoming, 'host')[0] ?? '') === undefined) throw notFromHere()
  },
}

/** Where a request comes from, seen carelessly. */
export const NETWORK_MUTANTS: readonly FrontDoorMutant[] = [
  mutant(
    'fd-network-first-authority',
    'The first of several authorities taken, whatever the others are',
    ['fd-network-two-authorities', 'fd-route-two-hosts'],
    ({ gatewayChecks }) => ({ gatewayChecks: replaced(gatewayChecks, firstHost) }),
  ),
  mutant(
    'fd-network-first-hop',
    'The first address that a request names taken for its caller’s',
    ['fd-network-spoofed'],
    ({ gatewayChecks }) => ({
      gatewayChecks: replaced(
        gatewayChecks,
        carelessNetwork({ addressOf: (exchange) => hopsOf(exchange)[0] ?? 'unknown' }),
      ),
    }),
  ),
  mutant(
    'fd-network-any-field',
    'Callers’ addresses taken from whichever field names one',
    ['fd-network-spoofed'],
    ({ gatewayChecks }) => ({
      gatewayChecks: replaced(
        gatewayChecks,
        carelessNetwork({
          addressOf: ({ incoming, head }) => valuesOf(incoming, 'x-real-ip')[0] ?? head.address,
        }),
      ),
    }),
  ),
  mutant(
    'fd-network-as-written',
    'Networks that are shut out, compared with addresses as they are written',
    ['fd-network-mapped'],
    ({ gatewayChecks }) => ({ gatewayChecks: replaced(gatewayChecks, asWritten) }),
  ),
  mutant(
    'fd-network-by-plan',
    'Network rules compiled once for all tenants of a plan',
    ['fd-network-spoofed'],
    ({ gatewayChecks }) => ({ gatewayChecks: replaced(gatewayChecks, rulesByPlan()) }),
  ),
  mutant(
    'fd-network-any-handshake',
    'A handshake with one host of ours good for every other',
    ['fd-network-handshake'],
    ({ gatewayChecks }) => ({ gatewayChecks: replaced(gatewayChecks, anyHandshake) }),
  ),
]
