import type { Provable } from '../boundaries/boundary.ts'
import { oneLine } from './one-line.ts'
import type {
  LimitReport,
  ProofCounts,
  ProofReport,
  ProofVerdict,
  TierReport,
} from './proof-report.ts'

type Judged = Pick<ProofReport, 'tiers' | 'live' | 'selection'>

/** Adds up what happened. */
export function countProof({ tiers, live }: Judged): ProofCounts {
  const strikes = tiers.flatMap((tier) => tier.strikes)
  const mutants = tiers.flatMap((tier) => tier.mutants)
  const findings = [...tiers, ...live].flatMap((part) => part.findings)
  const struck = (verdict: string) => strikes.filter((strike) => strike.verdict === verdict).length
  const ended = (status: string) => mutants.filter((mutant) => mutant.status === status).length
  return {
    attacks: new Set(
      tiers.flatMap((tier) => tier.strikes.map(({ attack }) => `${tier.engine} ${attack}`)),
    ).size,
    strikes: strikes.length,
    denied: struck('denied'),
    leaked: struck('leaked'),
    limit: struck('limit'),
    void: struck('void'),
    findings: findings.filter(({ severity }) => severity !== 'info').length,
    mutants: mutants.length,
    noticed: ended('noticed'),
    unnoticed: ended('unnoticed'),
    mutantsVoid: ended('void'),
  }
}

/**
 * The verdict and why. What is certain outranks what could not be shown: a leak is a leak even if
 * another tier is void.
 */
export function judgeProof(
  judged: Judged,
  counts: ProofCounts,
): { readonly verdict: ProofVerdict; readonly reasons: readonly string[] } {
  const { tiers, live } = judged
  const name = (tier: TierReport) => `${tier.engine} ${tier.tier}`
  const strikes = tiers.flatMap((tier) => tier.strikes.map((strike) => ({ tier, strike })))
  const mutants = tiers.flatMap((tier) => tier.mutants.map((mutant) => ({ tier, mutant })))
  const struck = (verdict: string) =>
    strikes
      .filter(({ strike }) => strike.verdict === verdict)
      .map(({ tier, strike: s }) => `${name(tier)} ${s.attack} (${s.attacker} → ${s.victim})`)
  const ended = (status: string) =>
    mutants
      .filter(({ mutant }) => mutant.status === status)
      .map(({ tier, mutant }) => `${name(tier)} ${mutant.id}`)
  const wide = [
    ...tiers.map((tier) => ({ where: name(tier), findings: tier.findings })),
    ...live.map(({ engine, findings }) => ({ where: `${engine} live`, findings })),
  ].flatMap(({ where, findings }) =>
    findings
      .filter(({ severity }) => severity !== 'info')
      .map(({ rule, object }) => `${where} ${rule} on ${object}`),
  )
  const leak = [
    ...sentence(struck('leaked'), 'strike reached', 'strikes reached', 'another tenant'),
    ...sentence(wide, 'place is', 'places are', 'wider than promised'),
  ]
  const unnoticed = sentence(ended('unnoticed'), 'mutant went', 'mutants went', 'unnoticed')
  const void_ = [
    ...tiers.flatMap((tier) => tier.voidReasons.map((reason) => `${name(tier)}: ${reason}`)),
    ...live.flatMap(({ engine, voidReasons }) =>
      voidReasons.map((reason) => `${engine} live: ${reason}`),
    ),
    ...sentence(struck('void'), 'strike', 'strikes', 'showed nothing'),
    ...sentence(ended('void'), 'mutant', 'mutants', 'could not be tried'),
  ]
  const verdict =
    leak.length > 0
      ? 'leak'
      : unnoticed.length > 0
        ? 'unnoticed'
        : void_.length > 0
          ? 'void'
          : 'proven'
  const good =
    verdict === 'proven'
      ? [
          `${counts.denied} of ${counts.strikes} strikes were denied; ${counts.limit} met a stated limit`,
        ]
      : []
  return { verdict, reasons: [...good, ...leak, ...unnoticed, ...void_, ...partial(judged)] }
}

/** What a narrowed run leaves open. */
function partial({ selection }: Judged): readonly string[] {
  return [
    ...(selection.only.length > 0 ? [`only these were tried: ${selection.only.join(', ')}`] : []),
    ...(selection.mutants
      ? []
      : ['no mutant was tried, so that nothing shows that the proof can fail']),
  ]
}

/** `3 strikes reached another tenant: x, y, z`, naming a few. */
function sentence(
  names: readonly string[],
  one: string,
  many: string,
  rest: string,
): readonly string[] {
  if (names.length === 0) return []
  const more = names.length > 3 ? ` and ${names.length - 3} more` : ''
  const subject = names.length === 1 ? one : many
  return [`${names.length} ${subject} ${rest}: ${names.slice(0, 3).join(', ')}${more}`]
}

/** The limits that strikes ran into, each sentence once per tier, with the attacks that met it. */
export function statedLimits(
  boundaries: readonly Provable[],
  tiers: readonly TierReport[],
): readonly LimitReport[] {
  return tiers.flatMap(({ engine, tier, strikes }) => {
    const met = new Set(strikes.filter((s) => s.verdict === 'limit').map((s) => s.attack))
    const sentences = new Map<string, string[]>()
    for (const attack of boundaries.find((b) => b.engine === engine)?.attacks() ?? []) {
      const sentence = attack.limits[tier]
      if (sentence === undefined || !met.has(attack.id)) continue
      sentences.set(sentence, [...(sentences.get(sentence) ?? []), attack.id])
    }
    return [...sentences].map(([sentence, attacks]) => ({
      engine,
      tier,
      sentence: oneLine(sentence),
      attacks,
    }))
  })
}
