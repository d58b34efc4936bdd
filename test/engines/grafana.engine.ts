import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const CHECKER = process.env['RINGFENCE_TEST_DASHBOARDS'] ?? 'dashboard-checker'
const FILES = globSync(
  join(import.meta.dirname, '..', '..', 'deploy', 'grafana', 'dashboards', '*.json'),
)

function checked(files: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(CHECKER, files, { encoding: 'utf8' })
  return { status, text: `${stdout}${stderr}` }
}

test('Grafana’s own schema finds every field of every dashboard known, and none missing', () => {
  assert.ok(FILES.length >= 3)
  assert.deepEqual(checked(FILES), { status: 0, text: '' })
})

test('a dashboard that is wrong is noticed: the schema can refuse', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'rf-grafana-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const text = readFileSync(FILES[0] ?? '', 'utf8')
  const wrong = {
    'a field that there is not': text.replace('"legend"', '"legends"'),
    'a number that is a word': text.replace(/"w": \d+/, '"w": "wide"'),
    'no panel at all': text.slice(0, -10),
  }
  for (const [what, bad] of Object.entries(wrong)) {
    assert.notEqual(bad, text, what)
    const file = join(directory, 'bad.json')
    writeFileSync(file, bad)
    assert.notEqual(checked([file]).status, 0, what)
  }
})
