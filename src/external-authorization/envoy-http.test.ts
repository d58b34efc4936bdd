import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  parseApiName,
  parseContractName,
  parseGuardrailName,
  parseUpstreamName,
} from '../core/names.ts'
import { answerOf, bearer, type Field, openSite, SECRET } from './authorizer.test-support.ts'

const SECRET_SAID: Field = ['ringfence-proxy-secret', SECRET]
/** What the generated Envoy says of an ordinary request. */
const SAID: readonly Field[] = [
  ['host', 'api.example'],
  ['ringfence-original-host', 'api.example'],
  ['ringfence-original-scheme', 'http'],
  ['ringfence-original-protocol', 'HTTP/1.1'],
  ['ringfence-original-address', '192.0.2.7'],
]
const PATH = '/envoy/t/acme/clinic/x?a=%2F'

test('Envoy is told over plain HTTP what to set and what to take away', async (t) => {
  const { askAsEnvoy } = await openSite(t)
  const heard = await askAsEnvoy({ method: 'DELETE', target: PATH }, [
    ...SAID,
    SECRET_SAID,
    bearer(),
    ['x-tenant-id', 'globex'],
    ['x-forwarded-proto', 'http'],
    ['accept', 'text/plain'],
  ])
  assert.equal(heard.status, 200)
  assert.match(answerOf(heard, 'ringfence-context') ?? '', /^ey/)
  // The query stays with Envoy.
  assert.equal(answerOf(heard, 'ringfence-path'), '/clinic/x')
  assert.match(answerOf(heard, 'ringfence-upstream') ?? '', /^clinic-[0-9a-f]{16}$/)
  assert.equal(answerOf(heard, 'forwarded'), 'for=192.0.2.7;proto=http;host="api.example"')
  const removed = (answerOf(heard, 'x-envoy-auth-headers-to-remove') ?? '').split(',')
  assert.ok(removed.includes('authorization') && removed.includes('x-tenant-id'))
  // Without it Envoy finds no route.
  assert.ok(!removed.includes('x-forwarded-proto') && !removed.includes('accept'))
})

test('a refusal over plain HTTP is what the gateway says', async (t) => {
  const { askAsEnvoy } = await openSite(t)
  const heard = await askAsEnvoy({ target: PATH }, [...SAID, SECRET_SAID])
  assert.equal(heard.status, 401)
  assert.equal(JSON.parse(heard.body).code, 'not_authenticated')
  assert.ok(answerOf(heard, 'www-authenticate'))
  const head = await askAsEnvoy({ method: 'HEAD', target: PATH }, [...SAID, SECRET_SAID])
  assert.equal(head.status, 401)
  assert.equal(head.body, '')
})

test('who asks without the secret, or not as Envoy asks, is told nothing', async (t) => {
  const { askAsEnvoy } = await openSite(t)
  const asked = [...SAID, SECRET_SAID, bearer()]
  const nothing = async (fields: readonly Field[], target = PATH) => {
    const { status, headers } = await askAsEnvoy({ target }, fields)
    assert.ok(status >= 400 && status !== 401 && status !== 403, `${status} ${target}`)
    assert.ok(headers.every(([name]) => !name.startsWith('ringfence-')))
  }
  await nothing([...SAID, bearer()])
  await nothing([...SAID, ['ringfence-proxy-secret', 'x'.repeat(34)], bearer()])
  await nothing([...asked, SECRET_SAID])
  for (const [name, value] of SAID.filter(([one]) => one.startsWith('ringfence-'))) {
    await nothing([...asked, [name, value]])
    if (!name.endsWith('-host')) await nothing(asked.filter(([one]) => one !== name))
  }
  for (const target of ['/envoy', '/envoyx/t/acme/clinic/x', '/', '/ENVOY/t/acme/clinic/x']) {
    await nothing(asked, target)
  }
})

test('the decision is about what Envoy says, and the path behind its own', async (t) => {
  const { askAsEnvoy, source } = await openSite(t)
  source.change('acme', { network: { allow: ['192.0.2.0/24'] } })
  const statusOf = async (change: Readonly<Record<string, string>>, target = PATH) => {
    const said = SAID.map(([name, value]): Field => [name, change[name] ?? value])
    const more = Object.entries(change).filter(([name]) => !SAID.some(([one]) => one === name))
    return (await askAsEnvoy({ target }, [...said, ...more, SECRET_SAID, bearer()])).status
  }
  assert.equal(await statusOf({}), 200)
  assert.equal(await statusOf({ 'ringfence-original-address': '198.51.100.7' }), 403)
  assert.equal(await statusOf({ 'ringfence-original-address': 'nobody' }), 403)
  assert.equal(await statusOf({ 'ringfence-original-host': 'globex.example' }), 401)
  assert.equal(await statusOf({ 'ringfence-original-scheme': 'https' }), 421)
  const handshake = { 'ringfence-original-scheme': 'https' }
  const named = (name: string) => ({ ...handshake, 'ringfence-original-server-name': name })
  assert.equal(await statusOf(named('api.example')), 200)
  assert.equal(await statusOf(named('globex.example')), 421)
  assert.equal(await statusOf({}, '/envoy/t/globex/clinic/x'), 401)
  assert.equal(await statusOf({}, '/envoy/t/acme/clinic/../x'), 400)
  assert.equal(await statusOf({}, '/envoy//t/acme/clinic/x'), 400)
})

test('where bodies are looked at, one that Envoy does not know of keeps it out', async (t) => {
  const { askAsEnvoy, source } = await openSite(t)
  source.change('acme', {
    contract: {
      name: parseContractName('own'),
      apis: [
        {
          name: parseApiName('clinic'),
          prefix: '/clinic',
          upstream: { of: 'platform', name: parseUpstreamName('clinic') },
          openapi: JSON.stringify({
            openapi: '3.1.0',
            info: { title: 'x', version: '1' },
            paths: { '/x': { get: { responses: { 200: { description: 'x' } } } } },
          }),
        },
      ],
    },
  })
  const statusOf = async (protocol: string, more: readonly Field[] = []) => {
    const said = SAID.filter(([name]) => !name.endsWith('-protocol'))
    const fields = [...said, ['ringfence-original-protocol', protocol] as const, ...more]
    const target = '/envoy/t/acme/clinic/x'
    return (await askAsEnvoy({ target }, [...fields, SECRET_SAID, bearer()])).status
  }
  assert.equal(await statusOf('HTTP/1.1'), 200)
  assert.equal(await statusOf('HTTP/2'), 403)
  assert.equal(await statusOf('HTTP/3'), 403)
  assert.equal(await statusOf('HTTP/2', [['ringfence-original-content-length', '0']]), 200)
  source.change('acme', {})
  assert.equal(await statusOf('HTTP/2'), 200)
})

test('what should arrive with another value than it came with keeps Envoy out', async (t) => {
  const { askAsEnvoy, source, leaveOut } = await openSite(t)
  // It has answers asked for without a coding.
  source.platform({
    guardrails: [
      {
        name: parseGuardrailName('counts'),
        direction: 'response',
        rules: [{ kind: 'pii', find: ['ssn'], action: 'flag' }],
      },
    ],
  })
  leaveOut('bodies-as-they-are')
  const ask = async (encoding: string) => {
    const fields: readonly Field[] = [['accept-encoding', encoding], SECRET_SAID, bearer()]
    return (await askAsEnvoy({ target: PATH }, [...SAID, ...fields])).status
  }
  assert.equal(await ask('gzip'), 403)
  assert.equal(await ask('identity'), 200)
  leaveOut('left-as-they-came')
  assert.equal(await ask('gzip'), 200)
})
