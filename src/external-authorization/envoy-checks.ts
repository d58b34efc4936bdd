import type { GatewayCheck } from '../gateway/check.ts'
import { type Headers, valuesOf } from '../gateway/headers.ts'
import type { EnvoyQuestion } from './envoy-question.ts'
import { onlyByGateway, PROXY_CHECKS } from './proxy-checks.ts'
import { BODIES_THAT_ARE_SAID, saysItsBody } from './unsaid-bodies.ts'

/** Envoy takes fields away or leaves them as they are: what should arrive with another value it cannot. */
const LEFT_AS_THEY_CAME: GatewayCheck = {
  name: 'left-as-they-came',
  run({ incoming, outgoing }) {
    const said = (fields: Headers, name: string) => valuesOf(fields, name).join()
    const other = outgoing.find(([name]) => said(incoming, name) !== said(outgoing, name))
    if (other !== undefined) throw onlyByGateway(`${other[0]} is not to arrive as it came`)
  },
}

const OF_ALL: readonly GatewayCheck[] = [...PROXY_CHECKS, LEFT_AS_THEY_CAME]
const OF_UNSAID: readonly GatewayCheck[] = [...OF_ALL, BODIES_THAT_ARE_SAID]

/** What Envoy cannot do with a request: nginx passes on no body that it has not asked about. */
export function checksFor({ head, protocol }: EnvoyQuestion): readonly GatewayCheck[] {
  return saysItsBody(head, protocol) ? OF_ALL : OF_UNSAID
}
