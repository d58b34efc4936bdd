import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Result } from './support/measure.ts'

const RUN = join(import.meta.dirname, 'run.ts')

test('a quick bench on all planes prints a table and writes the same as JSON, with the facts of the machine', (t) => {
  const out = mkdtempSync(join(tmpdir(), 'rf-bench-test-'))
  t.after(() => rmSync(out, { recursive: true, force: true }))
  const args = [RUN, 'request', '--quick', '--out', out]
  const run = spawnSync(process.execPath, args, { encoding: 'utf8' })
  assert.equal(run.status, 0, run.stderr)
  const result = JSON.parse(readFileSync(join(out, 'request.json'), 'utf8')) as Result
  assert.equal(result.quick, true)
  assert.match(String(result.machine['server']), /^PostgreSQL \d+/)
  assert.ok(result.rows.length > 0)
  for (const row of result.rows) {
    assert.ok(row.p50 > 0, row.what)
    assert.ok(run.stdout.includes(row.what), row.what)
  }
})

test('an unknown bench is refused with the names that there are', () => {
  const run = spawnSync(process.execPath, [RUN, 'nothing'], { encoding: 'utf8' })
  assert.equal(run.status, 2)
  assert.match(run.stdout, /names: .*query-cost/)
})

test('an unknown option is refused', () => {
  const run = spawnSync(process.execPath, [RUN, '--fast'], { encoding: 'utf8' })
  assert.equal(run.status, 2)
})
