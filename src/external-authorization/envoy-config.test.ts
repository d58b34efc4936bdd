import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { parseUpstreamName } from '../core/names.ts'
import { parseCellName } from '../core/tenant.ts'
import { headersOf, withoutOwn, withoutTrusted } from '../gateway/headers.ts'
import { samplePlatform, sampleTenant } from '../snapshot/sample.test-support.ts'
import type { Configuration, PlatformConfig } from '../snapshot/snapshot.ts'
import { envoySecret } from './envoy-clusters.ts'
import { envoyConfig } from './envoy-config.ts'
import { ANSWERS_STRIPPED, STRIPPED_FIRST, STRIPPED_LAST } from './envoy-fields.ts'
import type { EnvoySettingsInput } from './envoy-settings.ts'
import { PASSED_FIELDS } from './passed-fields.ts'
import { serverGroup } from './server-groups.ts'

const tenants = [sampleTenant('acme'), sampleTenant('globex')]
const configuration: Pick<Configuration, 'platform' | 'tenants'> = {
  platform: samplePlatform,
  tenants: () => tenants.values(),
}
const SETTINGS: EnvoySettingsInput = {
  listen: '0.0.0.0:443',
  authorizer: { socket: '/run/ringfence/authorizer' },
  secretFile: '/etc/ringfence/secret.json',
}
const make = (change: Partial<EnvoySettingsInput> = {}, platform: Partial<PlatformConfig> = {}) =>
  envoyConfig(
    { ...configuration, platform: { ...samplePlatform, ...platform } },
    { ...SETTINGS, ...change },
  )
const refused = { code: 'invalid_argument' }

/** What of a configuration the tests look at. */
const madeSchema = z.looseObject({
  static_resources: z.object({
    listeners: z.tuple([
      z.looseObject({
        filter_chains: z.tuple([
          z.looseObject({
            filters: z.tuple([
              z.looseObject({
                typed_config: z.looseObject({
                  http_filters: z.array(
                    z.looseObject({ name: z.string(), typed_config: z.looseObject({}) }),
                  ),
                }),
              }),
            ]),
          }),
        ]),
      }),
    ]),
    clusters: z.array(z.looseObject({ name: z.string() })),
  }),
})
const made = (text: string) => {
  const { listeners, clusters } = madeSchema.parse(JSON.parse(text)).static_resources
  const [{ filters }] = listeners[0].filter_chains
  return { manager: filters[0].typed_config, clusters }
}

const isOf = (patterns: readonly string[]) => (name: string) =>
  patterns.some((pattern) => new RegExp(`^(?:${pattern})$`).test(name))
const goesFirst = isOf(STRIPPED_FIRST)
/** The authorizer says them anew, whatever a caller said. */
const SAID_ANEW = ['x-request-id', 'traceparent', 'tracestate']
const isTaken = (name: string) => withoutTrusted(headersOf([name, 'x'])).length === 0

const word = fc.constantFrom(
  ...['x', 'ringfence', 'tenant', 'user', 'remote', 'agent', 'scope', 'orgid', 'auth', 'forwarded'],
  ...['original', 'rewrite', 'real', 'http', 'method', 'override', 'client', 'connecting', 'ip'],
  ...['request', 'id', 'authorization', 'dpop', 'a', 'agents', 'users'],
)
const someName = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join('-'))

test('no field that the gateway takes away passes Envoy, and no other is taken', () => {
  fc.assert(
    fc.property(someName, (name) => {
      const goes = goesFirst(name) || STRIPPED_LAST.includes(name) || SAID_ANEW.includes(name)
      assert.equal(goes, isTaken(name), name)
    }),
    { numRuns: 2_000 },
  )
  for (const name of PASSED_FIELDS) {
    assert.ok(!goesFirst(name) && !STRIPPED_LAST.includes(name), name)
  }
  // What a check reads is still there when it is asked.
  for (const name of ['authorization', 'dpop', ...SAID_ANEW]) assert.ok(!goesFirst(name), name)
})

test('nothing that only the gateway says comes from a service', () => {
  const goes = isOf(ANSWERS_STRIPPED)
  const said = fc.oneof(someName, fc.constantFrom('ratelimit', 'ratelimit-policy'))
  fc.assert(
    fc.property(said, fc.boolean(), (hyphens, isRead) => {
      const name = isRead ? hyphens.replaceAll('-', '_') : hyphens
      if (withoutOwn(headersOf([name, 'x'])).length === 0) assert.ok(goes(name), name)
    }),
    { numRuns: 1_000 },
  )
  assert.ok(!goes('cache-control') && !goes('etag') && !goes('set-cookie'))
})

test('Envoy asks before it does anything else, and lets nobody through unasked', () => {
  for (const protocol of ['grpc', 'http'] as const) {
    const { manager } = made(make({ protocol }))
    const [first, ...others] = manager.http_filters
    assert.equal(first?.name, 'envoy.filters.http.ext_authz')
    assert.equal(first?.typed_config['failure_mode_allow'], false)
    assert.ok(others.every(({ name }) => name !== 'envoy.filters.http.ext_authz'))
    assert.equal(manager['use_remote_address'], true)
    assert.equal(manager['normalize_path'], false)
    assert.equal(manager['merge_slashes'], false)
  }
})

test('the secret is in a file of its own, which is not the configuration', () => {
  const secret = 'a-secret-of-the-tests-0123456789ab'
  assert.ok(envoySecret(secret).includes(secret))
  assert.ok(make().includes('/etc/ringfence/secret.json'))
  for (const bad of ['short', `${'x'.repeat(40)}"`]) assert.throws(() => envoySecret(bad), refused)
})

test('settings that are not good are refused', () => {
  for (const path of ['/x; }', '/x"', 'relative', '/no/json']) {
    assert.throws(() => make({ secretFile: path }), refused, path)
  }
  for (const listen of ['80', ':80', '0.0.0.0:0', '0.0.0.0:65536']) {
    assert.throws(() => make({ listen }), refused, listen)
  }
  for (const host of ['../x', 'a b', 'A.example', '']) {
    assert.throws(() => make({ certificates: '/c', hosts: [host] }), refused, host)
  }
  assert.throws(() => make({ bodyBytesMax: 1_000 }), refused)
})

test('the tenants of a cell are sent to its servers and to those of all cells', () => {
  const [eu, us] = [parseCellName('eu-1'), parseCellName('us-1')]
  const crm = {
    name: parseUpstreamName('crm'),
    servers: [
      { url: 'http://10.0.0.1:80', cell: eu },
      { url: 'http://10.0.0.2:80', cell: us },
      { url: 'http://10.0.0.3:80' },
      { url: 'http://10.0.0.4:80', weight: 0 },
    ],
  }
  const { clusters } = made(make({}, { upstreams: [crm] }))
  const addressesOf = (key: string) => {
    const found = clusters.find(({ name }) => name === key)
    return [...JSON.stringify(found).matchAll(/10\.0\.0\.\d/g)].map(([address]) => address)
  }
  assert.deepEqual(addressesOf(serverGroup(crm, eu).key), ['10.0.0.1', '10.0.0.3'])
  assert.deepEqual(addressesOf(serverGroup(crm, us).key), ['10.0.0.2', '10.0.0.3'])
  const elsewhere = serverGroup(crm, parseCellName('ap-1'))
  assert.deepEqual(addressesOf(elsewhere.key), ['10.0.0.3'])
  assert.equal(elsewhere, serverGroup(crm, parseCellName('ap-2')))
})

test('where no server is for a cell, a decision names nothing that Envoy knows', () => {
  const crm = {
    name: parseUpstreamName('crm'),
    servers: [{ url: 'http://10.0.0.1:80', cell: parseCellName('eu-1') }],
  }
  const { key } = serverGroup(crm, parseCellName('us-1'))
  const { clusters } = made(make({}, { upstreams: [crm] }))
  assert.ok(clusters.every(({ name }) => name !== key))
})

test('a service over TLS is believed by its certificate, for the host of its URL', () => {
  const upstream = (url: string) => ({
    upstreams: [{ name: parseUpstreamName('crm'), servers: [{ url }] }],
  })
  const text = make({}, upstream('https://crm.internal:8443/base'))
  assert.match(text, /"exact": "crm\.internal"/)
  assert.match(text, /"sni": "crm\.internal"/)
  assert.match(text, /"prefix_rewrite": "\/base\/"/)
  const byAddress = make({}, upstream('https://10.0.0.9'))
  assert.match(byAddress, /"san_type": "IP_ADDRESS"/)
  assert.doesNotMatch(byAddress, /"sni"/)
})

test('TLS ends with the certificates of known hosts, the default one first', () => {
  const files = (text: string) =>
    [...text.matchAll(/"\/c\/([^/]+)\/fullchain\.pem"/g)].map(([, host]) => host)
  assert.deepEqual(files(make({ certificates: '/c' })), [
    '_default',
    'acme.example',
    'globex.example',
  ])
  const some = make({ certificates: '/c', hosts: ['globex.example'] })
  assert.deepEqual(files(some), ['_default', 'globex.example'])
  assert.deepEqual(files(make()), [])
})

test('what Envoy writes of requests is what the authorizer says and what Envoy knows itself', () => {
  assert.equal(made(make()).manager['access_log'], undefined)
  const { manager } = made(make({ accessLog: '/var/log/ringfence/usage.log' }))
  const text = JSON.stringify(manager['access_log'])
  assert.ok(text.includes('"match_if_key_not_found":false'))
  const operators = [...text.matchAll(/%([A-Z_]+)/g)].map(([, name]) => name)
  assert.ok(operators.length > 5)
  // Nothing of it is a field or a path of the caller's.
  for (const name of operators) assert.doesNotMatch(name ?? '', /^REQ$|TRAILER|PATH|QUERY/)
})
