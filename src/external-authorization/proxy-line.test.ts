import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseTenantId } from '../core/tenant.ts'
import { usageEventSchema } from '../usage/usage-event.ts'
import { lineOf, SEAL, SOURCE, USED } from './access-log.test-support.ts'
import { readProxyLine } from './proxy-line.ts'
import { UsageSeal } from './usage-seal.ts'

const read = (line: string) => readProxyLine(line, SOURCE, SEAL)

test('what nginx and Envoy say of a request is one event of the same kind', () => {
  const id = '0'.repeat(32)
  const fromNginx = read(lineOf({ id, request_bytes: '12', response_bytes: '8' }))
  assert.ok(typeof fromNginx === 'object')
  const { event } = fromNginx
  assert.deepEqual(usageEventSchema.parse(event), event)
  assert.deepEqual(event, {
    specversion: '1.0',
    id,
    source: SOURCE,
    type: 'dev.ringfence.request',
    time: '2026-11-26T12:00:00.123Z',
    tenantid: 'globex',
    tenantcontextid: 'acme',
    grantid: 'gr-1',
    subject: 'ann',
    data: {
      ...USED.data,
      ...{ status: '2xx', request_bytes: 12, response_bytes: 8, duration_ms: 23 },
    },
  })
  const fromEnvoy = read(
    JSON.stringify({
      proxy: 'envoy',
      ...{ usage: SEAL.seal(USED), id, status: 200, request_bytes: 12, response_bytes: 8 },
      ...{ began_s: '1795694400.100', took_ms: 23, flags: '-', details: 'via_upstream' },
    }),
  )
  assert.ok(typeof fromEnvoy === 'object')
  assert.deepEqual(fromEnvoy.event, event)
  assert.deepEqual(JSON.parse(fromNginx.logged), {
    time: '2026-11-26T12:00:00.123Z',
    ...{ request_id: id, tenant: 'acme', subject: 'ann', grant: 'gr-1', billed_tenant: 'globex' },
    ...{ route: 'clinic', method: 'GET', status: 200, ms: 23, proxy: 'nginx', used: true },
  })
})

test('what did not end well is said to be cut off, and who left before an answer is 4xx', () => {
  const cut = (change: Parameters<typeof lineOf>[0]) => {
    const one = read(lineOf(change))
    assert.ok(typeof one === 'object')
    return [one.event.data['status'], one.event.data['cut']]
  }
  assert.deepEqual(cut({}), ['2xx', undefined])
  assert.deepEqual(cut({ answered: '-, 0.002' }), ['2xx', undefined])
  assert.deepEqual(cut({ length: '' }), ['2xx', undefined])
  assert.deepEqual(cut({ length: '8', status: '304', response_bytes: '0' }), ['3xx', undefined])
  assert.deepEqual(cut({ completion: '' }), ['2xx', true])
  assert.deepEqual(cut({ length: '9' }), ['2xx', true])
  assert.deepEqual(cut({ answered: '-', status: '502' }), ['5xx', true])
  assert.deepEqual(cut({ answered: '', completion: '', status: '000' }), ['4xx', true])
})

test('no line makes usage of what no authorizer has said', () => {
  const sealed = SEAL.seal(USED)
  const [text = '', code = ''] = sealed.split('.')
  const forged = Buffer.from(
    JSON.stringify({ ...USED, tenantid: parseTenantId('initech') }),
  ).toString('base64url')
  const other = new UsageSeal('another-secret-of-the-tests-0123456').seal(USED)
  for (const usage of ['', text, forged, `${forged}.${code}`, `${sealed}.`, `.${code}`, other]) {
    assert.equal(read(lineOf({ usage })), 'it is not said by an authorizer of ours', usage)
  }
  fc.assert(
    fc.property(
      fc.nat(sealed.length - 1),
      fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 1 }),
      (at, by) => {
        const usage = sealed.slice(0, at) + by + sealed.slice(at + 1)
        // Bits of the last digit that mean nothing.
        fc.pre(usage !== sealed && at !== sealed.length - 1 && at !== text.length - 1)
        assert.equal(typeof read(lineOf({ usage })), 'string')
      },
    ),
    { numRuns: 300 },
  )
})

test('whatever a line is, it is an event that can be kept or it is said what is wrong with it', () => {
  const line = lineOf({})
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.nat(line.length).map((end) => line.slice(0, end)),
      ),
      (text) => {
        fc.pre(text !== line)
        assert.equal(typeof read(text), 'string')
      },
    ),
    { numRuns: 300 },
  )
  for (const change of [{ id: 'a b' }, { status: '-1' }, { ended_s: '1e9' }, { took_s: '' }]) {
    assert.equal(typeof read(lineOf(change)), 'string')
  }
  const why = [lineOf({ response_bytes: 'secret' }), '{"secret'].map(read)
  assert.match(JSON.stringify(why), /^\["response_bytes: [^"]+","it is no JSON"\]$/)
  assert.doesNotMatch(JSON.stringify(why), /secret/)
})
