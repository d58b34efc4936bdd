import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GuardrailConfig, GuardrailRule } from '../contracts/guardrail.ts'
import {
  parseApiName,
  parseContractName,
  parseGuardrailName,
  parseUpstreamName,
} from '../core/names.ts'
import type { TenantConfig } from '../snapshot/snapshot.ts'
import type { Heard } from '../strikes/wire.ts'
import { answerOf, bearer, type Field, openSite } from './authorizer.test-support.ts'

type Site = Awaited<ReturnType<typeof openSite>>

const api = (change: object): Partial<TenantConfig> => ({
  contract: {
    name: parseContractName('own'),
    apis: [
      {
        name: parseApiName('clinic'),
        prefix: '/clinic',
        upstream: { of: 'platform', name: parseUpstreamName('clinic') },
        ...change,
      },
    ],
  },
})
const upstreams = (change: object) => [
  { name: parseUpstreamName('clinic'), servers: [{ url: 'http://127.0.0.1:4000' }], ...change },
]

/** Nothing is held back by it: what it finds is counted. */
const flagging = (direction: GuardrailConfig['direction'], ...apis: string[]): GuardrailConfig => ({
  ...guardrail({ kind: 'pii', find: ['ssn'], action: 'flag' }),
  direction,
  ...(apis.length === 0 ? {} : { apis: apis.map(parseApiName) }),
})
const guardrail = (rule: GuardrailRule): GuardrailConfig => ({
  name: parseGuardrailName('looks'),
  direction: 'both',
  rules: [rule],
})
const WITH_A_BODY = {
  'ringfence-original-method': 'POST',
  'ringfence-original-content-length': '9',
}
const statusOf = (heard: Heard) => (heard.status === 200 ? '200' : answerOf(heard, 'status'))

/** What only the gateway can do, each noticed by the check that refuses it here. */
const ONLY_BY_GATEWAY: Readonly<Record<string, (site: Site) => Promise<Heard>>> = {
  'no-upgrade-by-proxy': ({ ask, source }) => {
    source.change('acme', api({ upgrades: true }))
    return ask({}, [
      bearer(),
      ['ringfence-original-connection', 'upgrade'],
      ['ringfence-original-upgrade', 'websocket'],
      ['sec-websocket-version', '13'],
      ['sec-websocket-key', 'AAAAAAAAAAAAAAAAAAAAAA=='],
    ])
  },
  'upstream-of-the-platform': ({ ask, source }) => {
    source.change('acme', {
      ...api({ upstream: { of: 'tenant', name: parseUpstreamName('clinic') } }),
      upstreams: upstreams({}),
    })
    return ask({}, [bearer()])
  },
  'upstream-of-one-kind': ({ ask, source }) => {
    source.platform({ upstreams: upstreams({ protocol: 'h2c' }) })
    return ask({}, [bearer()])
  },
  'limits-to-the-end': ({ ask, source }) => {
    source.change('acme', {
      limits: [{ kind: 'concurrency', name: 'few', per: 'tenant', requests: 5 }],
    })
    return ask({}, [bearer()])
  },
  'no-endpoint-by-proxy': ({ ask, source }) => {
    // A service that has all paths is not to answer in the gateway's place.
    source.change('acme', api({ prefix: '/' }))
    return ask({ 'ringfence-original-uri': '/t/acme/mcp' }, [bearer()])
  },
  'path-below-the-tenants': ({ ask, source }) => {
    source.change('acme', api({ prefix: '/' }))
    return ask({ 'ringfence-original-uri': '/t/acme' }, [bearer()])
  },
  'bodies-as-they-are': ({ ask, source }) => {
    source.platform({ guardrails: [flagging('request')] })
    return ask(WITH_A_BODY, [bearer()])
  },
  'fields-as-decided': ({ ask }) =>
    ask({}, [bearer(), ['ringfence-original-connection', 'cookie'], ['cookie', 'a=1']]),
}

for (const [name, run] of Object.entries(ONLY_BY_GATEWAY)) {
  test(`${name}: another proxy does not serve it, and would without the check`, async (t) => {
    const refused = await run(await openSite(t))
    assert.equal(answerOf(refused, 'status'), '403')
    const careless = await openSite(t)
    careless.leaveOut(name)
    assert.equal((await run(careless)).status, 200)
  })
}

test('what the gateway answers itself is not passed on, however it is written', async (t) => {
  const { ask, source } = await openSite(t)
  source.change('acme', { ...api({ prefix: '/' }), hosts: ['acme.example'] })
  const of = async (uri: string, host = 'api.example') =>
    statusOf(
      await ask({ 'ringfence-original-uri': uri, 'ringfence-original-host': host }, [bearer()]),
    )
  for (const uri of [
    '/mcp',
    '/mcp?a=1',
    '/%6dcp',
    '/%6Dc%70',
    '/.well-known/oauth-protected-resource',
  ]) {
    assert.equal(await of(uri, 'acme.example'), '403', uri)
  }
  assert.equal(await of('/t/acme/mcp'), '403')
  // On the platform's own host it names no tenant, before anything else.
  assert.equal(await of('/.well-known/oauth-protected-resource/t/acme/mcp'), '401')
  // To the gateway these are paths of services, too.
  for (const uri of ['/mcp/', '/MCP', '/mcp;x', '/x/mcp']) {
    assert.equal(await of(uri, 'acme.example'), '200', uri)
  }
})

test('guardrails that hold bodies to something keep another proxy out, with a body or without', async (t) => {
  const { ask, source, leaveOut } = await openSite(t)
  leaveOut('bodies-as-they-are')
  const rules: readonly GuardrailRule[] = [
    { kind: 'size', bytes: 10 },
    { kind: 'content-types', allow: ['application/json'] },
    { kind: 'pii', find: ['ssn'], action: 'redact' },
    { kind: 'pii', find: ['ssn'], action: 'block' },
  ]
  for (const rule of rules) {
    for (const direction of ['request', 'response'] as const) {
      source.platform({ guardrails: [{ ...guardrail(rule), direction }] })
      for (const change of [{}, WITH_A_BODY]) {
        assert.equal(statusOf(await ask(change, [bearer()])), '403', rule.kind)
      }
    }
  }
})

test('where bodies are only counted by what is in them, those go by that have none', async (t) => {
  const { ask, source } = await openSite(t)
  const of = async (change: Readonly<Record<string, string>>, more: readonly Field[] = []) =>
    statusOf(await ask(change, [bearer(), ...more]))
  source.platform({ guardrails: [flagging('request')] })
  assert.equal(await of({}), '200')
  assert.equal(await of({ 'ringfence-original-content-length': '0' }), '200')
  assert.equal(await of(WITH_A_BODY), '403')
  assert.equal(await of({ 'ringfence-original-content-length': '9' }), '403')
  assert.equal(await of({ 'ringfence-original-transfer-encoding': 'chunked' }), '403')
  // Any answer may have one.
  source.platform({ guardrails: [flagging('response')] })
  assert.equal(await of({}), '403')
  assert.equal(await of({ 'ringfence-original-method': 'HEAD' }), '403')
  source.platform({ guardrails: [flagging('both', 'another')] })
  assert.equal(await of(WITH_A_BODY), '200')
  // A tenant's own hold as the platform's do, and for this tenant alone.
  source.platform({ guardrails: [] })
  source.change('acme', { guardrails: [flagging('both')] })
  assert.equal(await of({}), '403')
  const other = await ask({ 'ringfence-original-uri': '/t/globex/clinic/x' }, [bearer('globex')])
  assert.equal(other.status, 200)
})

const DOCUMENT = JSON.stringify({
  openapi: '3.1.0',
  info: { title: 'x', version: '1' },
  paths: {
    '/x': {
      get: { operationId: 'read', responses: { 200: { description: 'x' } } },
      post: {
        operationId: 'write',
        requestBody: { content: { 'application/json': { schema: { type: 'object' } } } },
        responses: { 200: { description: 'x' } },
      },
    },
  },
})

test('of a described API those operations go by another proxy that take no body', async (t) => {
  const { ask, source } = await openSite(t)
  source.change('acme', api({ openapi: DOCUMENT }))
  const of = async (change: Readonly<Record<string, string>>) => {
    const uri = { 'ringfence-original-uri': '/t/acme/clinic/x' }
    return statusOf(await ask({ ...uri, ...change }, [bearer()]))
  }
  assert.equal(await of({}), '200')
  assert.equal(await of({ 'ringfence-original-content-length': '9' }), '400')
  assert.equal(await of({ 'ringfence-original-transfer-encoding': 'chunked' }), '400')
  assert.equal(await of(WITH_A_BODY), '403')
  assert.equal(await of({ 'ringfence-original-method': 'POST' }), '403')
})
