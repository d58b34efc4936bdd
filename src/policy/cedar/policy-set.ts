import type { Environment } from './environment.ts'
import type { CompiledPolicy } from './policy.ts'

export interface PolicyError {
  readonly policy: string
  readonly why: string
}

/** What the policies say of one request. */
export interface Verdict {
  readonly permits: readonly string[]
  readonly forbids: readonly string[]
  readonly errors: readonly PolicyError[]
  /** Of those that failed, the ones that forbid. */
  readonly failedForbids: readonly string[]
}

/** Actions whose policies are remembered. Whoever asks for others waits for a look at all of them. */
const ACTIONS_MAX = 1_000
const NOTHING: readonly never[] = []

/** Policies, found by the action that they are about. */
export class PolicyCollection {
  readonly #policies: readonly CompiledPolicy[]
  readonly #byAction = new Map<string, readonly CompiledPolicy[]>()

  constructor(policies: readonly CompiledPolicy[]) {
    this.#policies = policies
  }

  get size(): number {
    return this.#policies.length
  }

  evaluate(environment: Environment): Verdict {
    let permits: string[] | undefined
    let forbids: string[] | undefined
    let errors: PolicyError[] | undefined
    let failedForbids: string[] | undefined
    for (const { id, effect, holdsAbout } of this.#about(environment)) {
      const value = holdsAbout(environment)
      if (value === false) continue
      if (value === undefined) {
        ;(errors ??= []).push({ policy: id, why: environment.why })
        if (effect === 'forbid') (failedForbids ??= []).push(id)
      } else if (effect === 'forbid') (forbids ??= []).push(id)
      else (permits ??= []).push(id)
    }
    return {
      permits: permits ?? NOTHING,
      forbids: forbids ?? NOTHING,
      errors: errors ?? NOTHING,
      failedForbids: failedForbids ?? NOTHING,
    }
  }

  #about(environment: Environment): readonly CompiledPolicy[] {
    const { action, actionKey = action.key } = environment
    const known = this.#byAction.get(actionKey)
    if (known !== undefined) return known
    const about = this.#policies.filter((policy) => policy.isAbout(action, environment))
    if (this.#byAction.size < ACTIONS_MAX) this.#byAction.set(actionKey, about)
    return about
  }
}

/**
 * Cedar's decision, but that a `forbid` that failed forbids: Cedar passes it over, which would open
 * what it was written to close.
 */
export function allows({ permits, forbids, failedForbids }: Verdict): boolean {
  return permits.length > 0 && forbids.length === 0 && failedForbids.length === 0
}
