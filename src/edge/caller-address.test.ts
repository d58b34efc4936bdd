import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseAddress } from './address.ts'
import { CallerAddresses } from './caller-address.ts'
import { Ranges } from './ranges.ts'

test('an address has one form, however it was written', () => {
  for (const [text, address] of [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:207', '192.0.2.7'],
    ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
    ['2001:DB8:0:0::7', '2001:db8::7'],
    ['fe80::1%eth0', 'fe80::1'],
  ] as const) {
    assert.equal(parseAddress(text), address)
  }
  for (const text of [
    '',
    'unknown',
    '192.0.2',
    '192.0.2.07',
    '0x7f.1',
    '[::1]',
    '192.0.2.7:80',
    'a',
  ]) {
    assert.equal(parseAddress(text), undefined, text)
  }
})

test('an IPv4 address is in a range whichever way either of them is written', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), fc.ipV4(), (network, bits, address) => {
      const value = (text: string) =>
        text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
      const inside = (value(network) ^ value(address)) >>> 0 < 2 ** (32 - bits)
      for (const range of [`${network}/${bits}`, `::ffff:${network}/${bits + 96}`]) {
        const ranges = new Ranges([range])
        assert.equal(ranges.has(parseAddress(address) ?? ''), inside)
        assert.equal(ranges.has(parseAddress(`::ffff:${address}`) ?? ''), inside)
      }
    }),
    { numRuns: 300 },
  )
})

test('what is no range is refused, and what is no address is in none', () => {
  for (const range of [
    '',
    'x',
    '192.0.2.0/33',
    '192.0.2.0/-1',
    '192.0.2.0/',
    '::/129',
    '::ffff:1.2.3.4/95',
    '1.2.3.4/8/8',
  ]) {
    assert.throws(() => new Ranges([range]), { code: 'invalid_argument' }, range)
  }
  const all = new Ranges(['0.0.0.0/0', '::/0'])
  assert.ok(all.has('192.0.2.7') && all.has('::1'))
  assert.ok(!all.has('unknown') && !all.has(''))
})

const proxies = new CallerAddresses({ ranges: ['10.0.0.0/8'] })
const by = (...values: readonly string[]) => values.flatMap((value) => ['X-Forwarded-For', value])

test('only proxies of ours are believed, each of the one before it', () => {
  for (const [peer, fields, address] of [
    ['192.0.2.7', by('198.51.100.1'), '192.0.2.7'],
    ['10.0.0.1', by('198.51.100.1'), '198.51.100.1'],
    ['10.0.0.1', by('203.0.113.9, 198.51.100.1'), '198.51.100.1'],
    ['10.0.0.1', by('203.0.113.9', '198.51.100.1, 10.0.0.2'), '198.51.100.1'],
    ['10.0.0.1', by('198.51.100.1:4711'), '198.51.100.1'],
    ['10.0.0.1', by('[2001:db8::1]:4711'), '2001:db8::1'],
    ['10.0.0.1', by('::ffff:10.0.0.3'), '10.0.0.3'],
    ['10.0.0.1', by(''), 'unknown'],
    ['10.0.0.1', by('198.51.100.1, garbage'), 'unknown'],
    ['10.0.0.1', [], 'unknown'],
    ['10.0.0.1', ['Forwarded', 'for=198.51.100.1'], 'unknown'],
    ['unknown', by('198.51.100.1'), 'unknown'],
  ] as const) {
    assert.equal(proxies.of(peer, fields), address, `${peer} ${fields.join()}`)
  }
})

test('a Forwarded field is read from its end, whatever a caller has put before it', () => {
  const forwarded = new CallerAddresses({ ranges: ['10.0.0.0/8'], field: 'forwarded' })
  for (const [value, address] of [
    ['for=192.0.2.60;proto=http;by=203.0.113.43', '192.0.2.60'],
    ['For="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17'],
    ['for=203.0.113.9, proto=https; for=192.0.2.60', '192.0.2.60'],
    ['for="203.0.113.9, for=192.0.2.60', '192.0.2.60'],
    ['for=_hidden', 'unknown'],
    ['proto=https', 'unknown'],
  ] as const) {
    assert.equal(forwarded.of('10.0.0.1', ['forwarded', value]), address, value)
  }
})

test('whatever a caller writes before it, the address that the last proxy saw is found', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 4 }), fc.ipV4(), (before, address) => {
      fc.pre(!address.startsWith('10.'))
      assert.equal(proxies.of('10.9.9.9', by(...before, address)), address)
      assert.equal(proxies.of('10.9.9.9', by([...before, address].join(','))), address)
    }),
    { numRuns: 300 },
  )
})
