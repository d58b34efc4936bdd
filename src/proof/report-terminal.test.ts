import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { ProofReport } from './proof-report.ts'
import { renderTerminal } from './report-terminal.ts'
import { provenReport, troubledReport } from './sample-reports.test-support.ts'
import { terminalStyle } from './terminal-style.ts'

let proven: ProofReport
let troubled: ProofReport
before(async () => {
  proven = await provenReport()
  troubled = await troubledReport()
})

const plain = { width: 80, colour: false }
const write = () => true

test('the matrix shows three strikes for each attack and tier', () => {
  const text = renderTerminal(proven, plain)
  assert.match(text, /^read +pooled +bridge +silo$/m)
  assert.match(text, /^fake-read-index +✓✓✓ +✓✓✓ +✓✓✓$/m)
  assert.match(text, /^fake-exists +~~~ +✓✓✓ +✓✓✓$/m)
  assert.match(text, /^PROVEN {2}Isolation is proven/m)
  assert.match(text, /~ fake pooled: Relation sizes/)
})

test('trouble is named: leaks, unnoticed and void mutants, and why', () => {
  const text = renderTerminal(troubled, plain)
  assert.match(text, /^fake-write +✓✓✓ +✗✗✗ +\?\?\?$/m)
  assert.match(text, /✗ fake pooled fake-filter-off: noticed by nobody/)
  assert.match(text, /\? fake pooled fake-grant-all: /)
  assert.match(text, /^LEAK /m)
  assert.match(text, /does not see the canaries/)
})

test('no line is wider than the terminal, and wide terminals hold the attacks side by side', () => {
  for (const width of [60, 80, 132]) {
    const lines = renderTerminal(proven, { width, colour: false }).split('\n')
    for (const line of lines) assert.ok(line.length <= width, `${line.length} > ${width}: ${line}`)
  }
  assert.match(renderTerminal(proven, { width: 132, colour: false }), /✓✓✓ +fake-read-index/)
})

test('without colour there is not one control character, even from an engine’s words', () => {
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(renderTerminal(troubled, plain), /[\u0000-\u0009\u000b-\u001f\u202e]/)
  assert.ok(renderTerminal(troubled, { width: 80, colour: true }).includes('\u001b[31m✗'))
})

test('colour is for terminals, and NO_COLOR and a dumb terminal refuse it', () => {
  const tty = { isTTY: true, columns: 100, write }
  assert.deepEqual(terminalStyle(tty, {}), { width: 100, colour: true })
  assert.equal(terminalStyle(tty, { NO_COLOR: '1' }).colour, false)
  assert.equal(terminalStyle(tty, { NO_COLOR: '' }).colour, true)
  assert.equal(terminalStyle(tty, { TERM: 'dumb' }).colour, false)
  assert.deepEqual(terminalStyle({ write }, {}), { width: 80, colour: false })
})
