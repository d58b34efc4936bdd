import { createHash } from 'node:crypto'
import { htmlGlance, htmlKey, htmlMatrix } from './html-matrix.ts'
import {
  alarmSection,
  mutantSection,
  noteSection,
  strikeSection,
  summarySection,
} from './html-sections.ts'
import { HTML_STYLE } from './html-style.ts'
import { html, type Markup } from './markup.ts'
import { buildMatrices } from './matrix.ts'
import { headline, lasting, listed, moment } from './plain-words.ts'
import type { ProofReport, ProofVerdict } from './proof-report.ts'
import { REPORT_FILES, VERIFY_COMMAND } from './report-files.ts'

/**
 * One self-contained page for people: no script, nothing loaded from anywhere, readable on a phone,
 * on paper and by ear. `keyid` is that of the evidence beside it.
 */
export function renderHtml(report: ProofReport, keyid: string): string {
  const { title, text } = headline(report)
  const matrices = buildMatrices(report)
  const verdicts = matrices.flatMap(({ groups }) =>
    groups.flatMap(({ rows }) =>
      rows.flatMap(({ cells }) => cells.flat().map(({ verdict }) => verdict)),
    ),
  )
  const page = html`<body>
<header class="top"><span class="brand">Ringfence</span> · Proof of tenant isolation · ${listed(report.subjects.map(({ name }) => name))} · ${moment(report.finishedAt)}</header>
<main>
<div class="verdict ${VERDICT_CLASSES[report.verdict]}"><span class="seal" aria-hidden="true">${SEALS[report.verdict]}</span><div><h1>${title}</h1><p>${text}</p></div></div>
${numbers(report, verdicts.filter((verdict) => verdict === 'void').length)}
${alarmSection(report)}
${summarySection(report)}
<section aria-labelledby="glance"><h2 id="glance">At a glance</h2>
${matrices.map(htmlGlance)}</section>
<section aria-labelledby="matrix"><h2 id="matrix">The matrix</h2>
<p class="small soft">${whoIsWho(report)}</p>
${htmlKey(new Set(verdicts))}
${matrices.map(htmlMatrix)}</section>
${mutantSection(report)}
${noteSection(report)}
<section aria-labelledby="verify"><h2 id="verify">Check this yourself</h2>
<p>This page is for reading; the evidence is the signed file beside it. In the directory of both, run:</p>
<pre>${VERIFY_COMMAND}</pre>
<p>It needs those two files and nothing else. It checks the signature, prints the verdict and the digests of this page and of the other reports, and refuses a file in which one byte was changed. Compare the key’s id with the one that you were given on another way:</p>
<pre>${keyid}</pre></section>
${strikeSection(report)}
${facts(report)}
</main>
<footer>Made by Ringfence ${report.tool.version}. This page loads nothing and runs no script.</footer>
</body>
</html>
`
  const digest = createHash('sha256').update(HTML_STYLE).digest('base64')
  const policy = `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`
  const head = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}: ${listed(report.subjects.map(({ name }) => name))}</title>
`
  return `${head.toString()}<style>${HTML_STYLE}</style>\n</head>\n${page.toString()}`
}

const VERDICT_CLASSES: Readonly<Record<ProofVerdict, string>> = {
  proven: 'proven',
  leak: 'leak',
  unnoticed: 'unnoticed',
  void: 'voided',
}

const SEALS: Readonly<Record<ProofVerdict, string>> = {
  proven: '✓',
  leak: '✗',
  unnoticed: '!',
  void: '?',
}

/** `notShown` also counts the strikes that a void tier never came to. */
function numbers({ counts, selection }: ProofReport, notShown: number): Markup {
  const shown: readonly (readonly [string, string | number])[] = [
    ['strikes', counts.strikes.toLocaleString('en')],
    ['denied', counts.denied.toLocaleString('en')],
    ['met a stated limit', counts.limit],
    ['leaked', counts.leaked],
    ['not shown', notShown],
    [
      'weakenings noticed',
      selection.mutants ? `${counts.noticed}/${counts.mutants}` : 'none tried',
    ],
  ]
  return html`<dl class="numbers">${shown.map(
    ([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`,
  )}</dl>`
}

function whoIsWho({ selection }: ProofReport): string {
  const [a, b, ...others] = selection.tenants
  return `A is the tenant ${a ?? ''}, B is ${b ?? ''}; C stands for ${listed(others)}, on A or B. Every tenant exists for the proof only, in a throw-away copy.`
}

function facts(report: ProofReport): Markup {
  const rows: readonly (readonly [string, string])[] = [
    ...report.subjects.map(
      ({ name, digest }) => [`Subject ${name}`, `sha256 ${digest.sha256}`] as const,
    ),
    ...Object.entries(report.environment),
    ['Ringfence', report.tool.version],
    ['Node.js', report.tool.node],
    ['Started', moment(report.startedAt)],
    ['Took', lasting(report.milliseconds)],
    ['Exit code', String(report.exitCode)],
    ['Machine-readable', `${REPORT_FILES.json}, ${REPORT_FILES.junit}, ${REPORT_FILES.sarif}`],
  ]
  return html`<section aria-labelledby="facts"><h2 id="facts">About this run</h2><dl class="facts">${rows.map(
    ([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`,
  )}</dl></section>`
}
