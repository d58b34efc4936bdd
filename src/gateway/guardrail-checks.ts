import { guardsOf } from '../guardrails/guards.ts'
import type { Direction, Rules } from '../guardrails/rules.ts'
import {
  decodingStage,
  lookingStage,
  needsDecoding,
  sizeStage,
  typeStage,
} from '../guardrails/stages.ts'
import type { Tally } from '../guardrails/verdict.ts'
import { bodyHeadOf } from './body-stages.ts'
import type { GatewayCheck } from './check.ts'
import { decodeBody, mustSeeBodies } from './decoded-body.ts'
import { malformed } from './denial.ts'
import type { Exchange } from './exchange.ts'
import { valuesOf } from './headers.ts'
import { Note } from './note.ts'
import { hasBody } from './request-body.ts'
import { asksToUpgrade } from './upgrade.ts'

const tallies = new Note<Tally>()

/**
 * How often what was found in a request and its answer: `request:ssn:redact`. Undefined for nothing.
 * It is for the platform's log: callers are not told.
 */
export function findingsOf(exchange: Exchange): Readonly<Record<string, number>> | undefined {
  const tally = tallies.get(exchange)
  return tally === undefined || tally.size === 0 ? undefined : Object.fromEntries(tally)
}

/** Where counts of what is found in a request and its answer go: for endpoints that look themselves. */
export function tallyOf(exchange: Exchange): Tally {
  let tally = tallies.get(exchange)
  if (tally === undefined) tallies.set(exchange, (tally = new Map()))
  return tally
}

/** Of what the gateway answers itself, its own parts look at what passes. */
function rulesOf(exchange: Exchange, direction: Direction): Rules | undefined {
  const { endpoint, route, tenant, configuration } = exchange
  if (endpoint !== undefined || route === undefined || tenant === undefined) return undefined
  // Most requests are under none: they cost nothing more than to know that.
  if (configuration.platform.guardrails === undefined && tenant.guardrails === undefined) {
    return undefined
  }
  return guardsOf(configuration, tenant).rules(route.api.name, direction)
}

/** What passes in bodies, by the platform's guardrails and the tenant's own. */
export const GUARDRAIL_CHECKS: readonly GatewayCheck[] = [
  {
    name: 'one-content-type',
    // Of two types one reader takes the first and another the last.
    run({ incoming }) {
      if (valuesOf(incoming, 'content-type').length > 1) throw malformed('several content types')
    },
  },
  {
    name: 'guardrails-see-all',
    run(exchange) {
      const isHeld =
        rulesOf(exchange, 'request')?.isHeld === true ||
        rulesOf(exchange, 'response')?.isHeld === true
      if (!isHeld) return
      mustSeeBodies(exchange, 'a guardrail')
      if (asksToUpgrade(exchange)) throw malformed('no upgrades under guardrails')
    },
  },
  {
    name: 'request-type',
    run(exchange) {
      const rules = rulesOf(exchange, 'request')
      if (rules === undefined || rules.mediaTypes.length === 0) return
      exchange.bodyStages.push((head) => typeStage(head, rules, 'request'))
    },
  },
  {
    name: 'request-content',
    run(exchange) {
      const rules = rulesOf(exchange, 'request')
      if (rules?.looks !== true || !hasBody(exchange.incoming)) return
      const head = bodyHeadOf(exchange.incoming)
      if (needsDecoding(head, rules)) decodeBody(exchange, head.coding)
      exchange.bodyStages.push((one) => lookingStage(one, rules, 'request', tallyOf(exchange)))
    },
  },
  {
    name: 'request-size',
    // After a coding is off: the service gets it without.
    run(exchange) {
      const rules = rulesOf(exchange, 'request')
      if (rules === undefined || rules.bytesMax === Number.POSITIVE_INFINITY) return
      exchange.bodyStages.push((head) => sizeStage(head, rules, 'request'))
    },
  },
  {
    name: 'answer-type',
    run(exchange) {
      const rules = rulesOf(exchange, 'response')
      if (rules === undefined || rules.mediaTypes.length === 0) return
      exchange.answerStages.push((head) => typeStage(head, rules, 'response'))
    },
  },
  {
    name: 'answer-content',
    run(exchange) {
      const rules = rulesOf(exchange, 'response')
      if (rules?.looks !== true) return
      lookAtAnswer(exchange, rules)
    },
  },
  {
    name: 'answer-size',
    run(exchange) {
      const rules = rulesOf(exchange, 'response')
      if (rules === undefined || rules.bytesMax === Number.POSITIVE_INFINITY) return
      exchange.answerStages.push((head) => sizeStage(head, rules, 'response'))
    },
  },
]

function lookAtAnswer(exchange: Exchange, rules: Rules): void {
  // A coding would only be taken off again here.
  exchange.outgoing = [
    ...exchange.outgoing.filter(([name]) => name !== 'accept-encoding'),
    ['accept-encoding', 'identity'],
  ]
  let isDecoded = false
  exchange.answerStages.push(
    (head) => {
      const stage = needsDecoding(head, rules) ? decodingStage(head.coding, 'response') : undefined
      isDecoded = stage !== undefined
      return stage
    },
    (head) => lookingStage(head, rules, 'response', tallyOf(exchange)),
  )
  exchange.onAnswer.push((headers) => {
    // The caller reads the body by the one type by which it was looked at.
    const first = headers.findIndex(([name]) => name === 'content-type')
    return headers.filter(
      ([name], index) =>
        (name !== 'content-type' || index === first) && !(isDecoded && name === 'content-encoding'),
    )
  })
}
