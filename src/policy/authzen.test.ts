import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import { parseServiceName, parseSubject } from '../core/names.ts'
import type { Configuration } from '../snapshot/snapshot.ts'
import { authzenApp, METADATA_PATH } from './authzen.ts'
import { DecisionPoint } from './decision-point.ts'
import {
  ACME,
  assertion,
  billingAssertion,
  CLINIC_STORE,
  configurationOf,
  context,
  DECISIONS,
  GLOBEX,
  keys,
  published,
  stranger,
} from './policy-site.test-support.ts'

const URL_OF = 'https://decisions.example/'
const SEEN = '2024-01-01T00:00:00Z'
const record = (owner: string, more: object = {}) => ({
  type: 'Clinic::Record',
  id: '17',
  properties: { owner: { type: 'User', id: owner }, seen: SEEN, ...more },
})
const question = (more: object = {}) => ({
  subject: { type: 'user', id: 'ada' },
  action: { name: 'sign' },
  resource: record('ada'),
  ...more,
})

const acmeStore = published(CLINIC_STORE, ACME)

describe('decisions for services', () => {
  let configuration: Configuration
  let isRevoked: () => boolean
  let lines: string[]
  const point = new DecisionPoint({
    audience: DECISIONS,
    configuration: () => configuration,
    revocations: { revokes: () => isRevoked() },
  })
  const app = authzenApp(point, { url: URL_OF, log: (line) => lines.push(line) })

  beforeEach(() => {
    configuration = configurationOf({ acme: acmeStore })
    isRevoked = () => false
    lines = []
  })

  interface With {
    readonly path?: string
    readonly token?: string
    readonly by?: string
  }

  async function ask(body: unknown, { path = 'evaluation', token, by }: With = {}) {
    const response = await app.request(`/access/v1/${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${by ?? (await assertion())}`,
        'ringfence-context': token ?? (await context(ACME)),
        'x-request-id': 'x-1',
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const answer: unknown = await response.json()
    return { status: response.status, answer, headers: response.headers }
  }

  const decides = async (body: unknown, how: With = {}) => (await ask(body, how)).answer

  test('say where they are had', async () => {
    const response = await app.request(METADATA_PATH)
    assert.deepEqual(await response.json(), {
      policy_decision_point: URL_OF,
      access_evaluation_endpoint: `${URL_OF}access/v1/evaluation`,
      access_evaluations_endpoint: `${URL_OF}access/v1/evaluations`,
    })
  })

  test('allow what a policy permits, and nothing else', async () => {
    const { status, answer, headers } = await ask(question())
    assert.deepEqual([status, answer], [200, { decision: true }])
    assert.equal(headers.get('x-request-id'), 'x-1')
    assert.deepEqual(await decides(question({ resource: record('bob') })), { decision: false })
    assert.deepEqual(await decides(question({ action: { name: 'burn' } })), { decision: false })
    const [line = ''] = lines
    assert.deepEqual(JSON.parse(line).policies, ['tenant/owners-sign'])
  })

  test('are by roles within roles, and by what the resource is in', async () => {
    const north = { ...record('bob'), parents: [{ type: 'Clinic::Ward', id: 'north-7' }] }
    const token = await context(ACME, { roles: ['director'] })
    assert.deepEqual(await decides(question({ resource: north }), { token }), { decision: true })
    assert.deepEqual(await decides(question({ resource: north })), { decision: false })
    const south = { ...north, parents: [{ type: 'Clinic::Ward', id: 'south' }] }
    assert.deepEqual(await decides(question({ resource: south }), { token }), { decision: false })
  })

  test('are by the roles that hold where the resource is', async () => {
    const resource = { ...record('bob'), parents: [{ type: 'Clinic::Ward', id: 'north' }] }
    const token = await context(ACME, { placedRoles: ['chief@ward/north', '!chief@ward/north/9'] })
    const at = (place: string) => decides(question({ resource: { ...resource, place } }), { token })
    assert.deepEqual(await at('ward/north/7'), { decision: true })
    assert.deepEqual(await at('ward/north/9'), { decision: false })
    assert.deepEqual(await at('ward/northern'), { decision: false })
  })

  test('read attributes as the schema has them', async () => {
    const inside = record('ada', { from: '10.1.2.3' })
    assert.deepEqual(await decides(question({ resource: inside })), { decision: true })
    const outside = record('ada', { from: '192.0.2.1' })
    assert.deepEqual(await decides(question({ resource: outside })), { decision: false })
    const wrong = record('ada', { from: 7 })
    assert.deepEqual(await decides(question({ resource: wrong })), { decision: false })
  })

  test('take time and sign-in from the token, whatever the service says of it', async () => {
    const later = record('ada', { seen: '2999-01-01' })
    const said = { time: '3000-01-01' }
    assert.deepEqual(await decides(question({ resource: later, context: said })), {
      decision: false,
    })
  })

  test("a tenant in the body changes nothing: whose policies decide is the context's word", async () => {
    const elsewhere = { tenant: 'acme', tenant_id: 'acme' }
    const token = await context(GLOBEX)
    const other = question({ ...elsewhere, context: elsewhere, resource: record('ada', elsewhere) })
    assert.deepEqual(await decides(other, { token }), {
      decision: false,
      context: { reason: 'no_policies' },
    })
    const named = {
      ...record('ada'),
      id: 'acme/17',
      properties: { owner: { __entity: { type: 'User', id: 'acme/ada' } }, seen: SEEN },
    }
    configuration = configurationOf({ acme: acmeStore, globex: acmeStore })
    assert.deepEqual(await decides(question({ resource: named }), { token }), { decision: false })
  })

  test('a subject that the context is not about is denied', async () => {
    const bob = { subject: { type: 'user', id: 'bob' }, resource: record('bob') }
    assert.deepEqual(await decides(question(bob)), { decision: false })
  })

  test('the platform forbids above every store', async () => {
    const text = 'forbid(principal, action, resource) when { principal.subject == "ada" };'
    configuration = configurationOf({ acme: acmeStore }, [{ id: 'not-ada', text }])
    assert.deepEqual(await decides(question()), { decision: false })
    assert.deepEqual(JSON.parse(lines[0] ?? '').policies, ['platform/not-ada'])
  })

  test('a store that cannot be read denies', async () => {
    configuration = configurationOf({ acme: { ...acmeStore, parsed: '{}' } })
    assert.deepEqual(await decides(question()), { decision: false })
  })

  test('several are asked at once, each as if alone', async () => {
    const asked = {
      subject: { type: 'user', id: 'ada' },
      action: { name: 'sign' },
      evaluations: [
        { resource: record('ada') },
        { resource: record('bob') },
        { resource: record('ada') },
      ],
    }
    const [yes, no] = [{ decision: true }, { decision: false }]
    const path = 'evaluations'
    assert.deepEqual(await decides(asked, { path }), { evaluations: [yes, no, yes] })
    const until = (evaluations_semantic: string) =>
      decides({ ...asked, options: { evaluations_semantic } }, { path })
    assert.deepEqual(await until('deny_on_first_deny'), { evaluations: [yes, no] })
    assert.deepEqual(await until('permit_on_first_permit'), { evaluations: [yes] })
    assert.deepEqual(await decides(question(), { path }), yes)
  })

  test('whoever does not show who it is, or for whom, gets one and the same answer', async () => {
    const used = await assertion()
    await ask(question(), { by: used })
    const attempts: readonly With[] = [
      { by: 'x' },
      { by: used },
      { by: await assertion({ key: stranger }) },
      { by: await assertion({ audience: 'ringfence-vending' }) },
      // A context for another service than the workload's own.
      { by: await billingAssertion() },
      { token: 'x' },
      { token: await context(ACME, {}, stranger) },
      { token: await context(ACME, { service: parseServiceName('billing') }) },
      { token: await context('initech' as typeof ACME) },
    ]
    const answers = await Promise.all(attempts.map((how) => ask(question(), how)))
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [401])
    assert.equal(new Set(answers.map(({ answer }) => JSON.stringify(answer))).size, 1)
  })

  test('what was revoked is asked nothing, and where that cannot be known nobody is', async () => {
    isRevoked = () => true
    assert.equal((await ask(question())).status, 401)
    isRevoked = () => {
      throw new RingfenceError('revocations_unknown', 'wait')
    }
    assert.equal((await ask(question())).status, 503)
  })

  test('what is no question is refused', async () => {
    for (const body of [
      '{',
      '{"subject":{},"subject":{}}',
      {},
      question({ resource: { type: 'Record', id: '1' } }),
      question({ resource: { type: 'User', id: 'ada' } }),
      question({ resource: record('ada', { weight: 1.5 }) }),
      question({ resource: record('ada', { owner: null }) }),
    ]) {
      assert.equal((await ask(body)).status, 400, JSON.stringify(body))
    }
  })

  test('work without a user asks as itself', async () => {
    const job = { kind: 'job' as const, subject: parseSubject('nightly') }
    const token = await context(ACME, job, keys.jobKey)
    const asked = question({ subject: { type: 'user', id: 'nightly' } })
    assert.deepEqual(await decides(asked, { token }), { decision: false })
  })
})
