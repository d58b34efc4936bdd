import { Transform } from 'node:stream'
import type { ApiName } from '../../core/names.ts'
import { bodyHeadOf } from '../../gateway/body-stages.ts'
import type { GatewayCheck } from '../../gateway/check.ts'
import { Denial } from '../../gateway/denial.ts'
import type { Exchange } from '../../gateway/exchange.ts'
import { guardrailsOf } from '../../guardrails/guards.ts'
import { type Direction, type Rules, rulesFor } from '../../guardrails/rules.ts'
import { lookingStage } from '../../guardrails/stages.ts'
import type { GuardrailConfig } from '../../contracts/guardrail.ts'
import { type FrontDoorMutant, mutant, replaced } from './front-door-mutant.ts'

const NUMBER = /\d{3}-\d{2}-\d{4}/

/** All that are over a request, of the platform and of the tenant. */
function guardrailsOver({ tenant, configuration }: Exchange): readonly GuardrailConfig[] {
  return tenant === undefined ? [] : guardrailsOf(tenant, configuration.platform)
}

function rulesOf(exchange: Exchange, direction: Direction, all = guardrailsOver(exchange)) {
  const { route } = exchange
  return route === undefined ? undefined : rulesFor(all, route.api.name, direction)
}

/** In the place of `request-content`: looks as the product does, by rules found in another way. */
function lookingBy(rules: (exchange: Exchange) => Rules | undefined): GatewayCheck {
  return {
    name: 'request-content',
    run(exchange) {
      const found = rules(exchange)
      if (found?.looks !== true) return
      exchange.bodyStages.push((head) => lookingStage(head, found, 'request', new Map()))
    },
  }
}

/** In the place of `request-content`: looks for the number alone, in each text that `texts` gives. */
function lookingFor(stage: () => Transform): GatewayCheck {
  return {
    name: 'request-content',
    run(exchange) {
      if (rulesOf(exchange, 'request')?.looks === true) exchange.bodyStages.push(stage)
    },
  }
}

function refused(): Denial {
  return new Denial('content_refused', 'the body holds what a guardrail refuses', 'careless')
}

/** The last guardrail of a name is the one that holds. */
function lastOfEachName(all: readonly GuardrailConfig[]): readonly GuardrailConfig[] {
  return [...new Map(all.map((one) => [one.name, one])).values()]
}

function byApiAlone(): GatewayCheck {
  const kept = new Map<ApiName, Rules>()
  return lookingBy((exchange) => {
    const { route } = exchange
    if (route === undefined) return undefined
    const known = kept.get(route.api.name) ?? rulesOf(exchange, 'request')
    if (known !== undefined) kept.set(route.api.name, known)
    return known
  })
}

/** Each piece by itself. */
const eachPiece = () =>
  new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (NUMBER.test(chunk.toString())) done(refused())
      else done(undefined, chunk)
    },
  })

/** All of it, as it stands there. */
function asItStands(): Transform {
  const chunks: Buffer[] = []
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      done()
    },
    flush(done) {
      const body = Buffer.concat(chunks)
      if (NUMBER.test(body.toString())) done(refused())
      else done(undefined, body)
    },
  })
}

/** What is not JSON by its type, or coded, is none of its business. */
const JSON_ALONE: GatewayCheck = {
  name: 'request-content',
  run(exchange) {
    const rules = rulesOf(exchange, 'request')
    const { mediaType, coding, charset } = bodyHeadOf(exchange.incoming)
    if (rules?.looks !== true) return
    if (mediaType !== 'application/json' || coding !== '' || charset !== undefined) return
    exchange.bodyStages.push((head) => lookingStage(head, rules, 'request', new Map()))
  },
}

/** Answers that go on and on are passed on as they come. */
const NO_EVENTS: GatewayCheck = {
  name: 'answer-content',
  run(exchange) {
    const rules = rulesOf(exchange, 'response')
    if (rules?.looks !== true) return
    exchange.answerStages.push((head) =>
      head.mediaType === 'text/event-stream'
        ? undefined
        : lookingStage(head, rules, 'response', new Map()),
    )
  },
}

function careless(
  id: string,
  title: string,
  noticedBy: readonly string[],
  check: () => GatewayCheck,
): FrontDoorMutant {
  return mutant(id, title, noticedBy, ({ gatewayChecks }) => ({
    gatewayChecks: replaced(gatewayChecks, check()),
  }))
}

/** How people look into bodies who write it by hand. */
export const GUARDRAIL_MUTANTS: readonly FrontDoorMutant[] = [
  careless(
    'fd-guardrails-by-name',
    "A tenant's guardrail in the place of the platform's of the same name",
    ['fd-guardrail-weakened'],
    () =>
      lookingBy((exchange) =>
        rulesOf(exchange, 'request', lastOfEachName(guardrailsOver(exchange))),
      ),
  ),
  careless(
    'fd-guardrails-by-api',
    'Rules of guardrails kept by the name of the API, whosever they are',
    ['fd-guardrail-others'],
    byApiAlone,
  ),
  careless(
    'fd-guardrails-each-piece',
    'Bodies looked at piece by piece',
    ['fd-guardrail-pieces'],
    () => lookingFor(eachPiece),
  ),
  careless(
    'fd-guardrails-as-it-stands',
    'Bodies looked at as they stand there, and not as they are read',
    ['fd-guardrail-disguised'],
    () => lookingFor(asItStands),
  ),
  careless(
    'fd-guardrails-json-alone',
    'Bodies that do not say to be JSON passed on',
    ['fd-guardrail-coded', 'fd-guardrail-types'],
    () => JSON_ALONE,
  ),
  careless(
    'fd-guardrails-no-events',
    'Events passed on as they come',
    ['fd-guardrail-answer'],
    () => NO_EVENTS,
  ),
]
