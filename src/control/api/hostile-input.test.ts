import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { TenantId } from '../../core/tenant.ts'
import { ACME, TestApi } from './api-client.test-support.ts'

const document: {
  paths: Record<string, Record<string, { operationId: string }>>
} = JSON.parse((await new TestApi().call('GET', '/v1/openapi.json')).text)
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => ({ path, method: method.toUpperCase() })),
)

const nasty = fc.oneof(
  fc.constantFrom(
    '',
    '..',
    '../acme',
    'acme',
    'ACME',
    'acme\0',
    "acme' or '1'='1",
    '%',
    '%2e%2e%2f',
    '%zz',
    '\u202eemca',
    'а\u0301cme',
    '__proto__',
    'constructor',
    '9'.repeat(400),
    '-1',
    '1e999',
  ),
  fc.string({ unit: 'binary', maxLength: 60 }),
)

const value = fc.oneof(nasty, fc.jsonValue(), fc.constantFrom('\ud800', { $ne: null }, [[[[[]]]]]))
const body = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.jsonValue().map((json) => JSON.stringify(json)),
  fc
    .dictionary(
      fc.constantFrom(...Object.keys(ACME), 'to', 'why', 'approve', 'name', 'scopes', '__proto__'),
      value,
    )
    .map((fields) => JSON.stringify(fields)),
  fc.constantFrom('['.repeat(60_000), `{"a":`.repeat(9000), '"\\ud800"', '1e400'),
)
const HEADER_CHARACTERS = [
  'a',
  'B',
  '9',
  ' ',
  ',',
  ';',
  '=',
  '"',
  '*',
  "'",
  '\\',
  '/',
  '.',
  '-',
  '_',
  '~',
  ':',
]
const header = fc.string({ unit: fc.constantFrom(...HEADER_CHARACTERS), maxLength: 80 })

describe('whatever comes', () => {
  test('no answer is trouble on our side, or without a problem document', async () => {
    const api = new TestApi()
    const token = api.plane.operator('first')
    await api.call('POST', '/v1/tenants', { token, body: ACME })
    api.plane.lease('acme' as TenantId)
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...operations),
        fc.array(nasty, { minLength: 2, maxLength: 2 }),
        fc.dictionary(
          fc.oneof(nasty, fc.constantFrom('limit', 'cursor', 'purge', 'state')),
          nasty,
          {
            maxKeys: 3,
          },
        ),
        fc.option(body, { nil: undefined }),
        fc.dictionary(
          fc.constantFrom(
            'idempotency-key',
            'if-match',
            'if-none-match',
            'last-event-id',
            'content-type',
            'x-request-id',
            'webhook-id',
            'webhook-timestamp',
            'webhook-signature',
          ),
          header,
        ),
        fc.boolean(),
        async ({ path, method }, names, query, text, headers, signedIn) => {
          let taken = 0
          const target = path.replaceAll(/\{\w+\}/g, () => encodeName(names[taken++] ?? ''))
          const search = new URLSearchParams(Object.entries(query)).toString()
          const answer = await api.call(method, search === '' ? target : `${target}?${search}`, {
            ...(signedIn ? { token } : {}),
            ...(method === 'GET' || text === undefined ? {} : { body: text }),
            headers,
          })
          assert.ok(
            answer.status < 500,
            `${answer.status} ${answer.text}\n${api.logged.join('\n')}`,
          )
          if (answer.status >= 400) {
            assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/)
            assert.equal(answer.body.status, answer.status)
          }
          assert.ok(answer.headers.get('x-request-id'))
        },
      ),
      { numRuns: 1500 },
    )
    assert.deepEqual(api.logged, [])
  })

  test('a credential of any form gets 401 or 429, never more', async () => {
    const api = new TestApi({ failedAuthenticationsPerMinute: 50 })
    api.plane.operator('first')
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          header,
          header.map((text) => `Bearer ${text}`),
          header.map((text) => `bearer rfo_${text}`),
        ),
        async (authorization) => {
          const answer = await api.call('GET', '/v1/tenants', { headers: { authorization } })
          assert.ok([401, 429].includes(answer.status))
          if (answer.status === 401) {
            assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer /)
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})

/** As a hostile client would write it: sometimes encoded, sometimes with a broken escape. */
function encodeName(name: string): string {
  try {
    return name.startsWith('%') ? name : encodeURIComponent(name)
  } catch {
    return '%ED%A0%80'
  }
}
