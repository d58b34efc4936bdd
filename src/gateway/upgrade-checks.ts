import { limitId, limitKey } from '../limits/limit-key.ts'
import { retryAfter } from '../limits/rate-limit-fields.ts'
import { callerOf } from './caller-of.ts'
import type { GatewayCheck } from './check.ts'
import { Denial, malformed } from './denial.ts'
import { asksToUpgrade } from './upgrade.ts'

const UPGRADES = limitId({ from: 'process' }, 'upgrades', 'tenant')

/** How many there are of a tenant's at once. */
export const UPGRADE_SEATS: GatewayCheck = {
  name: 'upgrades-at-once',
  run(exchange, { limiting }) {
    if (!asksToUpgrade(exchange)) return
    const caller = callerOf(exchange)
    if (caller === undefined) return
    const { held, upgradesPerTenant, random } = limiting
    const giveBack = held.take(limitKey(UPGRADES, 'tenant', caller), upgradesPerTenant)
    if (giveBack === undefined) {
      throw new Denial(
        'rate_limited',
        'too many connections at once: wait. The limit is "upgrades"',
        'no seat: upgrades',
        [['retry-after', String(retryAfter(0, random()))]],
      )
    }
    exchange.onEnd.push(giveBack)
  },
}

/** Whether a connection may become one of another protocol, in which nothing more is looked at. */
export const UPGRADE_CHECKS: readonly GatewayCheck[] = [
  {
    name: 'upgrade-of-the-api',
    run(exchange) {
      if (!asksToUpgrade(exchange)) return
      const { route, endpoint } = exchange
      if (endpoint !== undefined || route?.api.upgrades !== true) {
        throw malformed('no upgrades by the contract')
      }
    },
  },
  UPGRADE_SEATS,
]
