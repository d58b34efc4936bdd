import type { PolicyError, Verdict } from './cedar/policy-set.ts'
import { allows } from './cedar/policy-set.ts'

/** What was decided, and by what. */
export interface Decision {
  readonly allowed: boolean
  /** Ids of the policies that decided, `platform/` or `tenant/` before each; empty: none applied. */
  readonly policies: readonly string[]
  /** One line for logs. */
  readonly reason: string
  readonly errors: readonly PolicyError[]
}

/** Where no policy is asked. */
export const NO_STORE: Decision = {
  allowed: true,
  policies: [],
  reason: 'the tenant has no policies of its own',
  errors: [],
}

/** Nobody can say what it would have decided. */
export function unreadable(why: string): Decision {
  return { allowed: false, policies: [], reason: `policies cannot be read: ${why}`, errors: [] }
}

/** What the platform's policies say: they only forbid. */
export function decisionOfPlatform(verdict: Verdict): Decision {
  const { forbids, failedForbids, errors } = verdict
  if (forbids.length + failedForbids.length === 0) {
    return errors.length === 0 ? NOT_FORBIDDEN : { ...NOT_FORBIDDEN, errors }
  }
  const policies = [...forbids, ...failedForbids].map((id) => `platform/${id}`)
  return { allowed: false, policies, reason: reasonOf(verdict), errors }
}

const NOT_FORBIDDEN: Decision = {
  allowed: true,
  policies: [],
  reason: 'the platform forbids nothing',
  errors: [],
}

/** What a tenant's store says. */
export function decisionOfStore(verdict: Verdict): Decision {
  const allowed = allows(verdict)
  const { permits, forbids, failedForbids, errors } = verdict
  const deciding = allowed ? permits : [...forbids, ...failedForbids]
  const policies = deciding.map((id) => `tenant/${id}`)
  return { allowed, policies, reason: reasonOf(verdict), errors }
}

function reasonOf({ permits, forbids, failedForbids, errors }: Verdict): string {
  if (forbids.length > 0) return `forbidden by ${forbids.join(', ')}`
  const [failed] = failedForbids
  if (failed !== undefined) {
    const why = errors.find(({ policy }) => policy === failed)?.why ?? ''
    return `forbidden by ${failed}, which cannot be evaluated: ${why}`
  }
  if (permits.length === 0) return 'no policy permits it'
  return `permitted by ${permits.length === 1 ? permits[0] : permits.join(', ')}`
}
