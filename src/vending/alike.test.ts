import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { parseServiceName } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import {
  ask,
  assertionOf,
  type Asked,
  contextOf,
  given,
  KEYS,
  openWorld,
  type World,
} from './world.test-support.ts'

let world: World
before(async () => {
  world = await openWorld()
})
after(() => world.close())

/** All that a caller can see of an answer, without what is different in every one. */
async function seen(asked: Asked): Promise<unknown> {
  const response = await ask(world, asked)
  const headers = Object.fromEntries(
    [...response.headers].filter(([name]) => name !== 'x-request-id' && name !== 'ratelimit'),
  )
  return { status: response.status, headers, body: await response.text() }
}

async function allAlike(cases: Readonly<Record<string, () => Promise<Asked>>>): Promise<unknown> {
  const answers = new Map<string, unknown>()
  for (const [what, asked] of Object.entries(cases)) answers.set(what, await seen(await asked()))
  const [first] = answers.values()
  for (const [what, answer] of answers) assert.deepEqual(answer, first, what)
  return first
}

const field = async (name: string, value: string | Promise<string>): Promise<Asked> => ({
  fields: { [name]: await value },
})

describe('one answer', () => {
  test('for an unknown client, another client’s key, another audience and a replay', async () => {
    const used = await assertionOf()
    await given(ask(world, { fields: { client_assertion: used } }))
    const answer = await allAlike({
      unknown: () => field('client_assertion', assertionOf('nobody', KEYS.stranger)),
      'wrong key': () => field('client_assertion', assertionOf('clinic-web', KEYS.stranger)),
      audience: () => field('client_assertion', assertionOf('clinic-web', KEYS.web, 'x')),
      replay: () => field('client_assertion', used),
      'client id': async () => ({ fields: { client_id: 'billing-web' } }),
    })
    assert.deepEqual((answer as { body: string }).body, '{"error":"invalid_client"}')
  })

  test('for a forged context, another service’s, and one of a tenant that is not there or suspended', async () => {
    const answer = await allAlike({
      forged: () => field('subject_token', contextOf('acme', { key: KEYS.stranger })),
      'forged for a tenant that is not there': () =>
        field('subject_token', contextOf('nobody', { key: KEYS.stranger })),
      'other service': () =>
        field('subject_token', contextOf('acme', { service: parseServiceName('billing') })),
      'not there': () => field('subject_token', contextOf('nobody')),
      suspended: () => field('subject_token', contextOf('initech')),
      revoked: () => {
        const tenant = parseTenantId('acme')
        world.revocations.revoke({ kind: 'session', tenant, id: 'gone', at: new Date() })
        return field('subject_token', contextOf('acme', { session: 'gone' }))
      },
    })
    assert.deepEqual((answer as { body: string }).body, '{"error":"invalid_grant"}')
  })

  for (const path of ['/v1/leases/revoke', '/v1/leases/renew']) {
    test(`at ${path} for a lease that is not there, another tenant’s and another workload’s`, async () => {
      const client_assertion = await assertionOf('clinic-report', KEYS.report)
      const workloads = await given(ask(world, { fields: { client_assertion } }))
      const subject_token = await contextOf('globex')
      const tenants = await given(ask(world, { fields: { subject_token } }))
      const naming = (lease_id: string) => async () => ({ path, fields: { lease_id } })
      await allAlike({
        absent: naming(crypto.randomUUID()),
        'another tenant’s': naming(tenants.lease_id),
        'another workload’s': naming(workloads.lease_id),
        'of no form of ours': naming('../../etc'),
      })
      const live = world.leaser.live().map(({ lease_id }): string => lease_id)
      assert.ok(live.includes(tenants.lease_id) && live.includes(workloads.lease_id))
    })
  }
})
