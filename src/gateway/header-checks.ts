import { scoped } from './answer-scope.ts'
import type { GatewayCheck } from './check.ts'
import { withoutHopByHop, withoutOwn, withoutTrusted } from './headers.ts'

/** What may travel on: no field is believed because a caller sent it. */
export const HEADER_CHECKS: readonly GatewayCheck[] = [
  {
    name: 'strip-hop-by-hop',
    run(exchange) {
      exchange.outgoing = withoutHopByHop(exchange.outgoing)
    },
  },
  {
    name: 'strip-trusted',
    run(exchange) {
      exchange.outgoing = withoutTrusted(exchange.outgoing)
    },
  },
  {
    name: 'strip-answer',
    run(exchange) {
      exchange.onAnswer.push(withoutHopByHop, withoutOwn)
    },
  },
  {
    name: 'scope-answer',
    run(exchange) {
      exchange.onAnswer.push((headers) => scoped(exchange, headers))
    },
  },
]
