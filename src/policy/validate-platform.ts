import type { PlatformPolicies } from '../contracts/policy-store.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { builtInSchema } from './built-in-schema.ts'
import { messagesOf, withCedar } from './cedar-engine.ts'
import type { StoreProblem } from './store-problems.ts'
import { above } from './tenant-policies.ts'

/**
 * Looks at the platform's policies as they are written: that they can be read, fit the platform's
 * schema, and forbid only. They stand above stores whose schemas they do not know.
 */
export function validatePlatformPolicies(policies: PlatformPolicies): readonly StoreProblem[] {
  try {
    above(policies)
    return strictProblems(policies)
  } catch (error) {
    if (!(error instanceof RingfenceError)) throw error
    return [{ where: 'policies', message: messageOf(error) }]
  }
}

function strictProblems(policies: PlatformPolicies): readonly StoreProblem[] {
  const schema = builtInSchema([])
  const staticPolicies = Object.fromEntries(policies.map(({ id, text }) => [id, text]))
  const answer = withCedar((engine) => engine.validate({ schema, policies: { staticPolicies } }))
  if (answer.type === 'failure') return [{ where: 'policies', message: messagesOf(answer.errors) }]
  return answer.validationErrors.map(({ policyId, error }) => ({
    where: `policies/${policyId}`,
    message: messagesOf([error]),
  }))
}
