import type { GatewayCheck } from '../gateway/check.ts'
import type { EnvoyQuestion } from './envoy-question.ts'
import { PROXY_CHECKS } from './proxy-checks.ts'
import { BODIES_THAT_ARE_SAID, saysItsBody } from './unsaid-bodies.ts'

const OF_UNSAID: readonly GatewayCheck[] = [...PROXY_CHECKS, BODIES_THAT_ARE_SAID]

/** What Envoy cannot do with a request: nginx passes on no body that it has not asked about. */
export function checksFor({ head, protocol }: EnvoyQuestion): readonly GatewayCheck[] {
  return saysItsBody(head, protocol) ? PROXY_CHECKS : OF_UNSAID
}
