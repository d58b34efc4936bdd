import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseUpstreamName } from '../core/names.ts'
import { headersOf, withoutHopByHop, withoutTrusted } from '../gateway/headers.ts'
import { samplePlatform, sampleTenant } from '../snapshot/sample.test-support.ts'
import type { Configuration } from '../snapshot/snapshot.ts'
import { KEY_PARTS } from './nginx-authorization.ts'
import { nginxConfig, secretInclude } from './nginx-config.ts'
import type { NginxSettingsInput } from './nginx-settings.ts'
import { PASSED_FIELDS, passedFields } from './passed-fields.ts'

const tenants = [sampleTenant('acme'), sampleTenant('globex')]
const configuration: Pick<Configuration, 'platform' | 'tenants'> = {
  platform: samplePlatform,
  tenants: () => tenants.values(),
}
const SETTINGS: NginxSettingsInput = {
  listen: '0.0.0.0:443',
  authorizer: { socket: '/run/ringfence/authorizer' },
  secretFile: '/etc/ringfence/secret.conf',
  directory: '/var/lib/ringfence-nginx',
}
const make = (change: Partial<NginxSettingsInput> = {}) =>
  nginxConfig(configuration, { ...SETTINGS, ...change })
const refused = { code: 'invalid_argument' }

test('workers that root starts run as whom the settings say', () => {
  assert.doesNotMatch(make(), /^user /m)
  assert.match(make({ user: 'ringfence' }), /^user ringfence;$/m)
  assert.throws(() => make({ user: 'root; include /etc/passwd' }), refused)
})

test('every field that nginx passes on is one that the gateway would pass on', () => {
  const fields = headersOf(PASSED_FIELDS.flatMap((name) => [name, 'x']))
  assert.deepEqual(withoutTrusted(withoutHopByHop(fields)), fields)
})

test('no field that the gateway takes away can be added', () => {
  const believed = ['x-tenant-id', 'x-user', 'authorization', 'ringfence-context', 'forwarded']
  for (const name of [...believed, 'connection', 'te', 'host', 'x_tenant', 'a b', 'x;y', '']) {
    assert.throws(() => passedFields([name]), refused, name)
  }
  const name = fc.stringMatching(/^[a-z][a-z-]{0,20}$/)
  fc.assert(
    fc.property(name, fc.constantFrom('x-forwarded-', 'x-tenant-', 'ringfence-'), (tail, head) => {
      assert.throws(() => passedFields([head + tail]), refused)
    }),
    { numRuns: 100 },
  )
  assert.ok(passedFields(['X-Clinic-Version']).includes('x-clinic-version'))
})

test('nginx passes on what it is told, and nothing else', () => {
  const text = make({ fields: ['x-clinic-version'] })
  assert.match(text, /proxy_pass_request_headers off;/)
  const location = text.slice(text.indexOf('location / {'))
  const set = [...location.matchAll(/proxy_set_header (\S+) /g)].map(([, name]) => name)
  const own = ['Connection', 'Host', 'ringfence-context', 'x-request-id', 'forwarded']
  const expected = [...own, 'traceparent', 'tracestate', ...passedFields(['x-clinic-version'])]
  assert.deepEqual(set.toSorted(), expected.toSorted())
})

test('no setting ends a directive', () => {
  const bad = ['/x; }', '/x"', '/x\n', '/$http_x', '/x y', 'relative']
  for (const path of bad) {
    assert.throws(() => make({ directory: path }), refused, path)
    assert.throws(() => make({ secretFile: path }), refused, path)
    assert.throws(() => make({ cache: path }), refused, path)
    assert.throws(() => make({ certificates: path }), refused, path)
    assert.throws(() => make({ authorizer: { socket: path } }), refused, path)
  }
  for (const listen of ['80', ':80', '0.0.0.0:80; x', '0.0.0.0:0', '0.0.0.0:65536']) {
    assert.throws(() => make({ listen }), refused, listen)
  }
  for (const secret of ['short', `${'x'.repeat(40)}"; x "`]) {
    assert.throws(() => secretInclude(secret), refused)
  }
})

test('decisions are remembered only where that is asked for, by everything that they depend on', () => {
  assert.doesNotMatch(make(), /proxy_cache_key/)
  const text = make({ cache: '/dev/shm/ringfence' })
  assert.ok(text.includes(`proxy_cache_key "${KEY_PARTS.join('\\n')}";`))
  for (const part of ['$time_iso8601', '$http_authorization', '$http_host', '$remote_addr']) {
    assert.ok(KEY_PARTS.some((one) => one === part))
  }
})

test('with certificates each known host has its own, and no other name becomes a path', () => {
  const text = make({ certificates: '/etc/ringfence/certificates' })
  assert.match(text, /"acme\.example" "acme\.example";/)
  assert.match(text, /default "_default";/)
  assert.match(text, /ssl_certificate \/etc\/ringfence\/certificates\/\$ringfence_certificate\//)
  assert.doesNotMatch(text, /ssl_certificate[^;]*\$ssl_server_name/)
})

test('an upstream whose servers are for some tenants is not told to nginx', () => {
  const platform = {
    ...samplePlatform,
    upstreams: [
      { name: parseUpstreamName('crm'), servers: [{ url: 'http://10.0.0.1' }], shard: 1 },
    ],
  }
  const text = nginxConfig({ ...configuration, platform }, SETTINGS)
  assert.doesNotMatch(text, /10\.0\.0\.1/)
  assert.match(text, /127\.0\.0\.1:4000/)
})

test('what nginx writes of requests is what the authorizer says and what nginx knows itself', () => {
  assert.match(make(), /access_log off;/)
  const text = make({ accessLog: '/var/log/ringfence/usage.log' })
  assert.doesNotMatch(text, /access_log off;/)
  assert.match(
    text,
    /access_log \/var\/log\/ringfence\/usage\.log ringfence_usage if=\$ringfence_usage;/,
  )
  const [, line = ''] = /log_format ringfence_usage escape=json '([^']+)';/.exec(text) ?? []
  const variables = [...line.matchAll(/\$(\w+)/g)].map(([, name = '']) => name)
  assert.ok(variables.length > 5)
  // Nothing of it is a field, a path or an argument of the caller's.
  const callers =
    /^(?:http_|arg|cookie|uri|request$|request_uri|args|query|host|remote_user|document)/
  for (const name of variables) assert.doesNotMatch(name, callers)
  assert.throws(() => make({ accessLog: '/x if=1;' }), refused)
})
