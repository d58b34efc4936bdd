import pg from 'pg'
import type { TenantId } from '../src/core/tenant.ts'
import { leaseAnswer, startTestPlatform } from '../src/sdk/platform.test-support.ts'
import { Ringfence } from '../src/sdk/ringfence.ts'
import type { VerifiedContext } from '../src/sdk/verified-context.ts'
import type { Bench, BenchContext, Row } from './bench.ts'
import { alternate, closedLoop } from './support/alternate.ts'
import { idOf, type Login, openArena, plantTenants } from './support/arena.ts'
import { inTurn } from './support/in-turn.ts'
import { percentiles, ratios } from './support/statistics.ts'
import { VISIT } from './support/visit.ts'

const TENANTS = 8
const ROWS = 200

interface Sizes {
  readonly rounds: number
  readonly roundMs: number
  readonly clients: readonly number[]
}

export const bench: Bench = {
  title: 'withTenant with lease and session in hand against a pg pool of the same login',
  async run(context) {
    const sizes: Sizes = context.quick
      ? { rounds: 2, roundMs: 100, clients: [1] }
      : { rounds: 15, roundMs: 400, clients: [1, 4] }
    const arena = await openArena({ directory: context.directory })
    try {
      return await measure(await plantTenants(arena, 't', TENANTS, ROWS), sizes, context)
    } finally {
      await arena.close()
    }
  },
}

async function measure(
  logins: readonly Login[],
  sizes: Sizes,
  context: BenchContext,
): Promise<readonly Row[]> {
  const platform = await startTestPlatform({
    lease: ({ tenant, scope }) => leaseAnswer(`${tenant}/${scope}`, 3_600, dataOf(logins, tenant)),
  })
  const ringfence = new Ringfence(platform.options)
  const pools = logins.map(({ config }) => new pg.Pool({ ...config, max: 8 }))
  try {
    const tokens = await Promise.all(logins.map(({ tenant }) => platform.context(tenant, {}, 60)))
    const rows: Row[] = []
    for (const clients of sizes.clients) {
      context.say(`${clients} clients`)
      rows.push(...(await compare(ringfence, pools, tokens, clients, sizes)))
    }
    return rows
  } finally {
    await Promise.all(pools.map((pool) => pool.end()))
    await ringfence.close()
    await platform.close()
  }
}

async function compare(
  ringfence: Ringfence,
  pools: readonly pg.Pool[],
  tokens: readonly string[],
  clients: number,
  sizes: Sizes,
): Promise<readonly Row[]> {
  const contexts = await Promise.all(tokens.map((token) => ringfence.verify(token)))
  const [nextPool, nextContext, nextToken] = [inTurn(pools), inTurn(contexts), inTurn(tokens)]
  const nextRow = inTurn(Array.from({ length: ROWS }, (_, row) => idOf(row + 1)))
  const query = () => ({ ...VISIT, values: [nextRow()] })
  const work = (verified: VerifiedContext) =>
    ringfence.withTenant(verified, (db) => db.query(query()))
  const loop = (ask: () => Promise<unknown>) => () =>
    closedLoop(
      Array.from({ length: clients }, () => ask),
      sizes.roundMs,
    )
  const variants = {
    pool: loop(() => nextPool().query(query())),
    sdk: loop(() => work(nextContext())),
    whole: loop(async () => work(await ringfence.verify(nextToken()))),
  }
  // Sessions, leases and prepared statements are there when it counts.
  await alternate(1, variants)
  const rounds = await alternate(sizes.rounds, variants)
  const medians = (of: readonly (readonly number[])[]) => of.map((one) => percentiles(one).p50)
  const row = (what: string, key: keyof typeof variants): Row => ({
    what: `${what}, ${clients} client${clients === 1 ? '' : 's'}`,
    unit: 'us',
    ...percentiles(rounds[key].flat()),
    ...(key === 'pool'
      ? {}
      : { ...ratios(medians(rounds[key]), medians(rounds.pool)), reference: 'pg pool' }),
  })
  return [
    row('point read, pg pool of the login', 'pool'),
    row('point read, withTenant', 'sdk'),
    row('point read, context verified and withTenant', 'whole'),
  ]
}

function dataOf(logins: readonly Login[], tenant: TenantId) {
  const config = logins.find((login) => login.tenant === tenant)?.config
  const { host = '', port = 0, database = '', user = '', password } = config ?? {}
  return { host, port, database, user, password: String(password) }
}
