import type { ApiName } from '../core/names.ts'
import type { GuardrailConfig } from '../contracts/guardrail.ts'
import { rulesAbout } from './rules.ts'

/**
 * Whether agents may see and call a tool of an API: every guardrail with a list of allowed tools must
 * have it, and none may deny it. Guardrails of other kinds say nothing about tools.
 */
export function toolAllowed(
  guardrails: readonly GuardrailConfig[],
  api: ApiName,
  tool: string,
): boolean {
  return rulesAbout(guardrails, api, () => true).every((rule) => {
    if (rule.kind !== 'tools') return true
    const { allow, deny = [] } = rule
    // Who denies `delete_*` means `Delete_all` too.
    const isDenied = deny.some((pattern) => matches(pattern.toLowerCase(), tool.toLowerCase()))
    return !isDenied && (allow === undefined || allow.some((pattern) => matches(pattern, tool)))
  })
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}
