import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import type { TenantId } from '../../core/tenant.ts'
import { signWebhook, type WebhookSecret } from '../approvals/standard-webhooks.ts'
import { ACME, type Answered, type Call, TestApi } from './api-client.test-support.ts'
import { MEMORY_WEBHOOK_SECRET } from './memory-workflows.test-support.ts'
import { GRANT_CALLS } from './memory-grants.test-support.ts'
import { furnishObjects, OBJECT_CALLS } from './object-calls.test-support.ts'
import { furnishRealm, REALM_CALLS } from './realm-calls.test-support.ts'
import { RingfenceError } from '../../core/errors.ts'
import { OPERATOR_SCOPES } from '../control-plane.ts'

interface Operation {
  readonly operationId: string
  readonly security: readonly Record<string, readonly string[]>[]
  readonly responses: Record<string, { content?: Record<string, { schema: object }> }>
}

interface Document {
  readonly openapi: string
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { readonly schemas: Record<string, object> }
}

interface Fixture {
  readonly api: TestApi
  readonly token: string
  readonly workflow: string
  readonly approval: string
  readonly lease: string
  readonly person: string
  readonly support: string
}

/** One call of each operation that succeeds, on a plane where it can. */
const CALLS: Readonly<
  Record<string, (fixture: Fixture) => [string, Call] | Promise<[string, Call]>>
> = {
  ...GRANT_CALLS,
  getHealth: () => ['/healthz', {}],
  getReadiness: () => ['/readyz', {}],
  listTenants: () => ['/v1/tenants?limit=1', {}],
  createTenant: () => ['/v1/tenants', { body: { ...ACME, id: 'newcomer', hosts: ['a.example'] } }],
  getTenant: () => ['/v1/tenants/acme', {}],
  updateTenant: () => ['/v1/tenants/acme', { body: { display_name: 'Acme' } }],
  getTenantHistory: () => ['/v1/tenants/acme/history', {}],
  suspendTenant: () => ['/v1/tenants/acme/suspension', { body: { why: 'unpaid' } }],
  resumeTenant: () => ['/v1/tenants/acme/resumption', { body: {} }],
  moveTenant: () => ['/v1/tenants/acme/move', { body: { to: 'bridge' } }],
  exportTenant: () => ['/v1/tenants/acme/export', { body: {} }],
  cancelTenantWorkflow: () => ['/v1/tenants/busy/cancellation', { body: {} }],
  deleteTenant: () => ['/v1/tenants/acme?purge=true&why=contract%20ended', {}],
  getReceipt: () => ['/v1/tenants/gone/receipt', {}],
  listLeases: () => ['/v1/tenants/acme/leases', {}],
  revokeTenantLeases: () => ['/v1/tenants/acme/leases', {}],
  revokeLease: ({ lease }) => [`/v1/tenants/acme/leases/${lease}`, {}],
  revokeWorkloadLeases: () => ['/v1/workloads/clinic-web/leases', {}],
  listWorkflows: () => ['/v1/workflows?limit=1', {}],
  getWorkflow: ({ workflow }) => [`/v1/workflows/${workflow}`, {}],
  watchWorkflow: ({ workflow }) => [`/v1/workflows/${workflow}/events`, {}],
  listApprovals: () => ['/v1/approvals', {}],
  getApproval: ({ approval }) => [`/v1/approvals/${approval}`, {}],
  decideApproval: ({ approval, api }) => [
    `/v1/approvals/${approval}/decision`,
    { body: { approve: true, comment: 'fine' }, token: api.plane.operator('second') },
  ],
  receiveDecision: ({ approval }) => {
    const data = { approval, approve: true, decided_by: 'pat' }
    const body = JSON.stringify({ type: 'approval.decided', data })
    const secret = MEMORY_WEBHOOK_SECRET as WebhookSecret
    return ['/v1/approvals/webhook', { body, headers: signWebhook([secret], 'msg_1', body) }]
  },
  listCells: () => ['/v1/cells', {}],
  putCell: () => ['/v1/cells/eu-west-1', { body: { region: 'eu-west', capacity: 5, open: false } }],
  listPlans: () => ['/v1/plans', {}],
  putPlan: () => [
    '/v1/plans/gold',
    {
      body: {
        tiers: ['silo'],
        requests_per_minute: 1,
        leases_per_minute: 1,
        lease_seconds_max: 60,
        approval: true,
      },
    },
  ],
  listOperators: () => ['/v1/operators', {}],
  createOperator: () => ['/v1/operators', { body: { name: 'ci', scopes: ['tenants:read'] } }],
  revokeOperator: ({ api }) => {
    api.plane.operator('leaver')
    return ['/v1/operators/leaver', {}]
  },
  listPeople: () => ['/v1/people', {}],
  getPerson: ({ person }) => [`/v1/people/${person}`, {}],
  invitePerson: () => [
    '/v1/people',
    { body: { email: 'bob@example.com', display_name: 'Bob', roles: ['viewer'] } },
  ],
  setPersonRoles: ({ person }) => [
    `/v1/people/${person}/roles`,
    { body: { roles: ['viewer', 'approver'] } },
  ],
  removePerson: ({ person }) => [`/v1/people/${person}`, {}],
  getSignIn: () => ['/v1/sign-in', {}],
  getCaller: () => ['/v1/caller', {}],
  getFourEyes: () => ['/v1/four-eyes', {}],
  replaceKeys: () => ['/v1/tenants/acme/keys', { body: { compromised: true } }],
  revokeEverything: () => ['/v1/revocations/everything', { body: { why: 'keys were stolen' } }],
  listSupport: () => ['/v1/support?tenant=acme', {}],
  getSupport: ({ support }) => [`/v1/support/${support}`, {}],
  requestSupport: () => [
    '/v1/support',
    { body: { tenant: 'acme', seconds: 1800, reason: 'ticket 4711' } },
  ],
  endSupport: ({ support }) => [`/v1/support/${support}/end`, { body: { why: 'done' } }],
  revokeSupport: ({ support }) => [
    `/v1/support/${support}/revocation`,
    { body: { why: 'not needed' } },
  ],
  issueSupportContext: ({ support }) => [
    `/v1/support/${support}/context`,
    { body: { seconds: 60 } },
  ],
  issueSupportToken: ({ support }) => [`/v1/support/${support}/token`, { body: {} }],
  getSupportPolicy: () => ['/v1/tenants/acme/support-policy', {}],
  putSupportPolicy: () => ['/v1/tenants/acme/support-policy', { body: { policy: 'never' } }],
  ...REALM_CALLS,
  ...OBJECT_CALLS,
  issueJobContexts: () => [
    '/v1/job-contexts',
    {
      body: {
        job: 'nightly-report',
        service: 'clinic',
        scopes: ['read'],
        seconds: 60,
        reason: 'the nightly report',
      },
    },
  ],
}

async function fixture(): Promise<Fixture> {
  const api = new TestApi()
  const token = api.plane.operator('first')
  furnishRealm(api.plane)
  await furnishObjects(api.plane)
  const done = async (id: string, more: object = {}): Promise<string> => {
    const made = await api.call('POST', '/v1/tenants', { token, body: { ...ACME, id, ...more } })
    assert.equal(made.status, 202, made.text)
    return finish(api, made)
  }
  const workflow = await done('acme')
  await done('busy')
  await api.call('POST', '/v1/tenants/busy/move', { token, body: { to: 'silo' } })
  await done('gone')
  finish(api, await api.call('DELETE', '/v1/tenants/gone?purge=true', { token }))
  const asked = { ...ACME, id: 'careful', plan: 'regulated' }
  await api.call('POST', '/v1/tenants', { token, body: asked })
  const [approval] = api.plane.approvalsById.keys()
  assert.ok(approval)
  const asking = { tenant: 'acme', seconds: 600, reason: 'ticket 1' }
  const support = await api.call('POST', '/v1/support', { token, body: asking })
  const carol = { email: 'carol@example.com', display_name: 'Carol', roles: ['operator'] }
  const person = await api.call('POST', '/v1/people', { token, body: carol })
  return {
    ...{ api, token, workflow, approval },
    lease: api.plane.lease('acme' as TenantId),
    support: String(support.body.id),
    person: String(person.body.subject),
  }
}

function finish(api: TestApi, { body }: Answered): string {
  const id = String(body.id)
  for (let steps = 0; steps < 10; steps += 1) api.plane.step(id)
  return id
}

async function servedDocument(api: TestApi): Promise<Document> {
  return JSON.parse((await api.call('GET', '/v1/openapi.json')).text)
}

/** The document's schema as a check that also refuses fields that it does not name. */
function checker(document: Document, schema: object): z.ZodType {
  const closed = JSON.parse(
    JSON.stringify({ ...schema, $defs: document.components.schemas }).replaceAll(
      '#/components/schemas/',
      '#/$defs/',
    ),
    (_key, value: unknown) =>
      typeof value === 'object' && value !== null && 'properties' in value
        ? { additionalProperties: false, ...value }
        : value,
  )
  return z.fromJSONSchema(closed)
}

function assertDocumented(document: Document, operation: Operation, answer: Answered): void {
  const what = `${operation.operationId} answered ${answer.status}: ${answer.text.slice(0, 300)}`
  const response = operation.responses[String(answer.status)]
  assert.ok(response, `not a documented status: ${what}`)
  if (response.content === undefined) return assert.equal(answer.text, '', what)
  const type = answer.headers.get('content-type')?.split(';')[0] ?? ''
  const media = response.content[type]
  assert.ok(media, `${type} is not documented: ${what}`)
  if (!type.endsWith('json')) return
  const judged = checker(document, media.schema).safeParse(JSON.parse(answer.text))
  assert.ok(judged.success, `${what}\n${judged.error?.message}`)
}

const document = await servedDocument(new TestApi())
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    path,
    method: method.toUpperCase(),
    operation,
  })),
)

describe('the served document and the handlers say the same', () => {
  test('it is OpenAPI 3.1, and its operations are those that are tried below', () => {
    assert.equal(document.openapi, '3.1.0')
    const ids = operations.map(({ operation }) => operation.operationId)
    assert.deepEqual(ids.toSorted(), Object.keys(CALLS).toSorted())
  })

  test('every route is documented, and every documented route exists', () => {
    const routes = new TestApi().app.routes
      .filter(({ method, path }) => method !== 'ALL' && path !== '/v1/openapi.json')
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
    const documented = operations.map(({ method, path }) => `${method} ${path}`)
    assert.deepEqual([...new Set(routes)].toSorted(), documented.toSorted())
  })

  test('the comparison can fail: a field too many, one too few, a status that is not named', async () => {
    const made = await fixture()
    const answer = await made.api.call('GET', '/v1/tenants/acme', { token: made.token })
    const operation = document.paths['/v1/tenants/{tenant}']?.get
    assert.ok(operation)
    assertDocumented(document, operation, answer)
    const { revision: _revision, ...fewer } = answer.body
    for (const body of [{ ...answer.body, secret: 'x' }, fewer, { ...answer.body, tier: 'gold' }]) {
      const changed = { ...answer, text: JSON.stringify(body) }
      assert.throws(() => assertDocumented(document, operation, changed))
    }
    assert.throws(() => assertDocumented(document, operation, { ...answer, status: 201 }))
  })

  for (const { path, method, operation } of operations) {
    const { operationId } = operation
    const open = operation.security.length === 0

    test(`${operationId}: its success is as documented`, async () => {
      const made = await fixture()
      const recipe = CALLS[operationId]
      assert.ok(recipe)
      const [target, call] = await recipe(made)
      const answer = await made.api.call(method, target, { token: made.token, ...call })
      assert.ok(answer.status < 300, `${method} ${target}: ${answer.status} ${answer.text}`)
      assertDocumented(document, operation, answer)
      assert.equal(answer.headers.get('cache-control'), 'no-store')
      if (answer.status === 202) {
        const followed = answer.headers.get('location') ?? ''
        assert.equal((await made.api.call('GET', followed, { token: made.token })).status, 200)
      }
    })

    if (!open) {
      test(`${operationId}: refuses without a token, with a wrong one, and without the scope`, async () => {
        const made = await fixture()
        const [target, call] = (await CALLS[operationId]?.(made)) ?? ['', {}]
        const { token: _token, headers: _headers, ...bare } = call
        for (const headers of [
          {},
          { authorization: 'Bearer rfo_wrong' },
          { authorization: 'Basic cm9vdDpyb290' },
          { authorization: 'Bearer ' },
        ]) {
          const before = made.api.plane.acts.length
          const answer = await made.api.call(method, target, { ...bare, headers })
          assert.equal(answer.status, 401, `${operationId} ${JSON.stringify(headers)}`)
          assertDocumented(document, operation, answer)
          assert.equal(made.api.plane.acts.length, before)
        }
        const needed = operation.security.flatMap(({ operator }) => operator ?? [])
        if (needed.length === 0) return
        const weak = made.api.plane.operator(
          'weak',
          OPERATOR_SCOPES.filter((scope) => !needed.includes(scope)),
        )
        const answer = await made.api.call(method, target, { ...bare, token: weak })
        assert.equal(answer.status, 403)
        assert.match(answer.headers.get('www-authenticate') ?? '', /insufficient_scope/)
        assertDocumented(document, operation, answer)
      })

      test(`${operationId}: trouble behind it is told as documented, and no more of it`, async () => {
        const made = await fixture()
        const [target, call] = (await CALLS[operationId]?.(made)) ?? ['', {}]
        for (const [trouble, status] of [
          [new RingfenceError('engine_unavailable', 'away', { detail: 'planted-detail' }), 503],
          [new RingfenceError('timed_out', 'took too long'), 504],
          [new TypeError('planted-detail at /srv/x.ts:1'), 500],
        ] as const) {
          made.api.plane.trouble = trouble
          const answer = await made.api.call(method, target, { token: made.token, ...call })
          assert.equal(answer.status, status)
          assertDocumented(document, operation, answer)
          assert.doesNotMatch(answer.text, /planted-detail|\.ts:/)
          assert.equal(answer.headers.get('retry-after'), status === 503 ? '1' : null)
        }
        assert.match(made.api.logged.join('\n'), /planted-detail/)
      })
    }

    if (path.includes('{')) {
      test(`${operationId}: what is not there and what cannot be are refused as documented`, async () => {
        const made = await fixture()
        const [, call] = (await CALLS[operationId]?.(made)) ?? ['', {}]
        for (const name of ['nowhere', '..%2Facme', "a'%20or%201=1--", '%00', 'A'.repeat(200)]) {
          const target = path.replaceAll(/\{\w+\}/g, name)
          const answer = await made.api.call(method, target, { token: made.token, ...call })
          if (name !== 'nowhere') assert.ok([400, 404].includes(answer.status), answer.text)
          assert.ok(answer.status < 500, `${target}: ${answer.status}`)
          if (answer.status !== 404) assertDocumented(document, operation, answer)
        }
      })
    }
  }
})
