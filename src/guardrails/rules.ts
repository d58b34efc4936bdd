import type {
  GuardrailAction,
  GuardrailConfig,
  GuardrailRule,
  PiiKind,
} from '../contracts/guardrail.ts'
import type { ApiName } from '../core/names.ts'
import { type Topic, TopicBook } from './topics.ts'

export type Direction = 'request' | 'response'

/** What holds for the bodies of one API in one direction, of all guardrails together. */
export interface Rules {
  /** What happens to what is found, by kind and by topic. */
  readonly actions: ReadonlyMap<string, GuardrailAction>
  readonly kinds: readonly PiiKind[]
  readonly topics: TopicBook
  /** Something is looked for in bodies. */
  readonly looks: boolean
  /** What cannot be looked at does not pass: something is blocked or redacted. */
  readonly isStrict: boolean
  readonly blocks: boolean
  /** Bodies are held to something: what nobody sees does not pass. */
  readonly isHeld: boolean
  /** Bytes; infinite where nobody says. */
  readonly bytesMax: number
  /** Media types: each list must have it. */
  readonly mediaTypes: readonly (readonly string[])[]
}

const STRICTNESS: Readonly<Record<GuardrailAction, number>> = { flag: 0, redact: 1, block: 2 }

/**
 * All rules that are about an API and a direction. They add up, and of two that are about the same
 * thing the stricter one holds, whoever wrote it and whatever it is called: nobody can take back what
 * another asked for.
 */
export function rulesFor(
  guardrails: readonly GuardrailConfig[],
  api: ApiName,
  direction: Direction,
): Rules {
  const rules = rulesAbout(guardrails, api, (one) => one === 'both' || one === direction)
  const actions = new Map<string, GuardrailAction>()
  const tighten = (what: string, action: GuardrailAction) => {
    const known = actions.get(what)
    if (known === undefined || STRICTNESS[action] > STRICTNESS[known]) actions.set(what, action)
  }
  const kinds = new Set<PiiKind>()
  const topics: Topic[] = []
  let bytesMax = Number.POSITIVE_INFINITY
  const mediaTypes: (readonly string[])[] = []
  for (const rule of rules) {
    switch (rule.kind) {
      case 'pii':
        for (const kind of rule.find) {
          kinds.add(kind)
          tighten(kind, rule.action)
        }
        break
      case 'topics':
        for (const { name, words } of rule.topics) {
          // A topic may be called as a kind is: they are told apart.
          topics.push({ name: `topic:${name}`, words })
          tighten(`topic:${name}`, rule.action)
        }
        break
      case 'size':
        bytesMax = Math.min(bytesMax, rule.bytes)
        break
      case 'content-types':
        mediaTypes.push(rule.allow)
        break
      case 'tools':
        break
    }
  }
  const taken = [...actions.values()]
  const isStrict = taken.some((action) => action !== 'flag')
  return {
    actions,
    kinds: [...kinds],
    topics: new TopicBook(topics),
    looks: actions.size > 0,
    isStrict,
    blocks: taken.includes('block'),
    isHeld: isStrict || bytesMax !== Number.POSITIVE_INFINITY || mediaTypes.length > 0,
    bytesMax,
    mediaTypes,
  }
}

/** Rules of guardrails about an API, in some directions. */
export function rulesAbout(
  guardrails: readonly GuardrailConfig[],
  api: ApiName,
  isMeant: (direction: GuardrailConfig['direction']) => boolean,
): readonly GuardrailRule[] {
  return guardrails
    .filter(
      ({ apis, direction }) => (apis === undefined || apis.includes(api)) && isMeant(direction),
    )
    .flatMap(({ rules }) => rules)
}
