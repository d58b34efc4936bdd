import type { GuardrailAction, PiiKind } from '../contracts/guardrail.ts'
import { BIRTH_DATE } from './detectors/birth-date.ts'
import { CARD } from './detectors/card.ts'
import type { Detector } from './detectors/detector.ts'
import { EMAIL } from './detectors/email.ts'
import { IBAN } from './detectors/iban.ts'
import { MRN } from './detectors/mrn.ts'
import { NAME } from './detectors/name.ts'
import { NPI } from './detectors/npi.ts'
import { PHONE } from './detectors/phone.ts'
import { SSN } from './detectors/ssn.ts'
import type { Found } from './found.ts'
import { type Label, NO_LABEL } from './labels.ts'
import type { Rules } from './rules.ts'
import { type Traits, traitsOf } from './traits.ts'
import { folded, originalIndex, throughBoth, unescaped, type View } from './view.ts'

const DETECTORS: Readonly<Record<PiiKind, Detector>> = {
  ssn: SSN,
  card: CARD,
  phone: PHONE,
  email: EMAIL,
  iban: IBAN,
  mrn: MRN,
  npi: NPI,
  'birth-date': BIRTH_DATE,
  name: NAME,
}

/** What a look is made with. */
export type Looking = Pick<Rules, 'kinds' | 'topics'>

/**
 * All that is found in a text, by where it stands. A text with escapes is looked at twice, as it is
 * and as a reader sees it who resolves them: either may be the one that has it.
 */
export function look(text: string, looking: Looking, label: Label = NO_LABEL): readonly Found[] {
  const traits = traitsOf(text)
  const found = inView(viewOf(text, traits), looking, label)
  const resolved = traits.hasEscapes ? unescaped(text) : undefined
  if (resolved !== undefined) {
    const seen = viewOf(resolved.text, traitsOf(resolved.text))
    const { starts } = throughBoth(seen, resolved)
    found.push(...inView({ ...seen, starts }, looking, label))
  }
  return found.length > 1 ? withoutParts(found) : found
}

interface Seen extends View {
  readonly traits: Traits
}

function viewOf(text: string, traits: Traits): Seen {
  if (!traits.needsFolding) return { text, starts: undefined, traits }
  const view = folded(text)
  return { ...view, traits: traitsOf(view.text) }
}

function inView(view: Seen, { kinds, topics }: Looking, label: Label): Found[] {
  const { text, traits } = view
  const found: Found[] = []
  const keep = (what: string, start: number, end: number) =>
    found.push({ what, start: originalIndex(view, start), end: originalIndex(view, end) })
  for (const kind of kinds) {
    const detector = DETECTORS[kind]
    if (!detector.mayHave(traits, label)) continue
    for (const { start, end } of detector.find({ text, traits, label })) keep(kind, start, end)
  }
  if (!topics.isEmpty) {
    for (const { what, start, end } of topics.find(text)) keep(what, start, end)
  }
  return found
}

/**
 * In order, each once: without what lies inside another of its kind, and without what looks like a
 * telephone number inside an account's number, which has check digits.
 */
function withoutParts(found: Found[]): readonly Found[] {
  found.sort((a, b) => a.start - b.start || b.end - a.end)
  const kept: Found[] = []
  // Those that reach beyond where the next begins: few, since each is short.
  let open: Found[] = []
  for (const one of found) {
    open = open.filter(({ end }) => end > one.start)
    const isPart = open.some(
      ({ what, end }) => one.end <= end && (what === one.what || isOfDigits(what, one.what)),
    )
    if (isPart) continue
    kept.push(one)
    open.push(one)
  }
  return kept
}

const isOfDigits = (outer: string, inner: string) =>
  inner === 'phone' && (outer === 'iban' || outer === 'card')

/** A part of a text that is replaced. */
export interface Replacement {
  readonly start: number
  readonly end: number
  readonly mark: string
}

/** What stands in the place of something that is redacted. */
export function markOf(what: string): string {
  return `[${what.replace(/^topic:/, '')}]`
}

/** Parts to replace, in order and apart: what overlaps is one, with the mark of what begins first. */
export function replacements(
  found: readonly Found[],
  actions: ReadonlyMap<string, GuardrailAction>,
): readonly Replacement[] {
  const merged: Replacement[] = []
  for (const { what, start, end } of found) {
    if (actions.get(what) !== 'redact') continue
    const last = merged.at(-1)
    if (last === undefined || start >= last.end) merged.push({ start, end, mark: markOf(what) })
    else if (end > last.end) merged[merged.length - 1] = { ...last, end }
  }
  return merged
}

/** @param parts in order and apart */
export function replaced(text: string, parts: readonly Replacement[]): string {
  let result = ''
  let at = 0
  for (const { start, end, mark } of parts) {
    result += text.slice(at, start) + mark
    at = end
  }
  return result + text.slice(at)
}
