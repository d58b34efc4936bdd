import type { Decision, Passed, Refused } from '../gateway/decide.ts'
import { sharedScope } from '../gateway/answer-scope.ts'
import { forwardedHeader } from '../gateway/forwarded.ts'
import { type Headers, valueOf, valuesOf } from '../gateway/headers.ts'
import { usedBy } from '../gateway/request-usage.ts'
import { limitsOf } from '../limits/tenant-limits.ts'
import { CONTEXT_HEADER } from '../tokens/tenant-context.ts'
import { serverGroup } from './server-groups.ts'
import { USAGE_FIELD, type UsageSeal } from './usage-seal.ts'

/** Answers of the authorizer that go to callers as they are; nginx takes each from a field of its own. */
export const TO_CALLERS = [
  'www-authenticate',
  'retry-after',
  'ratelimit',
  'ratelimit-policy',
] as const
export const ANSWER = 'answer-'

export interface NginxAnswer {
  /** 200 or 403: nginx takes everything else for trouble. */
  readonly status: 200 | 403
  readonly headers: Headers
}

/**
 * Its fields' names differ at their first letters where they can: nginx looks for each by comparing it with
 * all of them, letter by letter, for every request.
 * @param remembered whether nginx may use the answer again, for the rest of a second
 */
export function nginxAnswer(
  decision: Decision,
  protocol: 'http' | 'https',
  remembered: boolean,
  seal: UsageSeal,
): NginxAnswer {
  return decision.passed === undefined
    ? refusal(decision.refused)
    : pass(decision.passed, protocol, remembered, seal)
}

function pass(
  passed: Passed,
  protocol: 'http' | 'https',
  remembered: boolean,
  seal: UsageSeal,
): NginxAnswer {
  const { exchange, route, context, path } = passed
  const used = usedBy(exchange)
  return {
    status: 200,
    headers: [
      [CONTEXT_HEADER, context],
      ['forwarded', forwardedHeader(exchange, protocol)],
      ['upstream', serverGroup(route.upstream.config, exchange.tenant?.cell).key],
      ['path', path],
      ['scope', sharedScope(exchange)],
      ...(used === undefined ? [] : [[USAGE_FIELD, seal.seal(used)] as const]),
      ...forCallers(exchange.answer),
      ['x-accel-expires', remembered && isRepeatable(passed) ? '1' : '0'],
    ],
  }
}

function refusal({ status, headers, body }: Refused): NginxAnswer {
  return {
    status: 403,
    headers: [
      ['status', String(status)],
      ['problem', inAscii(body.trim())],
      ...forCallers(headers),
      ['x-accel-expires', '0'],
    ],
  }
}

function forCallers(headers: Headers): Headers {
  return TO_CALLERS.flatMap((name): [string, string][] => {
    const values = valuesOf(headers, name)
    return values.length === 0 ? [] : [[ANSWER + name, values.join(', ')]]
  })
}

const inAscii = (text: string) =>
  text.replaceAll(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

const REPEATABLE = ['GET', 'HEAD', 'OPTIONS']

/**
 * Whether the same decision holds for a request that says the same a moment later: with a token that
 * is its bearer's alone, and where nothing is counted exactly and no field but those of the key is read.
 */
function isRepeatable({ exchange, route }: Passed): boolean {
  const { head, scheme, incoming, proofText, tenant, configuration } = exchange
  if (tenant === undefined || scheme !== 'bearer' || proofText !== '') return false
  const { quotas, rates } = limitsOf(configuration, tenant, route.api)
  // What its plan allows in a minute is the one limit that need not be exact.
  const isCounted = quotas.length > 0 || rates.length > 1
  return (
    REPEATABLE.includes(head.method) &&
    valueOf(incoming, 'content-length') === undefined &&
    valueOf(incoming, 'transfer-encoding') === undefined &&
    !isCounted &&
    route.api.openapi === undefined
  )
}
