import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  startTestSite,
  tenant,
  type TestSite,
} from '../../src/boundaries/postgres/test-site.test-support.ts'
import { type CellHost, hostCell } from '../../src/cells/cell-host.ts'
import { remoteBoundary } from '../../src/cells/remote-boundary.ts'
import {
  type ControlSite,
  EU,
  jane,
  STANDARD,
  startControlSite,
} from '../../src/control/control-site.test-support.ts'
import type { OpenControlPlane } from '../../src/control/open-control-plane.ts'
import type { Finding } from '../../src/core/finding.ts'
import { parseCellName } from '../../src/core/tenant.ts'
import type { Action } from './control-actions.test-support.ts'
import { arrange, finish, killProcess } from './control-kills.test-support.ts'

/** How long after a move has begun its process is killed at the latest, in milliseconds. */
const LATEST_MS = 600
/** Of each tenant that moves. */
const ROWS = 500

let cell: TestSite
let host: CellHost
let site: ControlSite
let survivor: OpenControlPlane
/** What inspection has to say of a test's server before anything has happened. */
let findings: readonly Finding[]

before(async () => {
  cell = await startTestSite({ bridges: true })
  host = await hostCell({
    boundary: cell.boundary,
    keeper: join(cell.directory, 'keeper.sock'),
    leaser: join(cell.directory, 'leaser.sock'),
  })
  findings = await cell.boundary.inspect()
  site = await startControlSite()
  const boundary = remoteBoundary(host.keeper, 'postgres', ['pooled', 'bridge'])
  survivor = await site.open({
    executorId: 'survivor',
    deadAfterMs: 1_000,
    ports: { ...site.ports, cells: { boundaries: async () => [boundary] } },
  })
  const { catalogue } = survivor
  const name = parseCellName('test-cell')
  await catalogue.putCell({ name, region: EU, capacity: 1_000, open: true }, jane)
  await catalogue.putPlan(
    {
      name: STANDARD,
      tiers: ['pooled', 'bridge'],
      requestsPerMinute: 600,
      leasesPerMinute: 60,
      leaseSecondsMax: 900,
      approval: false,
    },
    jane,
  )
})
after(async () => {
  await site?.stop()
  await host?.close()
  await cell?.stop()
})

async function countOf(id: string): Promise<number> {
  const client = await cell.login(id)
  const { rows } = await client.query<{ count: number }>(
    'select count(*)::int as count from notes.note',
  )
  await client.end()
  await cell.boundary.revoke(tenant(id))
  return rows[0]?.count ?? 0
}

async function killed(action: Action, id: string, killAt: number | undefined): Promise<void> {
  await arrange(survivor, action, id)
  if (action === 'move') {
    const client = await cell.login(id)
    await client.query(
      `insert into notes.note (body) select 'n' || n from generate_series(1, ${ROWS}) n`,
    )
    await client.end()
    await cell.boundary.revoke(tenant(id))
  }
  const order = { action, tenant: id, points: 'ports', keeper: host.keeper } as const
  if (killAt === undefined) await killProcess(site, order, Math.random() * LATEST_MS)
  else await killProcess(site, { ...order, killAt })
  await finish(survivor, action, id)
}

/** At which points control processes are killed; undefined is a moment that nobody chose. */
export type Kills = Readonly<
  Record<'onboard' | 'move' | 'offboard', readonly (number | undefined)[]>
>

/** Kills control processes at work on a real cell, and looks for what is half or left. */
export function killOnRealCell(kills: Kills): void {
  let victim = 0
  for (const killAt of kills.onboard) {
    test(`killed at point ${killAt} of an onboarding, the tenant is active in a real cell`, async () => {
      const id = `made-${(victim += 1)}`
      await killed('onboard', id, killAt)
      assert.equal((await survivor.tenants.get(tenant(id))).status, 'active')
      assert.equal(await countOf(id), 0)
    })
  }
  for (const killAt of kills.move) {
    test(`killed at ${killAt === undefined ? 'any moment' : `point ${killAt}`} of a move, the tenant is whole in one place`, async () => {
      const id = `moved-${(victim += 1)}`
      await killed('move', id, killAt)
      const view = await survivor.tenants.get(tenant(id))
      assert.deepEqual([view.status, view.tier], ['active', 'bridge'])
      assert.equal((await cell.boundary.find(tenant(id)))?.tier, 'bridge')
      assert.equal(await countOf(id), ROWS)
    })
  }
  for (const killAt of kills.offboard) {
    test(`killed at point ${killAt} of an offboarding, the tenant is gone`, async () => {
      const id = `gone-${(victim += 1)}`
      await killed('offboard', id, killAt)
      assert.equal((await survivor.tenants.get(tenant(id))).status, 'erased')
      assert.equal(await cell.boundary.find(tenant(id)), undefined)
    })
  }
  test(
    'nothing of what was killed is left: no database, no login, no lease, no finding',
    nothingIsLeft,
  )
}

async function nothingIsLeft(): Promise<void> {
  const admin = await cell.admin()
  const known = new Set<string>()
  for (const { id } of await site.ask<{ id: string }>('select id from registry.tenant')) {
    const found = await cell.boundary.find(tenant(id))
    if (found !== undefined) known.add(found.database)
    const leases = await cell.boundary.leases(tenant(id))
    const live = leases.filter(({ ended_at }) => ended_at === undefined)
    assert.deepEqual(live, [], id)
  }
  const { rows } = await admin.query<{ name: string }>(
    `select datname as name from pg_database where not datistemplate and datname <> 'postgres'`,
  )
  const { custodyDatabase, pooledDatabase, templateDatabase } = cell.names
  for (const one of [custodyDatabase, pooledDatabase, templateDatabase]) known.add(one)
  assert.deepEqual(
    rows.map(({ name }) => name).filter((name) => !known.has(name)),
    [],
  )
  const open = await admin.query(
    'select rolname from pg_roles where rolcanlogin and rolvaliduntil > now()',
  )
  assert.deepEqual(open.rows, [])
  assert.deepEqual(await cell.boundary.inspect(), findings)
}
