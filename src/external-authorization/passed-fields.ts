import { RingfenceError } from '../core/errors.ts'
import type { GatewayCheck } from '../gateway/check.ts'
import { type Headers, valueOf, withoutHopByHop, withoutTrusted } from '../gateway/headers.ts'
import { onlyByGateway } from './proxy-checks.ts'

/**
 * Header fields of requests that nginx passes on. It cannot take away fields by a pattern, as the
 * gateway does, so it is told which ones there may be: whatever is not here does not arrive.
 */
export const PASSED_FIELDS: readonly string[] = [
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'access-control-request-headers',
  'access-control-request-method',
  'cache-control',
  'content-digest',
  'content-encoding',
  'content-language',
  'content-type',
  'cookie',
  'idempotency-key',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-event-id',
  'origin',
  'pragma',
  'prefer',
  'priority',
  'range',
  'referer',
  'repr-digest',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-fetch-user',
  'user-agent',
  'want-content-digest',
  'want-repr-digest',
  'x-csrf-token',
  'x-requested-with',
  'x-xsrf-token',
]

/** What the proxy itself says. */
const SAID_ANEW = new Set(['host', 'content-length', 'expect'])
const NAME = /^[a-z][a-z0-9-]{0,63}$/

/**
 * The fields that are passed on, with some of one's own.
 * @throws RingfenceError `invalid_argument` for one that the gateway would take away
 */
export function passedFields(more: readonly string[] = []): readonly string[] {
  const names = more.map((name) => name.toLowerCase())
  const refused = names.find((name) => !NAME.test(name) || SAID_ANEW.has(name) || !survives(name))
  if (refused !== undefined) {
    throw new RingfenceError('invalid_argument', `no caller may say ${JSON.stringify(refused)}`)
  }
  return [...new Set([...PASSED_FIELDS, ...names])].sort()
}

function survives(name: string): boolean {
  const field: Headers = [[name, 'x']]
  return withoutTrusted(withoutHopByHop(field)).length === 1
}

/** That what the proxy passes on of a request is what the checks let pass, and no other value of it. */
export function fieldsAsDecided(passed: readonly string[]): GatewayCheck {
  return {
    name: 'fields-as-decided',
    run({ incoming, outgoing }) {
      const other = passed.find((name) => valueOf(incoming, name) !== valueOf(outgoing, name))
      if (other !== undefined) throw onlyByGateway(`${other} is not to arrive as it came`)
    },
  }
}
