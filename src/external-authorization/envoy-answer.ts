import type { Decision, Passed } from '../gateway/decide.ts'
import { sharedScope } from '../gateway/answer-scope.ts'
import { forwardedHeader } from '../gateway/forwarded.ts'
import type { Headers } from '../gateway/headers.ts'
import { usedBy } from '../gateway/request-usage.ts'
import { nextTrace } from '../gateway/trace-context.ts'
import { CONTEXT_HEADER } from '../tokens/tenant-context.ts'
import { serverGroup } from './server-groups.ts'
import { USAGE_FIELD, type UsageSeal } from './usage-seal.ts'

/** Envoy's `OVERWRITE_IF_EXISTS_OR_ADD`: nothing of a caller's stays beside it. */
const OVERWRITE = 2
/** Of google.rpc.Code. */
const OK = 0
const PERMISSION_DENIED = 7

interface HeaderValueOption {
  readonly header: { readonly key: string; readonly value: string }
  readonly append_action: number
}

export interface CheckResponse {
  readonly status: { readonly code: number }
  readonly ok_response?: {
    readonly headers: readonly HeaderValueOption[]
    readonly headers_to_remove: readonly string[]
    readonly response_headers_to_add: readonly HeaderValueOption[]
  }
  /** For Envoy's own log, and for nobody else. */
  readonly dynamic_metadata?: {
    readonly fields: Readonly<Record<string, { readonly string_value: string }>>
  }
  readonly denied_response?: {
    readonly status: { readonly code: number }
    readonly headers: readonly HeaderValueOption[]
    readonly body: string
  }
}

/** What Envoy is told: fields to set and to take away, or what the caller gets instead. */
export function envoyAnswer(
  decision: Decision,
  requestId: string,
  protocol: 'http' | 'https',
  seal: UsageSeal,
): CheckResponse {
  if (decision.passed !== undefined) {
    const used = usedBy(decision.passed.exchange)
    const logged = {
      ...(used === undefined ? {} : { [USAGE_FIELD]: seal.seal(used) }),
      'x-request-id': requestId,
    }
    return {
      ...passAnswer(decision.passed, requestId, protocol),
      dynamic_metadata: {
        fields: Object.fromEntries(
          Object.entries(logged).map(([name, string_value]) => [name, { string_value }]),
        ),
      },
    }
  }
  const { status, headers, body } = decision.refused
  return {
    status: { code: PERMISSION_DENIED },
    denied_response: { status: { code: status }, headers: overwriting(headers), body },
  }
}

function passAnswer(
  { exchange, route, context, path }: Passed,
  requestId: string,
  protocol: 'http' | 'https',
): CheckResponse {
  const { incoming, outgoing, answer, head } = exchange
  const scope = sharedScope(exchange)
  const own: Headers = [
    [CONTEXT_HEADER, context],
    ['x-request-id', requestId],
    ['forwarded', forwardedHeader(exchange, protocol)],
    ['ringfence-upstream', serverGroup(route.upstream.config, exchange.tenant?.cell).key],
    ...(scope === '' ? [] : [['ringfence-scope', scope] as const]),
    ...nextTrace(incoming),
    ...(path === head.target ? [] : [[':path', path] as const]),
  ]
  const kept = new Set([...outgoing, ...own].map(([name]) => name))
  const removed = new Set(incoming.map(([name]) => name).filter((name) => !kept.has(name)))
  return {
    status: { code: OK },
    ok_response: {
      headers: overwriting(own),
      headers_to_remove: [...removed].filter((name) => !BY_ENVOY.has(name)),
      response_headers_to_add: overwriting([...answer, ['x-request-id', requestId]]),
    },
  }
}

/**
 * How a message is framed Envoy says anew, and it lets nobody take the host away. Without
 * `x-forwarded-proto`, which is its own word by then, it would not find a route: the route takes it away.
 */
const BY_ENVOY = new Set([
  'host',
  'connection',
  'transfer-encoding',
  'keep-alive',
  'x-forwarded-proto',
])

const overwriting = (headers: Headers): readonly HeaderValueOption[] =>
  headers.map(([key, value]) => ({ header: { key, value }, append_action: OVERWRITE }))
