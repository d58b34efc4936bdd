import { upstreamRule, type UpstreamRuleOptions } from '../../contracts/upstream-rule.ts'
import type { Judges } from '../../control/manifests/apply-parts.ts'
import { messageOf } from '../../core/errors.ts'
import { ApiDescription } from '../../openapi/api-description.ts'
import { policyCompiler } from '../../policy/policy-compiler.ts'

/**
 * Those by whose eyes manifests are judged, who are also those that act on them later.
 * @param upstreams where tenants' own may be besides the internet
 */
export function judgesOf(upstreams: UpstreamRuleOptions = {}): Required<Judges> {
  return { policies: policyCompiler, upstreams: upstreamRule(upstreams), openapi: openapiProblems }
}

function openapiProblems(text: string): readonly string[] {
  try {
    return new ApiDescription(text).operations.length > 0 ? [] : ['it describes no operation']
  } catch (error) {
    return [messageOf(error)]
  }
}
