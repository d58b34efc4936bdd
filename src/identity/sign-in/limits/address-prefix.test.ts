import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressPrefix } from './address-prefix.ts'

test('addresses that one customer can have at will are one network', () => {
  assert.equal(addressPrefix('192.0.2.77'), '192.0.2.0/24')
  assert.equal(addressPrefix('::ffff:192.0.2.9'), '192.0.2.0/24')
  assert.equal(addressPrefix('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
  assert.equal(addressPrefix('2001:DB8:0001:0002::'), '2001:db8:1:2::/64')
  assert.equal(addressPrefix('2001:db8::1'), '2001:db8:0:0::/64')
  assert.equal(addressPrefix('fe80::1%eth0'), 'fe80:0:0:0::/64')
  assert.equal(addressPrefix('64:ff9b::192.0.2.1'), '64:ff9b:0:0::/64')
  assert.notEqual(addressPrefix('2001:db8:1:3::1'), addressPrefix('2001:db8:1:2::1'))
})

test('what is no address is one network, and never an error', () => {
  for (const text of ['', 'localhost', '1.2.3', '::1::', '10.0.0.1, 10.0.0.2']) {
    assert.equal(addressPrefix(text), 'unknown')
  }
  fc.assert(fc.property(fc.string(), (text) => addressPrefix(text).length < 50))
})

test('every spelling of an address is in the same network', () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const url = new URL(`http://[${address}]`)
      const canonical = url.hostname.slice(1, -1)
      assert.equal(
        addressPrefix(canonical),
        addressPrefix(address.replace(/^::ffff:(?=\d+\.)/i, '')),
      )
    }),
  )
})
