import { messageOf } from '../core/errors.ts'
import type { GatewayCheck } from './check.ts'
import { Denial } from './denial.ts'

/** Methods that change nothing. */
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** The last thing: whoever gets past it has all else behind it. */
export const AUDIT_CHECKS: readonly GatewayCheck[] = [
  {
    name: 'entered-before',
    run(exchange, { audit }) {
      const level = exchange.route?.api.audit
      if (level === undefined || level === 'denied') return undefined
      if (level === 'writes' && READS.has(exchange.head.method)) return undefined
      if (audit === undefined) throw notEntered('there is no journal')
      return audit.allowed(exchange).catch((error: unknown) => {
        throw notEntered(messageOf(error))
      })
    },
  },
]

function notEntered(why: string): Denial {
  return new Denial('overloaded', 'this cannot be recorded now: try again', `not entered: ${why}`, [
    ['retry-after', '1'],
  ])
}
