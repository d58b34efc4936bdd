import { TenantPool } from '../src/sdk/postgres/tenant-pool.ts'
import type { Scope } from '../src/core/lease.ts'
import { parseCellName, type TenantId } from '../src/core/tenant.ts'
import { LeaseCache, type LeaseOrder } from '../src/vending/lease-cache.ts'
import type { Bench, BenchContext, Row } from './bench.ts'
import { type Arena, openArena, plantTenants } from './support/arena.ts'
import { logIn, newWatch, queryOn, READ } from './support/last-answers.ts'
import { percentiles } from './support/statistics.ts'

const HOLDER = 'bench'

export const bench: Bench = {
  title: 'credentials: opened, handed out from the cache, rotated under load, revoked',
  async run(context) {
    const arena = await openArena({ directory: context.directory })
    try {
      const logins = await plantTenants(arena, 't', context.quick ? 30 : 300, 10)
      const tenants = logins.map((login) => login.tenant)
      return [
        ...(await opening(arena, tenants, context)),
        await fromCache(arena, tenants),
        ...(await rotation(arena, tenants.slice(0, 8), context)),
        ...(await revocation(arena, tenants.slice(0, context.quick ? 10 : 120), context)),
      ]
    } finally {
      await arena.close()
    }
  },
}

/** One after the other, as a vending process meets them for tenants that it does not know yet. */
async function opening(
  arena: Arena,
  tenants: readonly TenantId[],
  context: BenchContext,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const what of ['lease opened, new login', 'lease opened, login there before']) {
    context.say(what)
    const times: number[] = []
    for (const tenant of tenants) {
      const began = performance.now()
      await arena.boundary.lease(tenant, { scope: 'read', holder: HOLDER })
      times.push(performance.now() - began)
    }
    for (const tenant of tenants) await arena.boundary.revoke(tenant)
    const row = percentiles(times)
    rows.push({ what, unit: 'ms', ...row, aim: { text: 'p99 <= 10 ms', met: row.p99 <= 10 } })
  }
  return rows
}

async function fromCache(arena: Arena, tenants: readonly TenantId[]): Promise<Row> {
  const cache = cacheOf(arena)
  for (const tenant of tenants) await cache.get(orderOf(tenant, 'read', 900))
  const times: number[] = []
  for (let turn = 0; turn < 200; turn += 1) {
    for (const tenant of tenants) {
      const began = performance.now()
      await cache.get(orderOf(tenant, 'read', 900))
      times.push((performance.now() - began) * 1000)
    }
  }
  for (const tenant of tenants) await arena.boundary.revoke(tenant)
  const row = percentiles(times)
  const aim = { text: 'p99 <= 50 us', met: row.p99 <= 50 }
  return { what: 'lease from the cache', unit: 'us', ...row, aim }
}

/** Requests without a pause while leases of a few seconds follow one another. */
async function rotation(
  arena: Arena,
  tenants: readonly TenantId[],
  context: BenchContext,
): Promise<readonly Row[]> {
  const [ttlSeconds, seconds] = context.quick ? [6, 5] : [9, 45]
  context.say(`rotation for ${seconds} s, leases of ${ttlSeconds} s`)
  const cache = cacheOf(arena)
  const leases = new Set<string>()
  const pool = new TenantPool({
    sessionsMax: 64,
    lease: async (tenant) => {
      const { lease } = await cache.get(orderOf(tenant, 'write', ttlSeconds))
      leases.add(lease.lease_id)
      return lease
    },
  })
  const sweep = setInterval(() => {
    arena.boundary.sweep().catch(() => {})
  }, 1_000)
  const times: number[] = []
  const failures: unknown[] = []
  const end = performance.now() + seconds * 1000
  await Promise.all(
    tenants.map(async (tenant) => {
      for (let began = performance.now(); began < end; began = performance.now()) {
        try {
          await pool.use(tenant, (client) => client.query(READ))
          times.push(performance.now() - began)
        } catch (error) {
          failures.push(error)
        }
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
    }),
  )
  clearInterval(sweep)
  await pool.close()
  const count = { unit: '', n: times.length + failures.length }
  return [
    { what: 'query while leases rotate', unit: 'ms', ...percentiles(times) },
    { what: 'rotations under load', ...count, p50: leases.size - tenants.length },
    {
      what: 'failed queries while leases rotate',
      ...count,
      p50: failures.length,
      aim: { text: 'none', met: failures.length === 0 },
    },
  ]
}

/** How long after the call to revoke a session still got answers, or a login succeeded. */
async function revocation(
  arena: Arena,
  tenants: readonly TenantId[],
  context: BenchContext,
): Promise<readonly Row[]> {
  context.say('revocation')
  const workedOn: number[] = []
  const returned: number[] = []
  for (const tenant of tenants) {
    const lease = await arena.boundary.lease(tenant, { scope: 'write', holder: HOLDER })
    const watch = newWatch()
    const querying = await queryOn(lease.credential, watch)
    const loggingIn = logIn(lease.credential, watch)
    await new Promise((resolve) => setTimeout(resolve, 20))
    const began = performance.now()
    await arena.boundary.revoke(tenant, lease.lease_id)
    returned.push(performance.now() - began)
    await new Promise((resolve) => setTimeout(resolve, 20))
    watch.over = true
    await Promise.all([querying(), loggingIn])
    workedOn.push(Math.max(0, watch.lastSuccess - began))
  }
  return [
    { what: 'revoked, until the last answer or login', unit: 'ms', ...percentiles(workedOn) },
    { what: 'revoked, until revoke() returned', unit: 'ms', ...percentiles(returned) },
  ]
}

const CELL = parseCellName('bench')

function cacheOf(arena: Arena): LeaseCache {
  return new LeaseCache({ leaserOf: () => arena.boundary, end: () => {} })
}

function orderOf(tenant: TenantId, scope: Scope, seconds: number): LeaseOrder {
  return { tenant, cell: CELL, tier: 'pooled', scope, holder: HOLDER, seconds }
}
