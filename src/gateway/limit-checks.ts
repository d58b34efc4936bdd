import type { GatewayCheck } from './check.ts'
import { Denial } from './denial.ts'
import { valuesOf } from './headers.ts'

/** How much of it. Counted for tenants that have shown who they are, so that no stranger uses it up. */
export const LIMIT_CHECKS: readonly GatewayCheck[] = [
  {
    name: 'rate',
    async run({ tenant, plan, answer }, { rates }) {
      if (tenant === undefined || plan === undefined) {
        throw new Denial('overloaded', 'the tenant cannot be served now', 'it has no known plan')
      }
      const { allowed, headers } = await rates.count(tenant.id, plan)
      if (!allowed) {
        throw new Denial('rate_limited', 'too many requests: wait', 'the plan is used up', headers)
      }
      for (const [name, value] of headers) answer.push([name, value])
    },
  },
  {
    name: 'concurrency',
    run({ tenant, onEnd }, { seats }) {
      const seat = tenant === undefined ? 'all' : seats.take(tenant.id)
      if (typeof seat === 'function') {
        onEnd.push(seat)
        return
      }
      const code = seat === 'tenant' ? 'rate_limited' : 'overloaded'
      throw new Denial(code, 'too many requests at once: wait', `no seat: ${seat}`, [
        ['retry-after', '1'],
      ])
    },
  },
  {
    name: 'body-size',
    run(exchange, { bodyBytesMax }) {
      const [length = '0'] = valuesOf(exchange.incoming, 'content-length')
      if (Number(length) > bodyBytesMax) throw bodyTooLarge()
      // Of a body without a length, as it comes.
      exchange.bodyBytesMax = bodyBytesMax
    },
  },
]

export function bodyTooLarge(): Denial {
  return new Denial('too_large', 'the body is too large', 'the body is too large')
}
