import type { Decision } from '../gateway/decide.ts'
import type { Headers } from '../gateway/headers.ts'
import { envoyAnswer } from './envoy-answer.ts'
import { TO_CALLERS } from './nginx-answer.ts'
import { USAGE_FIELD, type UsageSeal } from './usage-seal.ts'

/** By which Envoy is told what of a request not to pass on. */
const REMOVED = 'x-envoy-auth-headers-to-remove'

export interface EnvoyHttpAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

/** The answer to Envoy over plain HTTP: the same as over gRPC, in fields. */
export function envoyHttpAnswer(
  decision: Decision,
  requestId: string,
  protocol: 'http' | 'https',
  seal: UsageSeal,
): EnvoyHttpAnswer {
  if (decision.refused !== undefined) {
    const { status, headers, body } = decision.refused
    return { status, headers, body }
  }
  const { ok_response: ok, dynamic_metadata } = envoyAnswer(decision, requestId, protocol, seal)
  const pairs = (list: NonNullable<typeof ok>['headers'] = []): Headers =>
    list.map(({ header: { key, value } }) => [key, value])
  const removed = ok?.headers_to_remove ?? []
  // Envoy keeps it for its log, and does not pass it on.
  const usage = dynamic_metadata?.fields[USAGE_FIELD]?.string_value
  return {
    status: 200,
    headers: [
      ...pairs(ok?.headers).filter(([name]) => name !== ':path'),
      // Envoy keeps the query itself.
      ['ringfence-path', decision.passed.path.split('?')[0] ?? ''],
      ...pairs(ok?.response_headers_to_add).filter(([name]) =>
        TO_CALLERS.some((known) => known === name),
      ),
      ...(usage === undefined ? [] : [[USAGE_FIELD, usage] as const]),
      ...(removed.length === 0 ? [] : [[REMOVED, removed.join(',')] as const]),
    ],
    body: '',
  }
}
