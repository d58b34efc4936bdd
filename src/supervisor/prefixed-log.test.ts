import assert from 'node:assert/strict'
import { test } from 'node:test'
import { prefixedLog } from './prefixed-log.ts'

function written(isTTY: boolean, environment: Readonly<Record<string, string>> = {}): string {
  let text = ''
  const stream = { isTTY, write: (part: string) => (text += part) }
  const log = prefixedLog(['gateway', 'cell'], stream, environment)
  log('gateway', 'up')
  log('cell', 'ready')
  return text
}

test('lines carry the name of their unit, all prefixes equally wide', () => {
  assert.equal(written(false), 'gateway | up\ncell    | ready\n')
})

test('a terminal gets colours, unless its user does not want them', () => {
  assert.equal(
    written(true),
    '\u001b[36mgateway |\u001b[0m up\n\u001b[32mcell    |\u001b[0m ready\n',
  )
  assert.equal(written(true, { NO_COLOR: '1' }), written(false))
})
