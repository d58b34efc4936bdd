import type { WireDifference, WireObjectChange } from '../control/api/object-schemas.ts'
import { KIND_NAMES } from '../manifests/kinds.ts'

const VALUE_CHARACTERS_MAX = 400

/** `contract/clinic (acme) configured`. */
export function changeLine(change: WireObjectChange, dryRun: boolean): string {
  const whose = change.tenant === null ? '' : ` (${change.tenant})`
  const what = `${KIND_NAMES[change.kind]}/${change.name}${whose} ${change.change}`
  return `${what}${dryRun ? ' (dry run)' : ''}\n`
}

/** What was, and what is instead, a line each. */
export function diffLines(diff: readonly WireDifference[]): string {
  return diff
    .flatMap(({ path, before, after }) => {
      const at = path === '' ? '' : `${path}: `
      return [
        ...(before === null ? [] : [`  - ${at}${valueText(before)}\n`]),
        ...(after === null ? [] : [`  + ${at}${valueText(after)}\n`]),
      ]
    })
    .join('')
}

/** One line, without anything that a terminal would obey: manifests are written by others, too. */
function valueText(value: unknown): string {
  const text = (JSON.stringify(value) ?? '').replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd')
  if (text.length <= VALUE_CHARACTERS_MAX) return text
  return `${text.slice(0, VALUE_CHARACTERS_MAX)}… (${text.length} characters)`
}
