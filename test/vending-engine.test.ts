import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  opens,
  startTestSite,
  type TestSite,
} from '../src/boundaries/postgres/test-site.test-support.ts'
import type { PostgresCredential } from '../src/boundaries/postgres/postgres-boundary.ts'
import { parseCellName } from '../src/core/tenant.ts'
import { ask, contextOf, openWorld, type World } from '../src/vending/world.test-support.ts'

/** Vending on a real server: what it hands out opens sessions there, and what it takes away does not. */
let site: TestSite
let world: World

before(async () => {
  site = await startTestSite()
  for (const tenant of ['acme', 'globex']) await site.provision(tenant)
  world = await openWorld({ leaserOf: () => site.boundary })
  for (const tenant of ['acme', 'globex']) {
    world.configuration.change(tenant, { cell: parseCellName('test-cell') })
  }
})
after(async () => {
  await world?.close()
  await site?.stop()
})

interface Given {
  readonly lease_id: string
  readonly data: PostgresCredential
}

async function lease(tenant: string, scope = 'write'): Promise<Given> {
  const response = await ask(world, { fields: { scope, subject_token: await contextOf(tenant) } })
  assert.equal(response.status, 200)
  return (await response.json()) as Given
}

test('a context is exchanged for a login that sees its own tenant’s rows and no other’s', async () => {
  for (const tenant of ['acme', 'globex']) {
    const client = await site.connect((await lease(tenant)).data)
    await client.query('insert into notes.note (body) values ($1)', [`of ${tenant}`])
    const { rows } = await client.query<{ body: string }>('select body from notes.note')
    assert.deepEqual(
      rows.map(({ body }) => body),
      [`of ${tenant}`],
    )
  }
})

test('a revoked lease opens nothing any more when the answer is there', async () => {
  const { lease_id, data } = await lease('acme', 'read')
  assert.equal(await opens(data), true)
  const fields = { lease_id }
  assert.equal((await ask(world, { path: '/v1/leases/revoke', fields })).status, 200)
  assert.equal(await opens(data), false)
})

test('a suspended tenant’s sessions end and its logins open nothing; another tenant works on', async () => {
  const [acme, globex] = [await lease('acme'), await lease('globex')]
  const session = await site.connect(acme.data)
  world.configuration.change('acme', { status: 'suspended' })
  await world.vending.settled()
  await assert.rejects(session.query('select 1'))
  assert.equal(await opens(acme.data), false)
  assert.equal(await opens(globex.data), true)
  world.configuration.change('acme', { status: 'active' })
  assert.equal(await opens((await lease('acme')).data), true)
})
