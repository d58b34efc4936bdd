import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ERROR_CODES } from '../src/core/errors.ts'

const documented = [...readFileSync('docs/errors.md', 'utf8').matchAll(/^## (\w+)$/gm)].map(
  (match) => match[1],
)

test('every error code has an entry in docs/errors.md, and every entry is a code', () => {
  assert.deepEqual(documented.toSorted(), [...ERROR_CODES].toSorted())
})

test('every error code is thrown or read somewhere: none is left over', () => {
  const source = globSync('src/**/*.ts')
    .filter((file) => !file.endsWith('core/errors.ts'))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')
  const unused = ERROR_CODES.filter((code) => !source.includes(`'${code}'`))
  assert.deepEqual(unused, [])
})
