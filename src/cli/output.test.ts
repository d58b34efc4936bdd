import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFormat, writeRows } from './output.ts'

function written(format: 'table' | 'json' | 'yaml', rows: Record<string, unknown>[]): string {
  let text = ''
  writeRows(rows, format, (part) => {
    text += part
  })
  return text
}

const ROWS = [
  { id: 'acme', tier: 'pooled', ended: undefined },
  { id: 'a-longer-name', tier: 'silo', ended: '2026-01-01' },
]

test('a table lines its columns up under a header', () => {
  assert.equal(
    written('table', ROWS),
    'ID              TIER     ENDED\nacme            pooled   -\na-longer-name   silo     2026-01-01\n',
  )
})

test('a table of nothing says so', () => assert.equal(written('table', []), 'nothing to show\n'))

test('JSON and YAML are for programs', () => {
  assert.deepEqual(JSON.parse(written('json', ROWS)), [{ id: 'acme', tier: 'pooled' }, ROWS[1]])
  assert.match(written('yaml', ROWS), /^- id: acme\n {2}tier: pooled/)
})

test('a format that there is not is refused', () => {
  assert.throws(() => parseFormat('xml'), { code: 'invalid_argument' })
})
