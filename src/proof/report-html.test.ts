import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { before, test } from 'node:test'
import type { ProofReport } from './proof-report.ts'
import { renderHtml } from './report-html.ts'
import { provenReport, troubledReport } from './sample-reports.test-support.ts'

const KEYID = 'ab'.repeat(32)
let report: ProofReport
let proven: string
let troubled: string
before(async () => {
  report = await provenReport()
  proven = renderHtml(report, KEYID)
  troubled = renderHtml(await troubledReport(), KEYID)
})

test('the page loads nothing, runs nothing, and its policy says so', () => {
  for (const page of [proven, troubled]) {
    assert.doesNotMatch(page, /<(?:script|link|img|iframe|object|embed|base|form)\b/i)
    assert.doesNotMatch(page, /<[^>]*\s(?:src|href|style|on\w+)\s*=/i)
    assert.doesNotMatch(page, /url\(|@import/i)
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? ''
    const digest = createHash('sha256').update(style).digest('base64')
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? ''
    assert.equal(
      policy.replaceAll('&#39;', "'"),
      `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`,
    )
  }
})

test('no text of an engine becomes markup', () => {
  assert.equal(troubled.match(/<style>/g)?.length, 1)
  assert.ok(troubled.includes('&lt;img src=x onerror=alert(1)&gt;'))
  assert.ok(troubled.includes('&lt;/style&gt;&lt;script&gt;'))
  assert.ok(troubled.isWellFormed())
})

test('every element that is opened is closed', () => {
  const void_ = new Set(['meta', 'br'])
  for (const page of [proven, troubled]) {
    const open: string[] = []
    for (const [, closing, name = ''] of page.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*>/g)) {
      if (void_.has(name)) continue
      if (closing) assert.equal(open.pop(), name)
      else open.push(name)
    }
    assert.deepEqual(open, [])
  }
})

test('the matrix has a tile for each strike with sign and words, not by colour alone', () => {
  const matrix = /<table class="matrix">[\s\S]*?<\/table>/.exec(proven)?.[0] ?? ''
  assert.equal(
    matrix.match(/class="m denied" aria-hidden="true">✓</g)?.length,
    report.counts.denied,
  )
  assert.equal(matrix.match(/class="m limit" aria-hidden="true">~</g)?.length, report.counts.limit)
  assert.equal(matrix.match(/<span class="heard">/g)?.length, report.attacks.length * 3)
  assert.equal(matrix.match(/<th scope="row">/g)?.length, report.attacks.length)
})

test('a limit is stated in full, and the way to check the evidence is there to copy', () => {
  assert.ok(proven.includes('Relation sizes are shared by every tenant of a pooled engine.'))
  assert.ok(proven.includes('ringfence evidence verify evidence.dsse.json --key evidence.pub'))
  assert.ok(proven.includes(KEYID))
})

test('the headline says what the verdict is, and trouble comes before anything else', () => {
  assert.match(proven, /<h1>Isolation is proven<\/h1>/)
  assert.match(troubled, /<h1>The boundary leaks<\/h1>/)
  assert.ok(troubled.indexOf('What leaks') < troubled.indexOf('In plain words'))
  assert.ok(!proven.includes('What leaks'))
  assert.ok(troubled.includes('noticed by nobody'))
})
