import type { WireDifference, WireObjectChange } from '../control/api/object-schemas.ts'
import { differences } from '../manifests/diff.ts'
import { KIND_NAMES } from '../manifests/kinds.ts'
import { documentIn } from './openapi-in-manifests.ts'

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
    .flatMap(insideDocuments)
    .flatMap(({ path, before, after }) => {
      const at = path === '' ? '' : `${path}: `
      return [
        ...(before === null ? [] : [`  - ${at}${valueText(before)}\n`]),
        ...(after === null ? [] : [`  + ${at}${valueText(after)}\n`]),
      ]
    })
    .join('')
}

/** Where two OpenAPI documents differ, in place of the whole of both. */
function insideDocuments(difference: WireDifference): readonly WireDifference[] {
  const { path, before, after } = difference
  const [old, now] = [documentIn(before), documentIn(after)]
  if (!path.endsWith('.openapi') || old === undefined || now === undefined) return [difference]
  return differences(old, now, path).map((one) => ({ before: null, after: null, ...one }))
}

/** One line, without anything that a terminal would obey: manifests are written by others, too. */
function valueText(value: unknown): string {
  const text = (JSON.stringify(value) ?? '').replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd')
  if (text.length <= VALUE_CHARACTERS_MAX) return text
  return `${text.slice(0, VALUE_CHARACTERS_MAX)}… (${text.length} characters)`
}
