import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mayConnect, upstreamRule } from './upstream-rule.ts'

const rule = upstreamRule()
const refused = (url: string) => rule(new URL(url)) !== undefined

test('a public name or address may be an upstream', () => {
  for (const url of [
    'https://crm.example.com',
    'http://93.184.216.34:8080/x',
    'https://[2606:2800:220:1:248:1893:25c8:1946]/',
  ]) {
    assert.equal(rule(new URL(url)), undefined, url)
  }
})

test('private, loopback, link-local and metadata addresses may not, however they are written', () => {
  for (const url of [
    'http://127.0.0.1',
    'http://127.1',
    'http://2130706433',
    'http://0x7f.0.0.1',
    'http://0177.0.0.1',
    'http://%31%32%37.0.0.1',
    'http://①②⑦.0.0.1',
    'http://0.0.0.0',
    'http://10.1.2.3',
    'http://100.64.0.1',
    'http://169.254.169.254/latest/meta-data/',
    'http://168.63.129.16',
    'http://172.31.255.255',
    'http://192.168.0.1',
    'http://224.0.0.1',
    'http://255.255.255.255',
    'http://[::]',
    'http://[::1]',
    'http://[::ffff:127.0.0.1]',
    'http://[::ffff:a9fe:a9fe]',
    'http://[64:ff9b::7f00:1]',
    'http://[2002:7f00:1::]',
    'http://[2001:0:7f00:1::]',
    'http://[fe80::1]',
    'http://[fd00:ec2::254]',
    'http://[ff02::1]',
    'http://localhost:5432',
    'http://LOCALHOST.',
    'http://a.localhost',
    'http://metadata.google.internal',
    'http://metadata.google.internal.',
    'http://kubernetes.default.svc.cluster.local',
    'http://postgres',
    'http://postgres.',
    'https://user:secret@crm.example.com',
  ]) {
    assert.equal(refused(url), true, url)
  }
})

test('a refusal tells nothing of what is at an address', () => {
  const said = ['http://10.0.0.1', 'http://127.0.0.1', 'http://redis'].map((url) =>
    rule(new URL(url)),
  )
  assert.equal(new Set(said).size, 1)
})

test('what the platform allows may be an upstream, and nothing beside it', () => {
  const lax = upstreamRule({ ranges: ['10.20.0.0/16', '::1'], hosts: ['crm', '.apps.internal'] })
  for (const url of ['http://10.20.3.4', 'http://[::1]', 'http://crm', 'http://a.apps.internal']) {
    assert.equal(lax(new URL(url)), undefined, url)
  }
  for (const url of ['http://10.21.0.1', 'http://[::2]', 'http://crm2', 'http://xapps.internal']) {
    assert.notEqual(lax(new URL(url)), undefined, url)
  }
})

test('no address of a private range is connected to, as IPv4 or mapped into IPv6', () => {
  const may = mayConnect()
  const octet = fc.nat(255)
  const address = fc.oneof(
    fc.tuple(fc.constantFrom(10, 127), octet, octet, octet),
    fc.tuple(fc.constant(192), fc.constant(168), octet, octet),
    fc.tuple(fc.constant(169), fc.constant(254), octet, octet),
    fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), octet, octet),
  )
  fc.assert(
    fc.property(address, (octets) => {
      const text = octets.join('.')
      assert.equal(may('crm.example.com', text), false)
      assert.equal(may('crm.example.com', `::ffff:${text}`), false)
    }),
    { numRuns: 200 },
  )
  assert.equal(may('crm.example.com', '93.184.216.34'), true)
  assert.equal(may('crm.example.com', 'not an address'), false)
})
