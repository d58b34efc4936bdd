import { retryAfter } from '../limits/rate-limit-fields.ts'
import type { SpentQuota } from '../contracts/spent-quota.ts'
import type { GatewayCheck } from './check.ts'
import { Denial } from './denial.ts'

/** Says to callers which quota of usage is used up; those that are not hard are said and no more. */
export const QUOTA_FIELD = 'ringfence-quota'

/**
 * How much a tenant may use, whatever it is that it uses: billing has counted it. What every tenant has is
 * served also then, for that is where it sees why.
 */
export const SPENT_CHECK: GatewayCheck = {
  name: 'usage-quota',
  run(exchange, { limiting }) {
    const { tenant, answer, configuration, route } = exchange
    if (tenant?.spent === undefined) return
    const service = route?.upstream.owner === 'platform' ? route.upstream.audience : undefined
    const isEverybodys = configuration.platform.services.some(
      ({ name, everyTenant }) => everyTenant === true && name === service,
    )
    const now = Date.now()
    let hard: SpentQuota | undefined
    for (const quota of tenant.spent) {
      const left = Date.parse(quota.until) - now
      if (left <= 0) continue
      if (quota.hard && !isEverybodys) {
        // The last to end: before it nothing is served.
        if (hard === undefined || hard.until < quota.until) hard = quota
      } else answer.push([QUOTA_FIELD, `"${quota.name}";meter="${quota.meter}"`])
    }
    if (hard === undefined) return
    const waitMs = Date.parse(hard.until) - now
    throw new Denial(
      'rate_limited',
      `the quota "${hard.name}" of ${hard.meter} is used up until ${hard.until}`,
      `the quota ${hard.name} of ${hard.meter} is used up`,
      [
        [QUOTA_FIELD, `"${hard.name}";meter="${hard.meter}"`],
        ['retry-after', String(retryAfter(waitMs, limiting.random()))],
      ],
    )
  },
}
