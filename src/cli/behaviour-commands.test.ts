import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runLine } from './run-line.test-support.ts'

const directory = mkdtempSync(join(tmpdir(), 'rf-behaviour-'))
after(() => rmSync(directory, { recursive: true }))
const SMALL = ['--tenants', '2', '--days', '1'] as const
const file = (name: string) => join(directory, name)

const run = (...args: readonly string[]) => runLine(['behaviour', ...args])

test('simulated traffic is replayed, and thresholds of one’s own find what the defaults let be', async () => {
  const [traffic, labels] = [file('traffic.ndjson'), file('labels.json')]
  const made = await run('simulate', traffic, '--labels', labels, '--seed', '11', ...SMALL)
  assert.equal(made.code, 0, made.err)
  assert.match(made.out, /^\d{3,} lines, 0 attacks\n$/)
  const quiet = await run('replay', traffic, '--labels', labels)
  assert.equal(quiet.code, 0, quiet.err)
  assert.match(quiet.out, /, 0 findings\n$/)
  writeFileSync(file('strict.json'), JSON.stringify({ invalidClaims: { moreThan: 3 } }))
  const strict = await run('replay', traffic, '--settings', file('strict.json'))
  assert.equal(strict.code, 1)
  assert.match(strict.out, /invalid-claims +- +192\.0\.2\.9 /)
})

test('a file that is none, and settings that are none, are misuse in one line', async () => {
  writeFileSync(file('bad.ndjson'), 'nonsense\n')
  writeFileSync(file('bad.json'), '{"sigmas":1}')
  for (const args of [
    [file('none.ndjson')],
    [file('bad.ndjson')],
    [file('bad.ndjson'), '--settings', file('bad.json')],
  ]) {
    const { code, err } = await run('replay', ...args)
    assert.equal(code, 2, err)
    assert.match(err, /^ringfence: [^\n]+\n$/)
  }
})

test('traffic that cannot be written is misuse in one line', async () => {
  for (const [traffic, labels] of [
    ['none/traffic.ndjson', 'labels.json'],
    ['traffic.ndjson', 'none/labels.json'],
  ] as const) {
    const { code, err } = await run('simulate', file(traffic), '--labels', file(labels), ...SMALL)
    assert.equal(code, 2)
    assert.match(err, /^ringfence: [^\n]+ cannot be written: [^\n]+\n$/)
  }
})
