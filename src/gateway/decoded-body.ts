import { isPlain } from '../guardrails/message.ts'
import { decodingStage } from '../guardrails/stages.ts'
import { Denial } from './denial.ts'
import type { Exchange } from './exchange.ts'

const decoded = new WeakSet<Exchange>()

/**
 * Takes the content coding off a request's body, once, for all stages that come after: the service
 * gets it without one. A coding that is not known stays.
 * @returns whether stages get the body without a coding
 */
export function decodeBody(exchange: Exchange, coding: string): boolean {
  if (isPlain(coding) || decoded.has(exchange)) return true
  const stage = decodingStage(coding, 'request')
  if (stage === undefined) return false
  decoded.add(exchange)
  exchange.bodyStages.push(() => stage)
  exchange.outgoing = exchange.outgoing.filter(([name]) => name !== 'content-encoding')
  return true
}

/**
 * That bodies go through this process at all.
 * @throws Denial where another proxy asks, and passes them on itself
 */
export function mustSeeBodies({ request }: Exchange, who: string): void {
  if (request !== undefined) return
  throw new Denial(
    'forbidden',
    'this is served by the gateway itself only',
    `${who} must see bodies, and another proxy passes them on`,
  )
}
