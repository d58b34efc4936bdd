import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readFlags } from './flags.ts'

test('without flags the demo stays up on its usual port', () => {
  assert.deepEqual(readFlags([]), {
    once: false,
    help: false,
    stateDirectory: '.ringfence',
    port: 4180,
  })
})

test('flags change it', () => {
  assert.deepEqual(readFlags(['--once', '--port', '0', '--state', '/x', '-h']), {
    once: true,
    help: true,
    stateDirectory: '/x',
    port: 0,
  })
})

for (const args of [['--frob'], ['x'], ['--port', 'x'], ['--port', '70000'], ['--port']]) {
  test(`${args.join(' ')} is refused in one line`, () => {
    assert.throws(
      () => readFlags(args),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'invalid_argument')
        assert.doesNotMatch(error.message, /\n/)
        return true
      },
    )
  })
}
