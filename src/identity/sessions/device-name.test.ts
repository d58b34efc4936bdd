import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { deviceName } from './device-name.ts'

const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64'

test('a browser is named by what it says, not by its version', () => {
  const firefox = (version: number) =>
    `${WINDOWS}; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`
  assert.equal(deviceName(firefox(140)), 'Firefox on Windows')
  assert.equal(deviceName(firefox(141)), deviceName(firefox(140)))
})

test('browsers that also say that they are others are named by their own', () => {
  const chrome = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36'
  assert.equal(deviceName(`${WINDOWS}) ${chrome}`), 'Chrome on Windows')
  assert.equal(deviceName(`${WINDOWS}) ${chrome} Edg/142.0`), 'Edge on Windows')
  assert.equal(
    deviceName(
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 (KHTML) Version/18.0 Mobile/15E Safari/604.1',
    ),
    'Safari on iOS',
  )
})

test('whatever a client sends, the name is one of few and short', () => {
  const words =
    /^(?:Unknown device|curl|(?:Browser|Edge|Firefox|Opera|Chrome|Safari|curl)(?: on (?:Android|iOS|Windows|macOS|Linux))?)$/
  const hostile = fc.oneof(
    fc.string({ maxLength: 2_000 }),
    fc.constant(WINDOWS),
    fc.constant('curl/8'),
  )
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 4 }), (parts) => {
      assert.match(deviceName(parts.join(' ')), words)
    }),
  )
  assert.equal(deviceName(undefined), 'Unknown device')
  assert.equal(deviceName(`${' '.repeat(100_000)}Firefox/1`), 'Unknown device')
})
