import type { GuardrailConfig } from '../contracts/guardrail.ts'
import type { ApiName } from '../core/names.ts'
import { derived } from '../snapshot/derived.ts'
import type { PlatformConfig, TenantConfig } from '../snapshot/snapshot.ts'
import { type Direction, type Rules, rulesFor } from './rules.ts'
import { toolAllowed } from './tools.ts'

/** The guardrails of one tenant: the platform's and its own. */
export class Guards {
  readonly #guardrails: readonly GuardrailConfig[]
  readonly #rules = new Map<string, Rules>()

  constructor(guardrails: readonly GuardrailConfig[]) {
    this.#guardrails = guardrails
  }

  /** What holds for bodies. Made once for each API: ask for APIs of the tenant's contract only. */
  rules(api: ApiName, direction: Direction): Rules {
    const key = `${direction} ${api}`
    let rules = this.#rules.get(key)
    if (rules === undefined)
      this.#rules.set(key, (rules = rulesFor(this.#guardrails, api, direction)))
    return rules
  }

  /** Whether agents may see and call a tool of an API. */
  allowsTool(api: ApiName, tool: string): boolean {
    return toolAllowed(this.#guardrails, api, tool)
  }
}

/** The guardrails that are over a tenant's requests. Its own are beside the platform's, never instead. */
export function guardrailsOf(
  { guardrails: own = [] }: Pick<TenantConfig, 'guardrails'>,
  { guardrails: all = [] }: Pick<PlatformConfig, 'guardrails'>,
): readonly GuardrailConfig[] {
  return [...all, ...own]
}

export const guardsOf = derived((tenant, platform) => new Guards(guardrailsOf(tenant, platform)))
