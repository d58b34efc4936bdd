import { SCOPES } from '../../core/lease.ts'
import type { GatewayCheck } from '../../gateway/check.ts'
import { malformed } from '../../gateway/denial.ts'
import type { Exchange } from '../../gateway/exchange.ts'
import { routeOf } from '../../gateway/route.ts'
import { valuesOf } from '../../gateway/headers.ts'
import { parseTarget } from '../../gateway/target.ts'
import { type ClaimedAccess, claimedAccess } from '../../tokens/access-token.ts'
import { carelessToken } from './careless-checks.ts'
import { type FrontDoorMutant, mutant, replaced } from './front-door-mutant.ts'

/** What the gateway takes a request for, read anew before its checks. */
function readAnew(read: (exchange: Exchange) => Partial<Exchange>): GatewayCheck {
  return {
    name: 'read-anew',
    run(exchange) {
      Object.assign(exchange, read(exchange))
    },
  }
}

/** The tenant that the token names, wherever it is shown. */
function ofToken({ claimed, configuration, tenant, path }: Exchange): Partial<Exchange> {
  const named = claimed === undefined ? undefined : configuration.tenant(claimed.tenant)
  if (named === undefined) return { tenant }
  const plan = configuration.platform.plans.find(({ name }) => name === named.plan)
  return { tenant: named, plan, route: routeOf(configuration, named, path) }
}

/** What a token says whose `tenant_id` may be a list. */
function firstOfSeveral(token: string): ClaimedAccess | undefined {
  const [header = '', payload = '', signature = ''] = token.split('.')
  try {
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
      readonly tenant_id?: unknown
    }
    const { tenant_id } = claims
    const one = { ...claims, tenant_id: Array.isArray(tenant_id) ? tenant_id[0] : tenant_id }
    const text = Buffer.from(JSON.stringify(one)).toString('base64url')
    return claimedAccess(`${header}.${text}.${signature}`)
  } catch {
    return undefined
  }
}

/** RFC 9112, section 3.2.2: a server must accept the absolute form. */
const anyForm: GatewayCheck = {
  name: 'plain-target',
  run({ head }) {
    const target = head.target.replace(/^https?:\/\/[^/?#]*/i, '')
    if (parseTarget(target) === undefined) throw malformed('not a plain target')
  },
}

/** RFC 9112, section 3.2: one Host field, whatever is in it. */
const anyHost: GatewayCheck = {
  name: 'one-host',
  run({ incoming }) {
    if (valuesOf(incoming, 'host').length !== 1) throw malformed('not one host')
  },
}

/** The gateway understands requests in another way than whoever sent them, or who comes after it. */
export const READER_MUTANTS: readonly FrontDoorMutant[] = [
  mutant(
    'fd-tenant-of-token',
    'The tenant taken from the token, where the route names another',
    [
      'fd-token-of-own-realm',
      'fd-token-claims-disagree',
      'fd-token-remembered',
      'fd-route-host-and-path',
      'fd-route-separators',
      'fd-route-host-spelling',
      'fd-exists-by-answer',
      'fd-exists-by-work',
      'fd-load-strangers',
    ],
    ({ gatewayChecks }) => ({ gatewayChecks: [readAnew(ofToken), ...gatewayChecks] }),
  ),
  mutant(
    'fd-tenant-lists',
    'Tokens that name several tenants, of which the first counts',
    ['fd-token-tenant-spelling'],
    ({ gatewayChecks }) => ({
      gatewayChecks: [
        readAnew(({ token }) => {
          const claimed = firstOfSeveral(token)
          return { claimed, scopes: SCOPES.filter((scope) => claimed?.scopes.includes(scope)) }
        }),
        ...replaced(gatewayChecks, carelessToken({})),
      ],
    }),
  ),
  mutant(
    'fd-target-absolute',
    'Targets of the absolute form served, by the Host field',
    ['fd-route-target-forms'],
    ({ gatewayChecks }) => ({ gatewayChecks: replaced(gatewayChecks, anyForm) }),
  ),
  mutant(
    'fd-host-unparsed',
    'One Host field asked for, and not that one plain name is in it',
    ['fd-route-host-spelling'],
    ({ gatewayChecks }) => ({ gatewayChecks: replaced(gatewayChecks, anyHost) }),
  ),
]
