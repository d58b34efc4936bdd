import pg from 'pg'
import type { Bench, BenchContext, Row } from './bench.ts'
import { alternate, closedLoop, type Round } from './support/alternate.ts'
import { type Arena, idOf, type Login, openArena, plantTenants } from './support/arena.ts'
import { pairedRows } from './support/paired-rows.ts'
import { findPgbench, runPgbench } from './support/pgbench.ts'
import { plainLogin } from './support/plain-login.ts'

const ROWS = 500
/** Inserted rows have ids above those of planted ones. */
const PLANTED_ID_MAX = 1_000_003

interface Operation {
  readonly name: string
  readonly aimMax?: number
  /** With `:id` and `:t` as pgbench has them. `plain` names the tenant, the boundary's does not. */
  readonly sql: (plain: boolean) => string
  readonly id: 'planted' | 'new' | 'none'
}

const COLUMNS = 'id, starts_at, status, note'
const OPERATIONS: readonly Operation[] = [
  {
    name: 'point read',
    aimMax: 1.1,
    id: 'planted',
    sql: (plain) =>
      `select ${COLUMNS} from bench.visit where ${plain ? 'tenant_id = :t and ' : ''}id = :id`,
  },
  {
    name: 'page of 50',
    aimMax: 1.05,
    id: 'none',
    sql: (plain) =>
      `select ${COLUMNS} from bench.visit ${plain ? 'where tenant_id = :t ' : ''}order by starts_at limit 50`,
  },
  {
    name: 'insert',
    aimMax: 1.15,
    id: 'new',
    sql: (plain) =>
      `insert into bench.visit (${plain ? 'tenant_id, ' : ''}id, starts_at, note) values (${plain ? ':t, ' : ''}:id, '2026-06-01', 'a note')`,
  },
  {
    name: 'aggregate',
    id: 'none',
    sql: (plain) =>
      `select count(*), sum(cents) from bench.visit${plain ? ' where tenant_id = :t' : ''}`,
  },
]

type Variant = 'plain' | 'boundary'
type Rounds = readonly (readonly number[])[]

interface Sizes {
  readonly tenants: readonly number[]
  readonly rounds: number
  readonly roundMs: number
  readonly clients: readonly number[]
}

export const bench: Bench = {
  title: 'a query behind the boundary against the same with an explicit WHERE and no policy',
  async run(context) {
    const sizes: Sizes = context.quick
      ? { tenants: [10, 50], rounds: 2, roundMs: 60, clients: [1] }
      : { tenants: [10, 200, 5_000], rounds: 15, roundMs: 400, clients: [1, 4] }
    // Waiting for the disk at each commit would hide what is measured here.
    const settings = { synchronous_commit: 'off', autovacuum: 'off', max_wal_size: '4GB' }
    const arena = await openArena({ directory: context.directory, settings })
    try {
      return await measureSizes(arena, context, sizes)
    } finally {
      await arena.close()
    }
  },
}

async function measureSizes(
  arena: Arena,
  context: BenchContext,
  sizes: Sizes,
): Promise<readonly Row[]> {
  const plain = await plainLogin(arena)
  const logins: Login[] = []
  const rows: Row[] = []
  for (const tenants of sizes.tenants) {
    context.say(`${tenants} tenants of ${ROWS} rows`)
    logins.push(...(await plantTenants(arena, `t${tenants}x`, tenants - logins.length, ROWS)))
    const measuring = new Measuring(arena, context, sizes, plain, logins)
    for (const operation of OPERATIONS) {
      for (const clients of sizes.clients) rows.push(...(await measuring.run(operation, clients)))
    }
  }
  return [...rows, ...flatness(rows, sizes)]
}

class Measuring {
  readonly #arena: Arena
  readonly #context: BenchContext
  readonly #sizes: Sizes
  readonly #plain: pg.ClientConfig
  readonly #logins: readonly Login[]
  readonly #pgbench = findPgbench()
  #nextId = PLANTED_ID_MAX
  #turn = 0

  constructor(
    arena: Arena,
    context: BenchContext,
    sizes: Sizes,
    plain: pg.ClientConfig,
    logins: readonly Login[],
  ) {
    this.#arena = arena
    this.#context = context
    this.#sizes = sizes
    this.#plain = plain
    this.#logins = logins
  }

  async run(operation: Operation, clients: number): Promise<readonly Row[]> {
    const count = `${clients} client${clients > 1 ? 's' : ''}`
    const shared = `${operation.name}, ${this.#logins.length} tenants, ${count}`
    const rows: Row[] = []
    const add = async (
      how: string,
      measure: () => Promise<Record<Variant, Rounds>>,
      max?: number,
    ) => {
      const what = `${shared}, ${how}`
      const { plain, boundary } = await measure()
      const labels = { reference: `${what}, plain`, measured: what, unit: 'us' }
      rows.push(...pairedRows(labels, plain, boundary, max))
      await this.#tidy(operation)
    }
    await add('pg', () => this.#byPg(operation, clients), operation.aimMax)
    const pgbench = this.#pgbench
    if (pgbench === undefined) return rows
    const by = (protocol: 'prepared' | 'extended') =>
      this.#byPgbench(pgbench, protocol, operation, clients)
    await add('pgbench', () => by('prepared'), operation.aimMax)
    if (clients === 1) await add('pgbench without prepared statements', () => by('extended'))
    return rows
  }

  /** The four tenants of a run are spread over all. */
  #tenants(count: number): readonly Login[] {
    const step = Math.floor(this.#logins.length / count)
    return Array.from({ length: count }, (_, index) => this.#logins[index * step]).flatMap(
      (l) => l ?? [],
    )
  }

  async #byPg(operation: Operation, clients: number) {
    const opened: pg.Client[] = []
    const open = async (config: pg.ClientConfig) => {
      const client = new pg.Client(config)
      await client.connect()
      opened.push(client)
      return client
    }
    const asking = async (login: Login, plain: boolean) => {
      const client = await open(plain ? this.#plain : login.config)
      const text = operation
        .sql(plain)
        .replaceAll(':id', '$1')
        .replaceAll(':t', operation.id === 'none' ? '$1' : '$2')
      return () => {
        const id = this.#id(operation)
        const values = [...(id === undefined ? [] : [id]), ...(plain ? [login.key] : [])]
        return client.query({ name: operation.name, text, values })
      }
    }
    try {
      const tenants = this.#tenants(clients)
      const plain = await Promise.all(tenants.map((login) => asking(login, true)))
      const boundary = await Promise.all(tenants.map((login) => asking(login, false)))
      const { rounds, roundMs } = this.#sizes
      // The first five executions of a prepared statement are planned each time.
      for (const ask of [...plain, ...boundary])
        for (let time = 0; time < 10; time += 1) await ask()
      return await alternate(rounds, {
        plain: () => closedLoop(plain, roundMs),
        boundary: () => closedLoop(boundary, roundMs),
      })
    } finally {
      await Promise.all(opened.map((client) => client.end()))
    }
  }

  async #byPgbench(
    pgbench: string,
    protocol: 'prepared' | 'extended',
    operation: Operation,
    clients: number,
  ) {
    const directory = this.#context.directory
    const run = (plain: boolean, transactions: number) => {
      // Another tenant in each round, the same for both.
      const login = this.#logins[(Math.floor(this.#turn / 2) * 7) % this.#logins.length]
      if (login === undefined) throw new RangeError('no tenant')
      this.#turn += 1
      const script = `${PGBENCH_IDS[operation.id]}${operation.sql(plain)};\n`
      const common = { pgbench, protocol, directory, script, clients, transactions }
      return runPgbench({
        ...common,
        login: plain ? this.#plain : login.config,
        variables: plain ? { t: login.key } : {},
      })
    }
    const pilot = await run(true, 100)
    const each = pilot.reduce((sum, value) => sum + value, 0) / pilot.length
    this.#turn = 0
    const transactions = Math.max(50, Math.ceil((this.#sizes.roundMs * 1000) / each))
    const round =
      (plain: boolean): Round =>
      () =>
        run(plain, transactions)
    return alternate(this.#sizes.rounds, { plain: round(true), boundary: round(false) })
  }

  #id(operation: Operation): number | undefined {
    if (operation.id === 'none') return undefined
    if (operation.id === 'planted') return idOf(1 + Math.floor(Math.random() * ROWS))
    this.#nextId += 1
    return this.#nextId
  }

  async #tidy(operation: Operation): Promise<void> {
    if (operation.id !== 'new') return
    await this.#arena.admin.query('delete from bench.visit where id > $1', [PLANTED_ID_MAX])
    await this.#arena.admin.query('vacuum bench.visit')
  }
}

const PGBENCH_IDS: Readonly<Record<Operation['id'], string>> = {
  none: '',
  planted: `\\set r random(1, ${ROWS})\n\\set id :r * 7919 % ${PLANTED_ID_MAX}\n`,
  new: `\\set id random(${PLANTED_ID_MAX + 1}, 4000000000000)\n`,
}

/** How far the ratio with the most tenants is from that with the fewest. */
function flatness(rows: readonly Row[], sizes: Sizes): readonly Row[] {
  const [few, most] = [sizes.tenants[0], sizes.tenants.at(-1)]
  return rows.flatMap((row) => {
    const among = `, ${most} tenants, `
    if (row.ratio === undefined || !row.what.includes(among)) return []
    const fewer = rows.find((other) => other.what === row.what.replace(among, `, ${few} tenants, `))
    if (fewer?.ratio === undefined) return []
    const ratio = row.ratio / fewer.ratio
    return [
      {
        what: `${row.what.replace(among, ', ')}: cost at ${most} tenants by cost at ${few}`,
        unit: '',
        n: row.n,
        p50: ratio,
        aim: { text: 'within 10 %', met: ratio <= 1.1 },
      },
    ]
  })
}
