import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { RingfenceError } from '../core/errors.ts'
import type { Scope } from '../core/lease.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import {
  leaseAnswer,
  SERVICE,
  startTestPlatform,
  tenantNamed,
  type TestAnswer,
  type TestExchange,
  type TestPlatform,
} from './platform.test-support.ts'
import { Ringfence } from './ringfence.ts'
import type { VerifiedContext } from './verified-context.ts'

const HARBOR = tenantNamed('harbor')
const NORTHMERE = tenantNamed('northmere')
/** Leads nowhere: whoever gets it learns that no server answers. */
const NOWHERE = {
  ...{ host: '/nowhere', port: 5432, database: 'd', user: 'u', password: 'p4ssw0rd' },
}
const nothing = async () => 'reached'

let platform: TestPlatform
let ringfence: Ringfence
let answer: (exchange: TestExchange) => TestAnswer | Promise<TestAnswer>
const exchanges = () => platform.calls.filter(({ path }) => path === '/v1/token')
const formOf = (body: string | undefined) => new URLSearchParams(body)

beforeEach(async () => {
  answer = () => leaseAnswer('lease-1', 900, NOWHERE)
  platform = await startTestPlatform({
    lease: (exchange) => answer(exchange),
    tenants: () => [HARBOR, NORTHMERE],
  })
  ringfence = new Ringfence({ ...platform.options, leaseMsMax: 2_000 })
})
afterEach(async () => {
  await ringfence.close()
  await platform.close()
})

const verified = async (...changes: Parameters<TestPlatform['context']>) =>
  ringfence.verify(await platform.context(...changes))

describe('a context', () => {
  test('that looks verified but is not opens nothing, and vending is not asked', async () => {
    const context = await verified(HARBOR)
    const other = new Ringfence(platform.options)
    const forgeries: Record<string, unknown> = {
      'a literal': { ...context, tenant: NORTHMERE },
      'a copy': { ...context },
      'a clone': structuredClone({ ...context }),
      'an heir': Object.create(context),
      'one of another instance': await other.verify(await platform.context(HARBOR)),
      'a tenant’s id': 'northmere',
      'a token': await platform.context(HARBOR),
      nothing: undefined,
    }
    for (const [what, forgery] of Object.entries(forgeries)) {
      await assert.rejects(
        ringfence.withTenant(forgery as VerifiedContext, nothing),
        { code: 'invalid_token' },
        what,
      )
    }
    await other.close()
    assert.equal(exchanges().length, 0)
  })

  test('cannot be changed after it was verified', async () => {
    const context = await verified(HARBOR, { scopes: ['read'] })
    assert.throws(() => Object.assign(context, { tenant: NORTHMERE }), TypeError)
    assert.throws(() => (context.scopes as Scope[]).push('write'), TypeError)
    assert.throws(() => Object.defineProperty(context, 'tenant', { value: NORTHMERE }), TypeError)
    await assert.rejects(ringfence.withTenant(context, nothing, { scope: 'write' }), {
      code: 'forbidden',
    })
    assert.equal(exchanges().length, 0)
  })

  test('that has expired since it was verified opens nothing, though a lease is in hand', async (t) => {
    const context = await verified(HARBOR, {}, 30)
    await assert.rejects(ringfence.withTenant(context, nothing), { code: 'engine_unavailable' })
    assert.equal(exchanges().length, 1)
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 31_000 })
    await assert.rejects(ringfence.withTenant(context, nothing), { code: 'invalid_token' })
  })

  test('shows no token to whoever prints it', async () => {
    const token = await platform.context(HARBOR)
    const context = await ringfence.verify(token)
    const shown = inspect(context, { depth: 9, showHidden: true }) + JSON.stringify(context)
    assert.ok(!shown.includes(token.split('.')[2] ?? token))
  })

  test('signed with a key that came into the file just now is accepted', async () => {
    await verified(HARBOR)
    const key = await SigningKey.create('ES256')
    await assert.rejects(verified(HARBOR, {}, 60, key), { code: 'invalid_token' })
    await writeFile(
      platform.options.contextKeys,
      JSON.stringify({ request: [key.publicJwk], job: [] }),
    )
    assert.equal((await verified(HARBOR, {}, 60, key)).tenant, HARBOR)
    await assert.rejects(verified(HARBOR), { code: 'invalid_token' })
  })
})

describe('an exchange', () => {
  test('is an OAuth token exchange, authenticated anew each time, in the trace of the request', async () => {
    const token = await platform.context(HARBOR)
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    for (const scope of ['read', 'write'] as const) {
      const context = await ringfence.verify(token, { traceparent, tracestate: 'a=b' })
      await assert.rejects(ringfence.withTenant(context, nothing, { scope }), {
        code: 'engine_unavailable',
      })
    }
    const [first, second] = exchanges()
    const { client_assertion: assertion, ...form } = Object.fromEntries(formOf(first?.body))
    assert.deepEqual(form, {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      scope: 'read',
    })
    assert.equal(formOf(second?.body).get('scope'), 'write')
    assert.notEqual(formOf(second?.body).get('client_assertion'), assertion)
    assert.match(
      String(first?.headers['traceparent']),
      /^00-4bf92f3577b34da6a3ce929d0e0e4736-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$/,
    )
    assert.equal(first?.headers['tracestate'], 'a=b')
  })

  test('is repeated when vending is busy, not before it says, and then succeeds', async () => {
    const times: number[] = []
    answer = () => {
      times.push(performance.now())
      if (times.length === 1) return { status: 503, body: {} }
      if (times.length === 2) return { status: 429, body: {}, headers: { 'retry-after': '1' } }
      return leaseAnswer('lease-1', 900, NOWHERE)
    }
    const context = await verified(HARBOR)
    await assert.rejects(ringfence.withTenant(context, nothing), { code: 'engine_unavailable' })
    assert.equal(times.length, 3)
    assert.ok((times[2] ?? 0) - (times[1] ?? 0) >= 990)
  })

  test('is given up at once when vending says to wait longer than there is time', async () => {
    answer = () => ({ status: 429, body: {}, headers: { 'retry-after': '60' } })
    await assert.rejects(ringfence.withTenant(await verified(HARBOR), nothing), {
      code: 'rate_limited',
    })
    assert.equal(exchanges().length, 1)
  })

  test('that vending refuses is not repeated, and says whose fault it is', async () => {
    for (const [error, code] of [
      ['invalid_grant', 'invalid_token'],
      ['invalid_scope', 'forbidden'],
      ['unauthorized_client', 'forbidden'],
      ['invalid_client', 'internal'],
      ['made_up', 'internal'],
    ] as const) {
      answer = () => ({ status: error === 'invalid_client' ? 401 : 400, body: { error } })
      const before = exchanges().length
      await assert.rejects(ringfence.withTenant(await verified(HARBOR), nothing), { code }, error)
      assert.equal(exchanges().length, before + 1, error)
    }
  })

  test('that gives no usable lease fails without a word of what it gave', async () => {
    for (const body of [
      'not JSON',
      { lease_id: 'x', lease_duration: 900, renewable: true },
      { lease_id: 'x', lease_duration: -1, renewable: true, data: NOWHERE },
      { lease_id: '', lease_duration: 900, renewable: true, data: NOWHERE },
      { lease_id: 'x', lease_duration: 900, renewable: true, data: { ...NOWHERE, port: '5432' } },
    ]) {
      answer = () => ({ status: 200, body })
      await assert.rejects(ringfence.withTenant(await verified(HARBOR), nothing), (error) => {
        assert.doesNotMatch(inspect(error, { depth: 9 }), /p4ssw0rd/)
        return true
      })
    }
  })

  test('serves later requests of the tenant, once their own contexts were verified', async () => {
    const use = async (context: VerifiedContext) =>
      assert.rejects(ringfence.withTenant(context, nothing), { code: 'engine_unavailable' })
    await use(await verified(HARBOR))
    await use(await verified(HARBOR, { requestId: 'another' }))
    assert.equal(exchanges().length, 1)
    await use(await verified(NORTHMERE))
    assert.equal(exchanges().length, 2)
    assert.equal(ringfence.stats().leases, 2)
  })

  test('is repeated for a lease whose server is not there any more: the tenant may have moved', async (t) => {
    const context = await verified(HARBOR)
    const use = () =>
      assert.rejects(ringfence.withTenant(context, nothing), { code: 'engine_unavailable' })
    await use()
    assert.equal(exchanges().length, 1)
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 3_000 })
    answer = () => leaseAnswer('lease-2', 900, { ...NOWHERE, host: '/elsewhere' })
    await use()
    await use()
    assert.equal(exchanges().length, 2)
  })

  test('that waits ends when the service closes', async () => {
    answer = () => ({ status: 503, body: {}, headers: { 'retry-after': '1' } })
    const waiting = assert.rejects(ringfence.withTenant(await verified(HARBOR), nothing), {
      code: 'engine_unavailable',
    })
    while (exchanges().length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await ringfence.close()
    await waiting
  })
})

describe('a job', () => {
  const request = { job: 'nightly-report', reason: 'the morning mail', scopes: ['read'] as const }

  test('asks for contexts by the workload’s own identity, and reports each tenant', async () => {
    const report = await ringfence.forEachTenant(request, nothing)
    assert.deepEqual([report.done, report.failed], [0, 2])
    const call = platform.calls.find(({ path }) => path === '/v1/job-contexts')
    const { client_assertion: assertion, ...asked } = JSON.parse(call?.body ?? '') as Record<
      string,
      unknown
    >
    assert.deepEqual(asked, {
      ...request,
      ...{ service: SERVICE, seconds: 900 },
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    })
    assert.match(String(assertion), /^[\w-]+\.[\w-]+\.[\w-]+$/)
    const tokens = exchanges().map(({ body }) => formOf(body).get('subject_token') ?? '')
    assert.equal(new Set(tokens).size, 2)
    const traces = platform.calls.map(({ headers }) => headers['traceparent']?.slice(0, 35))
    assert.equal(new Set(traces).size, 1, 'the whole run is one trace')
  })

  test('asks anew for a tenant whose context ran out before its turn', async (t) => {
    let seconds = 1
    const late = await startTestPlatform({
      lease: () => leaseAnswer('lease-1', 900, NOWHERE),
      tenants: () => [HARBOR],
      jobSeconds: () => seconds,
    })
    const service = new Ringfence(late.options)
    t.after(async () => {
      await service.close()
      await late.close()
    })
    const { jobKey } = late
    const sign = jobKey.sign.bind(jobKey)
    t.mock.method(jobKey, 'sign', (typ: string, claims: Record<string, unknown>) => {
      if (seconds === 900) return sign(typ, claims)
      seconds = 900
      const past = Math.floor(Date.now() / 1000) - 100
      return sign(typ, { ...claims, iat: past, exp: past + 1 })
    })
    await service.forEachTenant(request, nothing)
    const asked = late.calls.filter(({ path }) => path === '/v1/job-contexts')
    assert.deepEqual(
      asked.map(({ body }) => (JSON.parse(body) as { tenants?: string[] }).tenants),
      [undefined, ['harbor']],
    )
    assert.equal(late.calls.filter(({ path }) => path === '/v1/token').length, 1)
  })

  test('fails when the control plane does not answer', async () => {
    const service = new Ringfence({
      ...platform.options,
      control: { address: 'http://127.0.0.1:1', audience: 'x' },
      leaseMsMax: 100,
    })
    await assert.rejects(service.forEachTenant(request, nothing), { code: 'engine_unavailable' })
    await service.close()
  })

  test('does not work with a context that is not a job’s, or not of the tenant that was named', async (t) => {
    for (const token of [
      () => platform.context(HARBOR),
      () => platform.context(NORTHMERE, { kind: 'job' }, 60, platform.jobKey),
    ]) {
      const odd = await startTestPlatform({
        lease: () => leaseAnswer('lease-1', 900, NOWHERE),
        tenants: () => [HARBOR],
        jobToken: token,
      })
      const service = new Ringfence({
        ...odd.options,
        contextKeys: {
          request: [platform.requestKey.publicJwk],
          job: [platform.jobKey.publicJwk],
        },
      })
      t.after(async () => {
        await service.close()
        await odd.close()
      })
      const { outcomes } = await service.forEachTenant(request, nothing)
      const [outcome] = outcomes
      assert.ok(outcome?.state === 'failed')
      assert.ok(outcome.error instanceof RingfenceError && outcome.error.code === 'invalid_token')
      assert.ok(!odd.calls.some(({ path }) => path === '/v1/token'))
    }
  })

  test('that the control plane refuses says so', async () => {
    await assert.rejects(ringfence.forEachTenant({ ...request, reason: '' }, nothing), {
      code: 'invalid_argument',
    })
  })

  test('needs the address of the control plane', async () => {
    const { control: _, ...options } = platform.options
    const service = new Ringfence(options)
    await assert.rejects(service.forEachTenant(request, nothing), { code: 'invalid_argument' })
    await service.close()
  })
})

test('the environment of a process makes the same service', async () => {
  const service = Ringfence.fromEnvironment({}, platform.environment)
  const context = await service.verify(await platform.context(HARBOR))
  await assert.rejects(service.withTenant(context, nothing), { code: 'engine_unavailable' })
  assert.equal(exchanges().length, 1)
  await service.close()
})

test('a workload’s key that cannot be read is refused without a word of what is in the file', async () => {
  await writeFile(platform.options.contextKeys.replace('context', 'broken'), '{"d":"s3cret')
  const clientKey = platform.options.contextKeys.replace('context', 'broken')
  const service = new Ringfence({ ...platform.options, clientKey })
  const context = await service.verify(await platform.context(HARBOR))
  await assert.rejects(service.withTenant(context, nothing), (error) => {
    assert.doesNotMatch(inspect(error, { depth: 9 }), /s3cret/)
    return true
  })
  await service.close()
})
