import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GrantConfig } from '../contracts/grant.ts'
import { parseApiName, parseGrantId, parseSubject } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import { linesOf } from '../journal/lines-of.test-support.ts'
import { usageEventSchema } from '../usage/usage-event.ts'
import { ask, contextOf, given, openWorld, type World } from './world.test-support.ts'

const SOURCE = '/ringfence/vending/v1'
const GLOBEX = parseTenantId('globex')

const used = (world: World) =>
  linesOf(world.directory)
    .filter(({ kind }) => kind === 'usage')
    .map(({ value }) => usageEventSchema.parse(value))

test('a lease is used once, when it is made, and by nobody when it is refused', async (t) => {
  const world = await openWorld({ usageSource: SOURCE })
  t.after(() => world.close())
  const { lease_id } = await given(ask(world))
  await given(ask(world))
  await ask(world, { fields: { subject_token: await contextOf('initech') } })
  const [event, ...more] = used(world)
  assert.deepEqual(more, [])
  assert.equal(event?.id, lease_id)
  assert.equal(event?.source, SOURCE)
  assert.equal(event?.type, 'dev.ringfence.lease')
  assert.equal(event?.tenantid, 'acme')
  assert.equal(event?.subject, 'alice')
  const { seconds, ...data } = event?.data ?? {}
  assert.ok(Number(seconds) > 0)
  assert.deepEqual(data, {
    ...{ workload: 'clinic-web', service: 'clinic', scope: 'read', cell: 'eu-west-1' },
    ...{ kind: 'request', tier: 'pooled' },
  })
})

test('a lease under a grant is used by the side that pays', async (t) => {
  const world = await openWorld({ usageSource: SOURCE })
  t.after(() => world.close())
  const id = parseGrantId('gr-0123456789abcdefghijkl')
  const grant: GrantConfig = {
    ...{ id, grantee: GLOBEX, subject: parseSubject('gina'), scopes: ['read'] },
    ...{ apis: [parseApiName('clinic')], actions: ['read'], resources: ['/'] },
    notBefore: new Date(Date.now() - 60_000).toISOString(),
    expires: new Date(Date.now() + 600_000).toISOString(),
    bills: 'grantee',
  }
  world.configuration.change('acme', { grants: [grant] })
  const subject_token = await contextOf('acme', {
    subject: parseSubject(`grant:${id}`),
    scopes: ['read'],
    billed: GLOBEX,
    actor: { issuer: 'https://id.test/realms/globex', subject: parseSubject('gina') },
    delegation: {
      grant: id,
      grantee: GLOBEX,
      source: { id: 'token-1', client: 'app', issuedAt: new Date() },
    },
  })
  await given(ask(world, { fields: { subject_token } }))
  const [event] = used(world)
  assert.equal(event?.tenantid, GLOBEX)
  assert.equal(event?.tenantcontextid, 'acme')
  assert.equal(event?.grantid, id)
})
