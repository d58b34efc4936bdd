import type pg from 'pg'
import { TenantPool } from '../src/sdk/postgres/tenant-pool.ts'
import type { LeaseId } from '../src/core/lease.ts'
import type { TenantId } from '../src/core/tenant.ts'
import type { Bench, BenchContext, Row } from './bench.ts'
import { type Arena, idOf, type Login, openArena, plantTenants } from './support/arena.ts'
import { LruPool } from './support/lru-pool.ts'
import { openLoop } from './support/open-loop.ts'
import { seeded, zipf } from './support/random.ts'
import { percentiles, ratios } from './support/statistics.ts'

const SESSIONS = 190
const PER_SECOND = 100
const EXPONENT = 1

interface Pool {
  use<T>(tenant: TenantId, work: (client: pg.ClientBase) => Promise<T>): Promise<T>
  close(): Promise<void>
  /** Requests so far that found a session, and that did not. */
  counts(): { readonly hits: number; readonly misses: number }
}

interface Round {
  readonly latencies: readonly number[]
  readonly hitPart: number
  readonly missesPerSecond: number
  readonly failures: number
}

interface Sizes {
  readonly tenants: number
  readonly rounds: number
  readonly warmUpRequests: number
  readonly seconds: number
}

export const bench: Bench = {
  title:
    '1000 tenants (Zipf 1.0) over 190 sessions of one server, 100 requests a second, open loop',
  async run(context) {
    const sizes: Sizes = context.quick
      ? { tenants: 1000, rounds: 1, warmUpRequests: 250, seconds: 1 }
      : { tenants: 1000, rounds: 3, warmUpRequests: 6_000, seconds: 60 }
    const arena = await openArena({ directory: context.directory })
    try {
      const logins = await plantTenants(arena, 't', sizes.tenants, 20)
      return await compare(arena, logins, sizes, context)
    } finally {
      await arena.close()
    }
  },
}

async function compare(
  arena: Arena,
  logins: readonly Login[],
  sizes: Sizes,
  context: BenchContext,
): Promise<readonly Row[]> {
  const kinds = { lru: () => lruPool(logins), pool: () => tenantPool(logins) }
  const rounds: Record<keyof typeof kinds, Round[]> = { lru: [], pool: [] }
  for (let number = 0; number < sizes.rounds; number += 1) {
    const order = number % 2 === 0 ? (['lru', 'pool'] as const) : (['pool', 'lru'] as const)
    for (const kind of order) {
      context.say(`round ${number + 1} of ${sizes.rounds}: ${kind}`)
      rounds[kind].push(await oneRound(kinds[kind](), logins, sizes, number))
      await untilQuiet(arena)
    }
  }
  return rowsOf(rounds.lru, rounds.pool)
}

function lruPool(logins: readonly Login[]): Pool {
  const configs = new Map(logins.map((login) => [login.tenant, login.config]))
  const pool = new LruPool(SESSIONS, (tenant) => configs.get(tenant) ?? {})
  return {
    use: (tenant, work) => pool.use(tenant, work),
    close: () => pool.close(),
    counts: () => ({ hits: pool.hits, misses: pool.misses }),
  }
}

function tenantPool(logins: readonly Login[]): Pool {
  const leases = new Map(
    logins.map(({ tenant, config }) => {
      const { host = '', port = 0, database = '', user = '', password } = config
      const credential = { host, port, database, user, password: String(password) }
      const expires_at = new Date(Date.now() + 3_600_000)
      return [tenant, { lease_id: tenant as string as LeaseId, expires_at, credential }]
    }),
  )
  const pool = new TenantPool({
    sessionsMax: SESSIONS,
    lease: async (tenant) => {
      const lease = leases.get(tenant)
      if (lease === undefined) throw new RangeError('no such tenant')
      return lease
    },
  })
  return {
    use: (tenant, work) => pool.use(tenant, work),
    close: () => pool.close(),
    counts: () => pool.stats(),
  }
}

async function oneRound(
  pool: Pool,
  logins: readonly Login[],
  sizes: Sizes,
  number: number,
): Promise<Round> {
  const random = seeded(number + 1)
  const draw = zipf(logins.length, EXPONENT, random)
  const request = async () => {
    const login = logins[draw()]
    if (login === undefined) throw new RangeError('no such tenant')
    const values = [idOf(1 + Math.floor(random() * 20))]
    await pool.use(login.tenant, (client) => client.query({ name: 'visit', text: READ, values }))
  }
  try {
    for (let done = 0; done < sizes.warmUpRequests; done += 4) {
      await Promise.all([request(), request(), request(), request()])
    }
    const before = pool.counts()
    const loop = await openLoop({ perSecond: PER_SECOND, seconds: sizes.seconds, random, request })
    const after = pool.counts()
    const hits = after.hits - before.hits
    const misses = after.misses - before.misses
    return {
      latencies: loop.latencies,
      failures: loop.failures.length,
      hitPart: hits / (hits + misses),
      missesPerSecond: misses / sizes.seconds,
    }
  } finally {
    await pool.close()
  }
}

const READ = 'select id, starts_at, status, note from bench.visit where id = $1'

/** The server ends its sides of the last round's connections. */
async function untilQuiet(arena: Arena): Promise<void> {
  for (;;) {
    const { rows } = await arena.admin.query<{ count: number }>(
      `select count(*)::int from pg_stat_activity where backend_type = 'client backend'`,
    )
    if ((rows[0]?.count ?? 0) < 10) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function rowsOf(lru: readonly Round[], pool: readonly Round[]): readonly Row[] {
  const latency = (rounds: readonly Round[]) => percentiles(rounds.flatMap((r) => r.latencies))
  const p = (rounds: readonly Round[], which: 'p50' | 'p99') =>
    rounds.map((round) => percentiles(round.latencies)[which])
  const share = (
    what: string,
    unit: string,
    rounds: readonly Round[],
    of: (r: Round) => number,
  ) => {
    const { p50 } = percentiles(rounds.map(of))
    return { what, unit, n: rounds.length, p50 }
  }
  const ours = latency(pool)
  return [
    { what: 'request, least recently used, eviction waited for', unit: 'ms', ...latency(lru) },
    {
      what: 'request, TenantPool (ratio of p50)',
      unit: 'ms',
      ...ours,
      ...ratios(p(pool, 'p50'), p(lru, 'p50')),
    },
    {
      what: 'request, TenantPool (ratio of p99)',
      unit: 'ms',
      n: ours.n,
      p50: ours.p99,
      ...ratios(p(pool, 'p99'), p(lru, 'p99')),
      aim: { text: 'p99 <= 15 ms', met: ours.p99 <= 15 },
    },
    share('hit rate, least recently used', '%', lru, (r) => r.hitPart * 100),
    share('hit rate, TenantPool', '%', pool, (r) => r.hitPart * 100),
    share('logins a second, least recently used', '/s', lru, (r) => r.missesPerSecond),
    share('logins a second, TenantPool', '/s', pool, (r) => r.missesPerSecond),
    share('failed requests, both', '', [...lru, ...pool], (r) => r.failures),
  ]
}
