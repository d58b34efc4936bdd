import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { auditLedger } from '../../src/boundaries/postgres/leases/audit-ledger.test-support.ts'
import type { MoveStep } from '../../src/boundaries/postgres/move/move-steps.ts'
import { PostgresBoundary } from '../../src/boundaries/postgres/postgres-boundary.ts'
import { Silos } from '../../src/boundaries/postgres/silos.ts'
import { Site } from '../../src/boundaries/postgres/site.ts'
import {
  CUSTODIAN_PASSWORD,
  connected,
  NOTES,
  tenant,
  tenantOf,
  type TestSite,
  THROW_AWAY,
} from '../../src/boundaries/postgres/test-site.test-support.ts'
import { RingfenceError } from '../../src/core/errors.ts'
import { parseCellName, type TenantId, type Tier } from '../../src/core/tenant.ts'
import type { Order } from './process-at-work.fixture.ts'
import { killAt } from './victim.test-support.ts'

export interface MoveKill {
  readonly from: Tier
  readonly to: Tier
  /** The step after which the process is killed; without it, `laterMs` after it began. */
  readonly step?: MoveStep
  readonly laterMs?: number
  readonly point?: Extract<Order['point'], 'moving' | 'giving up a move'>
}

const ROWS = 300
let made = 0

/**
 * Kills a process that moves a tenant, and shows that the tenant is whole in one place, that it can be
 * used there, and that the next process finishes or undoes the move and leaves nothing of it.
 */
export async function killMove(place: TestSite, kill: MoveKill): Promise<void> {
  made += 1
  const name = `moved-${made}`
  const id = tenant(name)
  const silos = join(place.directory, 'silos')
  const texts = Array.from({ length: ROWS }, (_, n) => `note ${n}`).toSorted()
  await withBoundary(place, silos, async (boundary) => {
    await boundary.provision(tenantOf(name, kill.from))
    await use(boundary, name, async (write) => {
      await write('insert into notes.note (body) select unnest($1::text[])', [texts])
    })
  })
  const order = { to: kill.to, ...(kill.step === undefined ? {} : { step: kill.step }) }
  await killAt(kill.point ?? 'moving', place, name, kill.laterMs ?? 0, { ...order, silos })
  await withBoundary(place, silos, async (boundary) => {
    const whole = async () => {
      const { credential } = await readable(boundary, id)
      const client = await connected(credential)
      const { rows } = await client.query<{ body: string }>('select body from notes.note')
      await client.end()
      assert.deepEqual(rows.map(({ body }) => body).toSorted(), texts)
    }
    // The server notices only by and by that the killed process is gone.
    await whole()
    const before = (await boundary.find(id))?.tier
    const hasMoved = await boundary.abortMove(id).then(
      () => false,
      () => true,
    )
    if (hasMoved) await boundary.cutOver(id)
    await whole()
    const { probes } = await boundary.finishMove(id)
    assert.ok(probes.every(({ found }) => found === 0))
    assert.equal((await boundary.find(id))?.tier, before)
    assert.ok(before === kill.from || before === kill.to)
    await whole()
    await use(boundary, name, async (write) => {
      await write(`insert into notes.note (body) values ('works')`)
      await write(`delete from notes.note where false`).catch(() => {})
    })
    const findings = await boundary.inspect()
    assert.deepEqual(
      findings.filter(({ rule }) => /place|rows|move|login|lease|connect/.test(rule)),
      [],
    )
    await boundary.revoke(id)
    const { probes: erased } = await boundary.erase(id)
    assert.ok(erased.every(({ found }) => found === 0))
  })
  const ledger = await place.admin(place.names.custodyDatabase)
  assert.deepEqual(await auditLedger(ledger, place.names), [])
  const { rows } = await ledger.query<{ left: string }>(
    `select tenant_id as left from custody.move where tenant_id = $1
     union all select datname from pg_database d where d.datname ~ '^rf_[0-9a-f]{32}$'
       and not exists (select from custody.tenant t where t.database = d.datname)
     union all select rolname from pg_roles where rolname ~ '^rf_[0-9a-f]{32}_'`,
    [name],
  )
  await ledger.end()
  assert.deepEqual(rows, [], 'something is left')
}

/** A lease to read. A silo that is about to be left gives none for a few seconds. */
async function readable(boundary: PostgresBoundary, id: TenantId) {
  for (;;) {
    try {
      return await boundary.lease(id, { scope: 'read', holder: 'survivor' })
    } catch (error) {
      if (!(error instanceof RingfenceError && error.code === 'lease_denied')) throw error
      await sleep(100)
    }
  }
}

type Write = (sql: string, values?: readonly unknown[]) => Promise<unknown>

async function use(
  boundary: PostgresBoundary,
  name: string,
  work: (write: Write) => Promise<void>,
): Promise<void> {
  const lease = await boundary.lease(tenant(name), { scope: 'write', holder: 'survivor' })
  const client = await connected(lease.credential)
  try {
    await work((sql, values) => client.query(sql, values === undefined ? undefined : [...values]))
  } finally {
    await client.end()
    await boundary.revoke(tenant(name), lease.lease_id)
  }
}

/** The cell as one process has it, which lets go of its silos in the end. */
async function withBoundary<T>(
  place: TestSite,
  directory: string,
  work: (boundary: PostgresBoundary) => Promise<T>,
): Promise<T> {
  const { cluster, names } = place
  const site = Site.attach({
    cluster,
    names,
    application: NOTES,
    custodianPassword: CUSTODIAN_PASSWORD,
    exclusive: true,
    bridges: true,
  })
  const silos = new Silos({ directory, names, application: NOTES, settings: THROW_AWAY })
  const boundary = new PostgresBoundary({ cell: parseCellName('test-cell'), site, silos })
  try {
    return await work(boundary)
  } finally {
    await boundary.close()
  }
}
