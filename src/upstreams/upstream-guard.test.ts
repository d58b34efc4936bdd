import assert from 'node:assert/strict'
import type { LookupFunction } from 'node:net'
import { test } from 'node:test'
import { upstreamGuard, type UpstreamGuardOptions } from './upstream-guard.ts'

const nothing = () => false

function looked(lookup: LookupFunction, host: string, all: boolean) {
  return new Promise<unknown>((resolve) => {
    lookup(host, { all }, (error, found) => resolve(error === null ? found : 'refused'))
  })
}

/** What comes of a look-up of a name that has these addresses. */
function resolved(addresses: readonly string[], options: UpstreamGuardOptions = {}, all = true) {
  const lookup: LookupFunction = (_host, _options, done) =>
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  const url = new URL('http://crm.example.com:8080')
  const guard = upstreamGuard({ ...options, lookup })
  return looked(guard.lookupFor(url, nothing), 'crm.example.com', all)
}

test('a name that has public addresses is connected to, at these', async () => {
  assert.deepEqual(await resolved(['93.184.216.34']), [{ address: '93.184.216.34', family: 4 }])
  assert.equal(await resolved(['93.184.216.34'], {}, false), '93.184.216.34')
})

test('a name that comes to have an address that is not public is not connected to', async () => {
  for (const address of [
    '127.0.0.1',
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '169.254.169.254',
    '192.168.1.1',
    '224.0.0.1',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '64:ff9b::a9fe:a9fe',
    '2002:7f00:1::',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%lo',
    'ff02::1',
    'nonsense',
  ]) {
    assert.equal(await resolved([address]), 'refused', address)
    // Not even when it is one of several: which is picked is not ours to say.
    assert.equal(await resolved(['93.184.216.34', address]), 'refused', address)
  }
  assert.equal(await resolved([]), 'refused')
})

test('what the platform allows is connected to, but not where it listens itself', async () => {
  const options = { ranges: ['10.20.0.0/16'], listeners: ['10.20.0.7:8080', '10.20.0.8:8081'] }
  assert.notEqual(await resolved(['10.20.0.6'], options), 'refused')
  assert.notEqual(await resolved(['10.20.0.8'], options), 'refused')
  assert.equal(await resolved(['10.20.0.7'], options), 'refused')
  assert.equal(await resolved(['::ffff:10.20.0.7'], options), 'refused')
  assert.equal(await resolved(['10.21.0.1'], options), 'refused')
  const guard = upstreamGuard(options)
  assert.notEqual(guard.refusalOf(new URL('http://10.20.0.7:8080'), nothing), undefined)
  assert.equal(guard.refusalOf(new URL('http://10.20.0.7:8082'), nothing), undefined)
})

test('ports of other protocols than the web’s are none for an upstream', () => {
  const guard = upstreamGuard()
  for (const port of [22, 25, 53, 110, 445, 6000, 6667, 10_080]) {
    const url = new URL(`http://crm.example.com:${port}`)
    assert.notEqual(guard.refusalOf(url, nothing), undefined, String(port))
  }
  for (const url of [
    'http://crm.example.com',
    'https://crm.example.com',
    'http://a.example:8080',
  ]) {
    assert.equal(guard.refusalOf(new URL(url), nothing), undefined, url)
  }
})
