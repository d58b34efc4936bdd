import { html, type Markup } from './markup.ts'
import { tile } from './html-matrix.ts'
import { counted, listed } from './plain-words.ts'
import type { FindingReport, MutantReport, ProofReport, StrikeReport } from './proof-report.ts'

/** What was tried, denied, stated and not shown, in plain language. */
export function summarySection(report: ProofReport): Markup {
  const { counts, selection } = report
  const struck = report.tiers.filter(({ strikes }) => strikes.length > 0)
  const tiers = [...new Set(struck.map(({ tier }) => tier))]
  const notShown = [
    ...report.tiers.flatMap(({ engine, tier, voidReasons }) =>
      voidReasons.map((reason) => `${engine} ${tier}: ${reason}`),
    ),
    ...report.live.flatMap(({ engine, voidReasons }) =>
      voidReasons.map((reason) => `${engine} live: ${reason}`),
    ),
    ...(counts.void > 0
      ? [`${counted(counts.void, 'strike')} showed nothing; the matrix has them.`]
      : []),
    ...(counts.unnoticed > 0 ? [`${counted(counts.unnoticed, 'weakening')} went unnoticed.`] : []),
    ...(counts.mutantsVoid > 0
      ? [`${counted(counts.mutantsVoid, 'weakening')} could not be tried.`]
      : []),
    ...(selection.mutants
      ? []
      : ['No weakening was tried, so nothing shows that this proof can fail.']),
    ...(selection.only.length > 0 ? [`Only these were tried: ${selection.only.join(', ')}.`] : []),
  ]
  return html`<section aria-labelledby="said"><h2 id="said">In plain words</h2><dl class="said">
<dt>What was tried</dt><dd>${counted(counts.attacks, 'way')} in which one tenant may try to reach another’s data, change it, learn that it exists, or disturb its owner: ${counted(counts.strikes, 'strike')} ${tiers.length === 0 ? 'on no tier' : `on the ${listed(tiers)} ${tiers.length === 1 ? 'tier' : 'tiers'}`}, both ways between two tenants and by a third. A strike counts only if the owner was first seen to reach its own data, so that a denial means something.</dd>
<dt>What was denied</dt><dd>${counted(counts.denied, 'strike')} of ${counts.strikes.toLocaleString('en')}, by the boundary itself: the data engine’s own access control, or the front door’s checks. The verdict comes from planted secrets and from the victim’s data afterwards, not from an error’s text.</dd>
<dt>What is a stated limit</dt><dd>${
    report.limits.length === 0
      ? 'Nothing: no strike met a limit.'
      : html`${counted(counts.limit, 'strike')} met a channel that cannot be closed on that tier. These do not count as denied.<ul>${report.limits.map(
          ({ engine, tier, sentence }) =>
            html`<li><strong>${engine} ${tier}.</strong> ${sentence}</li>`,
        )}</ul>`
  }</dd>
<dt>What could not be shown</dt><dd>${
    notShown.length === 0
      ? 'Nothing was left open in this run.'
      : html`<ul>${notShown.map((reason) => html`<li>${reason}</li>`)}</ul>`
  }</dd></dl></section>`
}

/** Leaks and wide places, first and in full. Empty if there are none. */
export function alarmSection(report: ProofReport): Markup {
  const leaks = report.tiers.flatMap(({ engine, tier, strikes }) =>
    strikes
      .filter(({ verdict }) => verdict === 'leaked')
      .map((strike) => ({ where: `${engine} ${tier}`, strike })),
  )
  const findings = placed(report).filter(({ finding }) => finding.severity !== 'info')
  if (leaks.length + findings.length === 0) return html``
  return html`<section class="alarm" aria-labelledby="leaks"><h2 id="leaks">What leaks</h2>
${leaks.length === 0 ? '' : html`<ul>${leaks.map(({ where, strike: s }) => html`<li><strong>${titleOf(report, s)}</strong> <span class="soft">${where}, ${s.attacker} → ${s.victim}</span><br>${s.outcome}</li>`)}</ul>`}
${findings.length === 0 ? '' : html`<h3>Places that are wider than promised</h3>${findingList(findings)}`}</section>`
}

/** The deliberate weakenings, and who noticed each. */
export function mutantSection(report: ProofReport): Markup {
  const mutants = new Map<string, { title: string; id: string; results: Placed<MutantReport>[] }>()
  for (const { engine, tier, mutants: tried } of report.tiers) {
    for (const mutant of tried) {
      const key = `${engine} ${mutant.id}`
      const entry = mutants.get(key) ?? { title: mutant.title, id: mutant.id, results: [] }
      entry.results.push({ where: `${engine} ${tier}`, item: mutant })
      mutants.set(key, entry)
    }
  }
  if (mutants.size === 0) return html``
  return html`<section aria-labelledby="mutants"><h2 id="mutants">Can this proof fail?</h2>
<p>A proof that cannot fail proves nothing. So throw-away copies of the boundary were weakened on purpose, each as a careless change might do it, and the proof had to notice. It noticed ${report.counts.noticed} of ${report.counts.mutants}.</p>
<ul class="tests">${[...mutants.values()].map(
    ({
      id,
      title,
      results,
    }) => html`<li><div>${title}<br><code class="small">${id}</code></div><ul>${results.map(
      ({ where, item }) =>
        html`<li>${tile(MUTANT_TILES[item.status])}${where}: ${noticers(item)}</li>`,
    )}</ul></li>
`,
  )}</ul></section>`
}

/** What inspections found that opens nothing. */
export function noteSection(report: ProofReport): Markup {
  const notes = placed(report).filter(({ finding }) => finding.severity === 'info')
  if (notes.length + report.warnings.length === 0) return html``
  return html`<section aria-labelledby="notes"><h2 id="notes">Notes</h2>
${report.warnings.length === 0 ? '' : html`<ul>${report.warnings.map((warning) => html`<li>${warning}</li>`)}</ul>`}
${notes.length === 0 ? '' : findingList(notes)}</section>`
}

/** Every strike, folded away. Paper has the matrix, and the JSON report the rest. */
export function strikeSection(report: ProofReport): Markup {
  const shown = report.tiers.filter(({ strikes }) => strikes.length > 0)
  if (shown.length === 0) return html``
  return html`<section aria-labelledby="strikes"><h2 id="strikes">Every strike</h2>
<p class="paper soft">The page on screen and report.json list every strike with what the owner and the attacker saw.</p>
${shown.map(
  ({
    engine,
    tier,
    strikes,
  }) => html`<details><summary>${engine} ${tier}: ${counted(strikes.length, 'strike')}</summary><div class="scroll"><table class="list">
<thead><tr><th scope="col">Attack</th><th scope="col">Who</th><th scope="col">Verdict</th><th scope="col">The owner</th><th scope="col">The attacker</th></tr></thead><tbody>
${strikes.map(
  (
    s,
  ) => html`<tr><td><code>${s.attack}</code></td><td>${s.attacker} → ${s.victim}</td><td>${s.verdict}</td><td>${s.owner}</td><td>${s.outcome}</td></tr>
`,
)}</tbody></table></div></details>`,
)}</section>`
}

interface Placed<T> {
  readonly where: string
  readonly item: T
}

const MUTANT_TILES = { noticed: 'denied', unnoticed: 'leaked', void: 'void' } as const

function noticers({ status, noticedBy, reason }: MutantReport): Markup {
  if (status === 'void') return html`could not be tried: ${reason ?? ''}`
  if (status === 'unnoticed') return html`<strong>noticed by nobody</strong>`
  const parts = [
    ...noticedBy.attacks.map((id) => html`attack <code>${id}</code>`),
    ...noticedBy.findings.map((id) => html`inspection <code>${id}</code>`),
  ]
  return html`${parts.map((part, index) => (index === 0 ? part : html`, ${part}`))}`
}

function titleOf(report: ProofReport, strike: StrikeReport): string {
  return report.attacks.find(({ id }) => id === strike.attack)?.title ?? strike.attack
}

function placed(
  report: ProofReport,
): readonly { readonly where: string; readonly finding: FindingReport }[] {
  return [
    ...report.tiers.flatMap(({ engine, tier, findings }) =>
      findings.map((finding) => ({ where: `${engine} ${tier}`, finding })),
    ),
    ...report.live.flatMap(({ engine, findings }) =>
      findings.map((finding) => ({ where: `${engine} live`, finding })),
    ),
  ]
}

function findingList(findings: ReturnType<typeof placed>): Markup {
  return html`<ul class="tests">${findings.map(
    ({
      where,
      finding: f,
    }) => html`<li><div><strong>${f.object}</strong><br><span class="small">${f.severity}, ${where}</span><br><code class="small">${f.rule}</code></div><div>${f.explanation}${f.fix === undefined ? '' : html`<pre>${f.fix}</pre>`}</div></li>
`,
  )}</ul>`
}
