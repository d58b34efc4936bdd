import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  parseApiName,
  parseContractName,
  parseGuardrailName,
  parseUpstreamName,
} from '../core/names.ts'
import {
  AUDIENCE,
  ChangingSource,
  contextKey,
  tenantConfig,
  tokenOf,
} from '../gateway/door.test-support.ts'
import { gateway } from '../gateway/gateway.ts'
import { MemoryRevocations } from '../revocation/memory-revocations.test-support.ts'
import { samplePlatform } from '../snapshot/sample.test-support.ts'
import type { TenantConfig } from '../snapshot/snapshot.ts'
import { type Heard, Wire } from '../strikes/wire.ts'
import { openAuthorizer } from './authorizer.ts'

const SECRET = 'a-secret-of-the-tests-0123456789ab'

type Field = readonly [string, string]

/** An authorizer, asked as nginx asks, with fields in the place of its own and besides. */
async function openSite(t: TestContext, remembered = false) {
  const directory = await mkdtemp(join(tmpdir(), 'rf-authorizer-'))
  const source = new ChangingSource({ ...samplePlatform, audience: AUDIENCE }, [
    tenantConfig('acme'),
    tenantConfig('globex'),
  ])
  const door = gateway({
    source,
    revocations: new MemoryRevocations(),
    contextKey,
    log: () => undefined,
  })
  const left = new Set<string>()
  const listening = await openAuthorizer({
    // A test leaves out some of them.
    decide: (question) =>
      door.decide({ ...question, also: question.also.filter((one) => !left.has(one.name)) }),
    listen: { socket: join(directory, 'authorizer') },
    secret: SECRET,
    remembered,
  })
  t.after(async () => {
    await listening.close()
    door.close()
    await rm(directory, { recursive: true, force: true })
  })
  const wire = new Wire()
  return {
    source,
    leaveOut: (name: string) => void left.add(name),
    ask: (
      change: Readonly<Record<string, string>>,
      more: readonly Field[] = [],
    ): Promise<Heard> => {
      const fields = { ...QUESTION, ...change }
      return wire.ask(
        { path: join(directory, 'authorizer') },
        {
          target: '/nginx',
          headers: [...Object.entries(fields).filter(([, value]) => value !== ''), ...more],
        },
      )
    },
  }
}

const QUESTION: Readonly<Record<string, string>> = {
  host: 'authorizer',
  'ringfence-proxy-secret': SECRET,
  'ringfence-original-method': 'GET',
  'ringfence-original-uri': '/t/acme/clinic/x?a=1',
  'ringfence-original-host': 'api.example',
  'ringfence-original-scheme': 'http',
  'ringfence-original-address': '192.0.2.7',
  'ringfence-original-request-id': '0'.repeat(32),
}
const bearer = (tenant = 'acme'): Field => ['authorization', `Bearer ${tokenOf(tenant)}`]
const answerOf = ({ headers }: Heard, name: string) => headers.find(([one]) => one === name)?.[1]

test('a request that may go on is given its context, its way and its upstream', async (t) => {
  const { ask } = await openSite(t)
  const heard = await ask({}, [bearer()])
  assert.equal(heard.status, 200)
  assert.match(answerOf(heard, 'ringfence-context') ?? '', /^ey/)
  assert.equal(answerOf(heard, 'ringfence-path'), '/clinic/x?a=1')
  assert.match(answerOf(heard, 'ringfence-upstream') ?? '', /^clinic-[0-9a-f]{16}$/)
  assert.equal(
    answerOf(heard, 'ringfence-forwarded'),
    'for=192.0.2.7;proto=http;host="api.example"',
  )
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
    return heard.status === 200 ? '200' : answerOf(heard, 'ringfence-status')
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

/** What only the gateway can do, each noticed by the check that refuses it here. */
const ONLY_BY_GATEWAY: Readonly<
  Record<string, (site: Awaited<ReturnType<typeof openSite>>) => Promise<Heard>>
> = {
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
  'fields-as-decided': ({ ask }) =>
    ask({}, [bearer(), ['ringfence-original-connection', 'cookie'], ['cookie', 'a=1']]),
}

for (const [name, run] of Object.entries(ONLY_BY_GATEWAY)) {
  test(`${name}: another proxy does not serve it, and would without the check`, async (t) => {
    const refused = await run(await openSite(t))
    assert.equal(answerOf(refused, 'ringfence-status'), '403')
    const careless = await openSite(t)
    careless.leaveOut(name)
    assert.equal((await run(careless)).status, 200)
  })
}

test('what the gateway answers itself is not passed on', async (t) => {
  const { ask } = await openSite(t)
  const heard = await ask({ 'ringfence-original-uri': '/t/acme/mcp' }, [bearer()])
  assert.equal(answerOf(heard, 'ringfence-status'), '403')
})

test('guardrails that must see bodies keep another proxy out', async (t) => {
  const { ask, source } = await openSite(t)
  source.platform({
    guardrails: [
      {
        name: parseGuardrailName('size'),
        direction: 'both',
        rules: [{ kind: 'size', bytes: 10 }],
      },
    ],
  })
  const heard = await ask({}, [bearer()])
  assert.equal(answerOf(heard, 'ringfence-status'), '403')
})
