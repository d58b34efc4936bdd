import type { AttackKind } from '../boundaries/boundary.ts'
import { html, type Markup } from './markup.ts'
import { DIRECTIONS, type Mark, type Matrix, VERDICT_SIGNS } from './matrix.ts'
import { listed } from './plain-words.ts'

/** The matrix as a table of tiles: colour and sign for the eye, words for those who hear it. */
export function htmlMatrix({ engine, tiers, groups }: Matrix): Markup {
  return html`<div class="scroll"><table class="matrix">
<caption>${engine}: each row is an attack, each tile one strike.</caption>
<thead><tr><th scope="col">Attack</th>${tiers.map(
    (tier) =>
      html`<th scope="col">${tier}<span class="ways" aria-hidden="true">${DIRECTIONS.map((way) => way.replaceAll(' ', '')).join(' ')}</span></th>`,
  )}</tr></thead>
${groups.map(
  ({ kind, rows }) => html`<tbody>
<tr class="kind"><th scope="colgroup" colspan="${tiers.length + 1}">${kind}</th></tr>
${rows.map(
  ({ attack, cells }) =>
    html`<tr><th scope="row">${attack.title}<code>${attack.id}</code></th>${cells.map(cell)}</tr>
`,
)}</tbody>
`,
)}</table></div>`
}

const KIND_WORDS: Readonly<Record<AttackKind, string>> = {
  read: 'Read another tenant’s data',
  write: 'Change another tenant’s data',
  existence: 'Learn that something exists',
  disturbance: 'Disturb another tenant’s work',
}

/** The matrix added up: a row for each kind of attack, for those who read no further. */
export function htmlGlance({ engine, tiers, groups }: Matrix): Markup {
  return html`<table class="glance"><caption>${engine}, strikes added up</caption>
<thead><tr><th scope="col">What one tenant tries</th>${tiers.map((tier) => html`<th scope="col">${tier}</th>`)}</tr></thead><tbody>
${groups.map(
  ({ kind, rows }) => html`<tr><th scope="row">${KIND_WORDS[kind]}</th>${tiers.map(
    (_, index) => html`<td>${sums(rows.flatMap(({ cells }) => cells[index] ?? []))}</td>`,
  )}</tr>
`,
)}</tbody></table>`
}

function sums(marks: readonly Mark[]): readonly Markup[] {
  return (['denied', 'limit', 'leaked', 'void'] as const).flatMap((verdict) => {
    const count = marks.filter((mark) => mark.verdict === verdict).length
    if (count === 0) return []
    return [
      html`<span class="count">${tile(verdict)}${count}<span class="word"> ${VERDICT_SIGNS[verdict].word}</span></span>`,
    ]
  })
}

/** One tile. */
export function tile(verdict: Mark['verdict']): Markup {
  return html`<span class="m ${verdict}" aria-hidden="true">${VERDICT_SIGNS[verdict].sign}</span>`
}

/** What the signs mean, and which of them occur. */
export function htmlKey(verdicts: ReadonlySet<string>): Markup {
  const meanings = {
    denied: 'denied: the owner could, the attacker could not',
    leaked: 'leaked: the attacker could',
    limit: 'stated limit: a channel that the engine cannot close on this tier',
    void: 'not shown: the owner could not either, or the attack was not run',
    none: 'not made for this tier',
  } as const
  const shown = (['denied', 'leaked', 'limit', 'void', 'none'] as const).filter(
    (verdict) => verdict === 'denied' || verdicts.has(verdict),
  )
  return html`<ul class="key">${shown.map(
    (verdict) => html`<li>${tile(verdict)}${meanings[verdict]}</li>`,
  )}</ul>`
}

function cell(marks: readonly Mark[]): Markup {
  const tooltip = marks
    .map(({ strike }) => strike && `${strike.attacker} → ${strike.victim}: ${strike.outcome}`)
    .filter((line) => line !== undefined)
    .join('\n')
  return html`<td title="${tooltip}"><span class="heard">${heard(marks)}</span>${marks.map(
    ({ verdict }) => tile(verdict),
  )}</td>`
}

/** The cell in words: `denied` for all three strikes, or each by itself. */
function heard(marks: readonly Mark[]): string {
  const words = [...new Set(marks.map(({ verdict }) => VERDICT_SIGNS[verdict].word))]
  const [only] = words
  if (words.length === 1 && only !== undefined) return only
  return listed(
    marks.map(({ strike, direction, verdict }) => {
      const who = strike ? `${strike.attacker} on ${strike.victim}` : direction
      return `${who} ${VERDICT_SIGNS[verdict].word}`
    }),
  )
}
