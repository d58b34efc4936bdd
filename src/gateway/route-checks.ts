import type { GatewayCheck } from './check.ts'
import { Denial } from './denial.ts'
import { UPGRADE_CHECKS } from './upgrade-checks.ts'

/** Where it goes, inside the tenant that the checks before have made sure of. */
export const ROUTE_CHECKS: readonly GatewayCheck[] = [
  {
    name: 'method-of-the-api',
    run({ route, endpoint, head }) {
      const methods = endpoint === undefined ? route?.api.methods : undefined
      if (methods !== undefined && !methods.some((method) => method === head.method)) {
        throw nothingServed('not a method of the API')
      }
    },
  },
  ...UPGRADE_CHECKS,
]

/** The same whatever it is that is not there. */
export function nothingServed(reason: string): Denial {
  return new Denial('not_found', 'nothing is served here', reason)
}
