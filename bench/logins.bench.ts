import pg from 'pg'
import { LeaseLogin } from '../src/sdk/postgres/lease-login.ts'
import { SpareSockets } from '../src/sdk/postgres/spare-sockets.ts'
import type { LeaseId } from '../src/core/lease.ts'
import type { Bench, BenchContext, Row } from './bench.ts'
import { idOf, type Login, openArena, plantTenants } from './support/arena.ts'
import { percentiles, ratios } from './support/statistics.ts'

interface Times {
  readonly login: number
  readonly first: number
  readonly second: number
}

const READ = 'select id, starts_at, status, note from bench.visit where id = $1'

export const bench: Bench = {
  title: 'what the first request of a tenant pays for its login, and what the pool takes off it',
  async run(context) {
    const arena = await openArena({ directory: context.directory })
    try {
      const logins = await plantTenants(arena, 't', 50, 100)
      return await measure(logins, context)
    } finally {
      await arena.close()
    }
  },
}

async function measure(logins: readonly Login[], context: BenchContext): Promise<readonly Row[]> {
  const none = new SpareSockets(0)
  const spares = new SpareSockets(1)
  const kept = new Map(logins.map((login) => [login, new LeaseLogin(leaseOf(login), {})]))
  const opened = (login: Login, sockets: SpareSockets) => {
    const known = kept.get(login)
    if (known === undefined) throw new RangeError('no login')
    return known.open(sockets)
  }
  const ways = {
    'pg as it comes': async (login: Login) => {
      const client = new pg.Client(login.config)
      await client.connect()
      return client
    },
    'SCRAM keys kept': (login: Login) => opened(login, none),
    'SCRAM keys kept, socket connected before': (login: Login) => opened(login, spares),
  }
  const names = Object.keys(ways) as (keyof typeof ways)[]
  const times = new Map(names.map((name) => [name, [] as Times[]]))
  const turns = context.quick ? 1 : 8
  for (let turn = -1; turn < turns; turn += 1) {
    for (const [index, login] of logins.entries()) {
      for (const name of index % 2 === 0 ? names : names.toReversed()) {
        const one = await timed(() => ways[name](login))
        // The first turn derives the keys.
        if (turn >= 0) times.get(name)?.push(one)
      }
    }
  }
  spares.close()
  return rowsOf(times)
}

async function timed(open: () => Promise<pg.Client>): Promise<Times> {
  const began = performance.now()
  const client = await open()
  const loggedIn = performance.now()
  const ask = () => client.query({ name: 'visit', text: READ, values: [idOf(1)] })
  await ask()
  const first = performance.now()
  await ask()
  const second = performance.now()
  await client.end()
  // A spare needs a moment to be there.
  await new Promise((resolve) => setTimeout(resolve, 5))
  return { login: loggedIn - began, first: first - loggedIn, second: second - first }
}

function rowsOf(times: ReadonlyMap<string, readonly Times[]>): readonly Row[] {
  const [reference = []] = times.values()
  const each = (list: readonly Times[], part: keyof Times) => list.map((one) => one[part])
  const rows: Row[] = [...times].map(([name, list]) => ({
    what: `login, ${name}`,
    unit: 'ms',
    ...percentiles(each(list, 'login')),
    ...medianRatio(each(list, 'login'), each(reference, 'login')),
  }))
  const all = [...times.values()].flat()
  return [
    ...rows,
    { what: 'first statement of a session', unit: 'ms', ...percentiles(each(all, 'first')) },
    { what: 'the same statement again', unit: 'ms', ...percentiles(each(all, 'second')) },
  ]
}

function medianRatio(values: readonly number[], references: readonly number[]) {
  return { ratio: ratios(values, references).ratio, reference: 'pg as it comes' }
}

function leaseOf({ tenant, config }: Login) {
  const { host = '', port = 0, database = '', user = '', password } = config
  return {
    lease_id: tenant as string as LeaseId,
    expires_at: new Date(Date.now() + 3_600_000),
    credential: { host, port, database, user, password: String(password) },
  }
}
