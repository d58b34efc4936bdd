import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTenantId } from '../core/tenant.ts'
import { delegated, GRANT, grantOf, PATIENTS } from '../gateway/grant-attacks.test-support.ts'
import {
  answerOf,
  bearer,
  type Field,
  openSite,
  QUESTION,
  SECRET,
} from './authorizer.test-support.ts'
import { UsageSeal } from './usage-seal.ts'

test('a request that may go on is given its context, its way and its upstream', async (t) => {
  const { ask } = await openSite(t)
  const heard = await ask({}, [bearer()])
  assert.equal(heard.status, 200)
  assert.match(answerOf(heard, 'ringfence-context') ?? '', /^ey/)
  assert.equal(answerOf(heard, 'path'), '/clinic/x?a=1')
  assert.match(answerOf(heard, 'upstream') ?? '', /^clinic-[0-9a-f]{16}$/)
  assert.equal(answerOf(heard, 'forwarded'), 'for=192.0.2.7;proto=http;host="api.example"')
})

test('whoever has not the secret is not told anything, not even that he has no token', async (t) => {
  const { ask } = await openSite(t)
  for (const secret of ['', 'x', SECRET.slice(1), `${SECRET}x`, SECRET.toUpperCase()]) {
    const { status, headers } = await ask({ 'ringfence-proxy-secret': secret }, [bearer()])
    assert.equal(status, 400)
    assert.ok(headers.every(([name]) => !name.startsWith('ringfence-')))
  }
  const twice = await ask({}, [bearer(), ['ringfence-proxy-secret', SECRET]])
  assert.equal(twice.status, 400)
})

test('what only nginx says is there once, or nothing is answered', async (t) => {
  const { ask } = await openSite(t)
  for (const name of Object.keys(QUESTION).filter((one) => one.startsWith('ringfence-original'))) {
    const twice = await ask({}, [bearer(), [name, QUESTION[name] ?? '']])
    assert.equal(twice.status, 400, name)
    // Of a host there may be none, as in HTTP/1.0: that is refused as the gateway refuses it.
    const none = await ask({ [name]: '' }, [bearer()])
    assert.equal(none.status, name.endsWith('-host') ? 403 : 400, name)
  }
})

test('the decision is about the request, whatever the question itself looks like', async (t) => {
  const { ask, source } = await openSite(t)
  source.change('acme', { network: { allow: ['192.0.2.0/24'] } })
  const of = async (change: Readonly<Record<string, string>>, more: readonly Field[] = []) => {
    const heard = await ask(change, [bearer(), ...more])
    return heard.status === 200 ? '200' : answerOf(heard, 'status')
  }
  assert.equal(await of({}), '200')
  assert.equal(await of({ 'ringfence-original-address': '198.51.100.7' }), '403')
  assert.equal(await of({ 'ringfence-original-uri': '/t/globex/clinic/x' }), '401')
  assert.equal(await of({ 'ringfence-original-host': 'globex.example' }), '401')
  assert.equal(await of({ 'ringfence-original-uri': '/t/acme/clinic/..%2fx' }), '400')
  assert.equal(await of({ 'ringfence-original-method': 'TRACE' }), '400')
  assert.equal(await of({ 'ringfence-original-scheme': 'https' }), '421')
  assert.equal(await of({}, [['authorization', 'Bearer x']]), '401')
  assert.equal(
    await of({}, [
      ['ringfence-original-content-length', '9'],
      ['ringfence-original-transfer-encoding', 'chunked'],
    ]),
    '400',
  )
  assert.equal(
    await of({}, [
      ['ringfence-original-connection', 'close, cookie'],
      ['cookie', 'a=1'],
    ]),
    '403',
  )
})

test('a decision is for a moment only where it is asked for, and where it can be', async (t) => {
  const remembering = await openSite(t, true)
  const { ask, source } = remembering
  const life = async (change = {}, more: readonly Field[] = []) =>
    answerOf(await ask(change, [bearer(), ...more]), 'x-accel-expires')
  assert.equal(await life(), '1')
  assert.equal(await life({ 'ringfence-original-method': 'POST' }), '0')
  assert.equal(await life({ 'ringfence-original-content-length': '1' }), '0')
  assert.equal(answerOf(await ask({}), 'x-accel-expires'), '0')
  source.change('acme', {
    limits: [{ kind: 'rate', name: 'each', per: 'user', requests: 9, seconds: 60 }],
  })
  assert.equal(await life(), '0')
  const { ask: askFresh } = await openSite(t)
  assert.equal(answerOf(await askFresh({}, [bearer()]), 'x-accel-expires'), '0')
})

test('what a request is for usage the decision alone says, whatever its caller says beside it', async (t) => {
  const { ask, askAsEnvoy, source } = await openSite(t)
  const seal = new UsageSeal(SECRET)
  const globex = seal.seal({ tenantid: parseTenantId('globex'), data: { api: 'clinic' } })
  const forged: readonly Field[] = [
    ['ringfence-usage', globex],
    ['x-request-id', 'mine'],
    ['x-tenant-id', 'globex'],
  ]
  const own = {
    tenantid: 'acme',
    subject: 'ann',
    data: { api: 'clinic', method: 'GET', cost: 1, upstream: 'clinic', client: 'web' },
  }
  const usedOf = (heard: Awaited<ReturnType<typeof ask>>) => {
    const said = heard.headers.filter(([name]) => name === 'ringfence-usage')
    assert.equal(said.length, 1)
    return seal.open(said[0]?.[1] ?? '')
  }
  assert.deepEqual(usedOf(await ask({}, [bearer(), ...forged])), own)
  const asked = { target: '/envoy/t/acme/clinic/x' }
  const said: readonly Field[] = [
    ...Object.entries(QUESTION).filter(([name]) => !/-(?:method|uri|request-id)$/.test(name)),
    ['ringfence-original-protocol', 'HTTP/1.1'],
  ]
  assert.deepEqual(usedOf(await askAsEnvoy(asked, [...said, bearer(), ...forged])), own)
  // Under a grant it is the side that pays.
  source.change('acme', { grants: [grantOf({ bills: 'grantee', resources: ['/clinic'] })] })
  const heard = await ask({ 'ringfence-original-uri': PATIENTS }, [
    ['authorization', `Bearer ${delegated()}`],
    ...forged,
  ])
  const { tenantid, tenantcontextid, grantid } = usedOf(heard) ?? {}
  assert.deepEqual([tenantid, tenantcontextid, grantid], ['globex', 'acme', GRANT])
  // What is refused uses nothing.
  const refused = await ask({}, forged)
  assert.equal(answerOf(refused, 'ringfence-usage'), undefined)
})
