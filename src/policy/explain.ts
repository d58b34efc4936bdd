import type { Link, ParsedStore } from './parse-policies.ts'
import { compileStore } from './policy-store.ts'
import { environmentOf, type Question } from './question.ts'

/** What became of one policy at a question. */
export interface ExplainedPolicy {
  readonly id: string
  readonly effect: 'permit' | 'forbid'
  readonly outcome: 'applies' | 'fails' | 'condition does not hold' | 'is about something else'
  /** Which part of its scope is about something else, or what failed. */
  readonly why: string | undefined
  /** The reasons that its author wrote down (`@reason`, `@description`). */
  readonly notes: readonly string[]
}

const EVERYTHING = { op: 'All' }
const PARTS = ['principal', 'action', 'resource'] as const

/**
 * What each policy of a store says to a question, in the store's order.
 * @throws RingfenceError `invalid_argument` for a store that cannot be read
 */
export function explain(
  parsed: ParsedStore,
  links: readonly Link[],
  question: Question,
): readonly ExplainedPolicy[] {
  const templates = new Map(parsed.templates)
  return [
    ...parsed.policies.map(([id, json]) => ({ id, json, link: undefined })),
    ...links.map((link) => ({ id: link.id, json: templates.get(link.template), link })),
  ].map(({ id, json, link }) => {
    const policy = json as PolicyParts
    const alone = (part: PolicyParts) => outcomeOf(parsed, id, part, link, question)
    const { outcome, why } = alone(policy)
    const { effect, annotations = {} } = policy
    const notes = ['reason', 'description'].flatMap((name) => annotations[name] ?? [])
    if (outcome !== 'nothing') return { id, effect, outcome, why, notes }
    const about = PARTS.filter((part) => {
      const others = Object.fromEntries(PARTS.map((one) => [one, EVERYTHING]))
      const only = { ...policy, ...others, [part]: policy[part], conditions: [] }
      return alone(only).outcome === 'nothing'
    })
    return about.length > 0
      ? { id, effect, outcome: 'is about something else' as const, why: about.join(', '), notes }
      : { id, effect, outcome: 'condition does not hold' as const, why: undefined, notes }
  })
}

interface PolicyParts {
  readonly effect: 'permit' | 'forbid'
  readonly annotations?: Readonly<Record<string, string>>
  readonly principal: unknown
  readonly action: unknown
  readonly resource: unknown
}

/** What a store with this policy alone says. */
function outcomeOf(
  parsed: ParsedStore,
  id: string,
  json: unknown,
  link: Link | undefined,
  question: Question,
): { readonly outcome: 'applies' | 'fails' | 'nothing'; readonly why: string | undefined } {
  const isLinked = link !== undefined
  const alone: ParsedStore = {
    ...parsed,
    policies: isLinked ? [] : [[id, json]],
    templates: isLinked ? [[link.template, json]] : [],
  }
  const store = compileStore(alone, isLinked ? [link] : [])
  const { errors, permits, forbids } = store.evaluate(environmentOf(question, store))
  const [error] = errors
  if (error !== undefined) return { outcome: 'fails', why: error.why }
  return { outcome: permits.length + forbids.length > 0 ? 'applies' : 'nothing', why: undefined }
}
