import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderJunit } from './report-junit.ts'
import { provenReport, readXml, troubledReport } from './sample-reports.test-support.ts'

test('every strike and mutant is a test case, in a suite of its engine, tier and kind', async () => {
  const report = await provenReport()
  const elements = readXml(renderJunit(report))
  const suites = elements.filter(({ name }) => name === 'testsuite')
  assert.ok(suites.some(({ attributes }) => attributes['name'] === 'fake pooled existence'))
  const cases = elements.filter(({ name }) => name === 'testcase')
  // Beside strikes and mutants: one case each for a tier's conditions and its inspection.
  assert.equal(
    cases.length,
    report.counts.strikes + report.counts.mutants + 2 * report.tiers.length,
  )
  assert.equal(elements[0]?.attributes['failures'], '0')
  assert.equal(elements[0]?.attributes['errors'], '0')
})

test('a stated limit is skipped with its sentence and never passes', async () => {
  const report = await provenReport()
  const skipped = readXml(renderJunit(report)).filter(({ name }) => name === 'skipped')
  assert.equal(skipped.length, report.counts.limit)
  for (const { attributes } of skipped) {
    assert.match(attributes['message'] ?? '', /^stated limit: Relation sizes are shared/)
  }
})

test('leaks fail, what could not be shown is an error, and the totals add up', async () => {
  const report = await troubledReport()
  const elements = readXml(renderJunit(report))
  const count = (name: string) => elements.filter((element) => element.name === name).length
  // Three leaks, an unnoticed mutant on each of two tiers, two inspections and the live one.
  assert.equal(count('failure'), 3 + 2 + 3)
  // Two void strikes, two mutants that could not be made, a void tier.
  assert.equal(count('error'), 2 + 2 + 1)
  const [root, ...rest] = elements
  const suites = rest.filter(({ name }) => name === 'testsuite')
  for (const key of ['tests', 'failures', 'errors', 'skipped']) {
    const sum = suites.reduce((total, { attributes }) => total + Number(attributes[key]), 0)
    assert.equal(Number(root?.attributes[key]), sum, key)
  }
})

test('no text of an engine breaks the document or brings a character XML forbids', async () => {
  const xml = renderJunit(await troubledReport())
  readXml(xml)
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(xml, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/)
  assert.ok(xml.isWellFormed())
  assert.doesNotMatch(xml, /<img|<script/)
})
