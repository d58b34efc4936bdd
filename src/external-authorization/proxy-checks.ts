import { sharedScope } from '../gateway/answer-scope.ts'
import type { GatewayCheck } from '../gateway/check.ts'
import { Denial } from '../gateway/denial.ts'
import { METADATA_PATH } from '../gateway/mcp/paths.ts'
import { asksToUpgrade } from '../gateway/upgrade.ts'
import { limitsOf } from '../limits/tenant-limits.ts'

/**
 * What the gateway does with a request besides deciding, and another proxy would not. Whoever needs it
 * is served by the gateway itself: to pass it on all the same would be to leave out a check.
 */
export const PROXY_CHECKS: readonly GatewayCheck[] = [
  {
    name: 'no-upgrade-by-proxy',
    // It must end with what let it in, and only the gateway learns of that.
    run(exchange) {
      if (asksToUpgrade(exchange)) throw onlyByGateway('upgrades')
    },
  },
  {
    name: 'no-endpoint-by-proxy',
    run({ endpoint, target }) {
      if (endpoint !== undefined) throw onlyByGateway(endpoint.name)
      // What it answers without a token: no service is to answer in its place.
      if (target.path.startsWith(METADATA_PATH)) throw onlyByGateway('metadata')
    },
  },
  {
    name: 'path-below-the-tenants',
    // Without a slash after it a browser takes the path of a cookie to be one above.
    run(exchange) {
      if (sharedScope(exchange) !== '' && !/^\/t\/[^/]+\//.test(exchange.target.path)) {
        throw onlyByGateway("a tenant's path without a slash after it")
      }
    },
  },
  {
    name: 'upstream-of-the-platform',
    // What a tenant's own name resolves to is judged at each connection.
    run({ route }) {
      if (route !== undefined && route.upstream.owner !== 'platform') {
        throw onlyByGateway("a tenant's own upstream")
      }
    },
  },
  {
    name: 'upstream-of-one-kind',
    run({ route }) {
      const { protocol = 'http/1.1', shard } = route?.upstream.config ?? {}
      if (protocol !== 'http/1.1' || shard !== undefined) {
        const kind = shard === undefined ? protocol : 'servers for some tenants'
        throw onlyByGateway(`an upstream with ${kind}`)
      }
    },
  },
  {
    name: 'limits-to-the-end',
    // Nobody tells the authorizer when a request has ended, and how long it was.
    run({ configuration, tenant, route }) {
      if (tenant === undefined) return
      const { concurrency, quotas } = limitsOf(configuration, tenant, route?.api)
      const isOfBytes = quotas.some(({ unit }) => unit === 'bytes')
      if (concurrency.length > 0 || isOfBytes) throw onlyByGateway('limits at the end')
    },
  },
  {
    name: 'bodies-as-they-are',
    run({ bodyStages, answerStages }) {
      if (bodyStages.length + answerStages.length > 0) throw onlyByGateway('stages for bodies')
    },
  },
]

export function onlyByGateway(what: string): Denial {
  return new Denial(
    'forbidden',
    'this is served by the gateway itself only',
    `another proxy cannot do it: ${what}`,
  )
}
