import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, test } from 'node:test'
import type { PostgresCredential } from '../src/boundaries/postgres/postgres-boundary.ts'
import {
  opens,
  startTestSite,
  type TestSite,
} from '../src/boundaries/postgres/test-site.test-support.ts'
import { parseSubject } from '../src/core/names.ts'
import { parseCellName, parseTenantId } from '../src/core/tenant.ts'
import { openDoor, tokenOf } from '../src/gateway/door.test-support.ts'
import { revocationSite } from '../src/revocation/revocation-site.test-support.ts'
import { until } from '../src/core/until.test-support.ts'
import { ask, contextOf, openWorld } from '../src/vending/world.test-support.ts'

/** A revocation in the control database, and what becomes of access at the gateway and at an engine. */
let site: TestSite

before(async () => {
  site = await startTestSite()
  for (const tenant of ['acme', 'globex']) await site.provision(tenant)
})
after(() => site?.stop())

test('one committed revocation ends a user’s requests, contexts, lease and database sessions; others work on', async (t) => {
  const control = await revocationSite(t)
  const atGateway = await control.follow()
  const atVending = await control.follow()
  await Promise.all([atGateway.ready(), atVending.ready()])
  const door = await openDoor(t, { revocations: atGateway })
  const world = await openWorld({ leaserOf: () => site.boundary, revocations: atVending })
  t.after(() => world.close())
  for (const tenant of ['acme', 'globex']) {
    world.configuration.change(tenant, { cell: parseCellName('test-cell') })
  }
  const iat = Math.floor(Date.now() / 1000) - 5
  const claims = { sub: 'ann', sid: 'ann-1', jti: 'ann-token', iat }
  const origin = { id: 'ann-token', client: 'web', issuedAt: new Date(iat * 1000) }
  const context = { subject: parseSubject('ann'), session: 'ann-1', origin }
  const lease = async (tenant: string) => {
    const fields = { scope: 'write', subject_token: await contextOf(tenant, context) }
    const response = await ask(world, { fields })
    return { status: response.status, data: ((await response.json()) as Given).data }
  }

  // ann at acme, and her namesake at globex.
  const [acme, globex] = [await lease('acme'), await lease('globex')]
  const [session, namesake] = [await site.connect(acme.data), await site.connect(globex.data)]
  const status = async (tenant: string) =>
    (await door.ask({ path: `/t/${tenant}/clinic/x`, token: tokenOf(tenant, claims) })).status
  assert.deepEqual([await status('acme'), await status('globex')], [200, 200])
  const streaming = streamOf(door.port, tokenOf('acme', claims))
  await until(() => door.upstream.hanging.length === 1)

  await control.publish({
    kind: 'subject',
    tenant: parseTenantId('acme'),
    id: parseSubject('ann'),
    at: new Date(),
  })
  assert.equal(await streaming, 'cut off')
  await until(async () => (await status('acme')) === 401)
  await until(async () => !(await opens(acme.data)))
  await world.vending.settled()
  await assert.rejects(session.query('select 1'))
  assert.equal((await lease('acme')).status, 400)

  assert.equal(await status('globex'), 200)
  await namesake.query('select 1')
  assert.equal((await lease('globex')).status, 200)
})

interface Given {
  readonly data: PostgresCredential
}

/** How an answer that takes long ends. */
function streamOf(port: number, token: string): Promise<'whole' | 'cut off'> {
  return new Promise((resolve) => {
    const sending = request({
      ...{ port, host: '127.0.0.1', path: '/t/acme/clinic/drip', agent: false },
      headers: { host: 'api.example', authorization: `Bearer ${token}` },
    })
    sending.on('error', () => resolve('cut off'))
    sending.on('response', (response) => {
      response.resume()
      response.on('end', () => resolve('whole'))
      response.on('error', () => resolve('cut off'))
    })
    sending.end()
  })
}
