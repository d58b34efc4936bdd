import pg from 'pg'
import type { Bench, BenchContext, Row } from './bench.ts'
import { alternate, closedLoop } from './support/alternate.ts'
import { type Arena, type Login, openArena, plantTenants } from './support/arena.ts'
import { plainLogin } from './support/plain-login.ts'
import { pairedRows } from './support/paired-rows.ts'

/** Each has an index on (tenant_id, …) that serves it. `leakproof` ones are index conditions here. */
const PREDICATES = [
  { name: 'numeric =', leakproof: false, sql: `amount = 5` },
  { name: 'bigint =', leakproof: true, sql: `cents = 5` },
  { name: 'lower(email) =', leakproof: false, sql: `lower(email) = 'p77@example.org'` },
  { name: 'generated email_lc =', leakproof: true, sql: `email_lc = 'p77@example.org'` },
  { name: 'enum =', leakproof: false, sql: `status = 'booked'` },
  { name: 'text =', leakproof: true, sql: `status_text = 'booked'` },
  { name: `email_lc like 'p77@%'`, leakproof: false, sql: `email_lc like 'p77@%'` },
  { name: `email_lc ^@ 'p77@'`, leakproof: true, sql: `email_lc ^@ 'p77@'` },
] as const

export const bench: Bench = {
  title: 'predicates whose functions are not LEAKPROOF, by the size of the tenant',
  async run(context) {
    const arena = await openArena({ directory: context.directory, searchable: true })
    try {
      return await measure(arena, context)
    } finally {
      await arena.close()
    }
  },
}

async function measure(arena: Arena, context: BenchContext): Promise<readonly Row[]> {
  const sizes = context.quick ? [500, 2_000] : [500, 5_000, 50_000]
  const rounds = context.quick ? 2 : 11
  const roundMs = context.quick ? 30 : 250
  const plain = await plainLogin(arena)
  // Others' rows lie between the tenant's.
  await plantTenants(arena, 'other', 20, 500)
  const rows: Row[] = []
  for (const size of sizes) {
    context.say(`a tenant of ${size} rows`)
    const [login] = await plantTenants(arena, `size${size}x`, 1, size)
    if (login === undefined) throw new RangeError('no tenant')
    for (const predicate of PREDICATES) {
      rows.push(...(await compare(login, plain, predicate, size, rounds, roundMs)))
    }
  }
  return rows
}

async function compare(
  login: Login,
  plain: pg.ClientConfig,
  predicate: (typeof PREDICATES)[number],
  size: number,
  rounds: number,
  roundMs: number,
): Promise<readonly Row[]> {
  const clients = { boundary: new pg.Client(login.config), plain: new pg.Client(plain) }
  try {
    for (const client of Object.values(clients)) await client.connect()
    const asking = (client: pg.Client, tenant: string, values: readonly string[]) => {
      const where = `where ${tenant}${predicate.sql} order by starts_at limit 20`
      const text = `select id, starts_at, note from bench.visit ${where}`
      return () => client.query({ name: 'search', text, values: [...values] })
    }
    const boundary = asking(clients.boundary, '', [])
    const reference = asking(clients.plain, 'tenant_id = $1 and ', [login.key])
    for (let time = 0; time < 10; time += 1) await Promise.all([boundary(), reference()])
    const results = await alternate(rounds, {
      plain: () => closedLoop([reference], roundMs),
      boundary: () => closedLoop([boundary], roundMs),
    })
    const what = `${predicate.name}, ${size} rows${predicate.leakproof ? '' : ' (not leakproof)'}`
    const labels = { reference: `${what}, plain`, measured: what, unit: 'us' }
    return pairedRows(labels, results.plain, results.boundary)
  } finally {
    await Promise.all(Object.values(clients).map((client) => client.end()))
  }
}
