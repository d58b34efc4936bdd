import { join } from 'node:path'
import pg from 'pg'
import { startEmbedded } from '../src/clusters/embedded-cluster.ts'
import { parseSubject } from '../src/core/names.ts'
import { parseTenantId } from '../src/core/tenant.ts'
import { REVOCATION_MIGRATIONS } from '../src/revocation/migrations.ts'
import { PostgresRevocations } from '../src/revocation/postgres-revocations.ts'
import { RevocationIndex } from '../src/revocation/revocation-index.ts'
import type { Bench, BenchContext, Row } from './bench.ts'
import type { RevocationFollowerOptions } from '../src/revocation/revocation-follower.ts'
import type { Learned } from './support/follow-revocations.ts'
import { Forked } from './support/forked.ts'
import { percentiles } from './support/statistics.ts'

const PROCESSES = 4
const PUBLISHERS = 8
const PROPAGATION_AIM_MS = 1_000
const LOOK_UPS = 10_000
const acme = parseTenantId('acme')
const publisher = new PostgresRevocations()

export const bench: Bench = {
  title: `how soon ${PROCESSES} processes know what was revoked, and what asking costs`,
  async run(context) {
    const cluster = await startEmbedded({
      name: 'control',
      profile: 'control',
      directory: join(context.directory, 'control'),
    })
    const { admin } = cluster
    const clients = await Promise.all(
      Array.from({ length: PUBLISHERS }, async () => {
        const client = new pg.Client(admin)
        await client.connect()
        return client
      }),
    )
    try {
      await clients[0]?.query('create schema revocation')
      for (const sql of REVOCATION_MIGRATIONS) await clients[0]?.query(sql)
      const processes = new Processes()
      await processes.start(admin, context)
      try {
        return [...(await propagate(processes, clients, context)), ...lookUps(context)]
      } finally {
        processes.stop()
      }
    } finally {
      await Promise.all(clients.map((client) => client.end()))
      await cluster.stop()
    }
  },
}

/** Processes that follow, and when the last of them learned of each session's end. */
class Processes {
  readonly #forked = new Forked()
  readonly #heard = new Map<string, bigint[]>()
  readonly #waiting = new Map<string, (last: bigint) => void>()

  async start(database: pg.ClientConfig, { directory }: BenchContext): Promise<void> {
    for (let n = 0; n < PROCESSES; n += 1) {
      const { child } = await this.#forked.begin<RevocationFollowerOptions, Learned>(
        'follow-revocations',
        { directory: join(directory, `follower-${n}`), database },
      )
      child.on('message', (learned: Learned) => {
        if (learned !== 'known') this.#hear(learned.id, BigInt(learned.at))
      })
    }
  }

  /** When the last of them learned of it, by `process.hrtime`. */
  async last(id: string): Promise<bigint> {
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      this.#tell(id)
    })
  }

  #hear(id: string, at: bigint): void {
    this.#heard.set(id, [...(this.#heard.get(id) ?? []), at])
    this.#tell(id)
  }

  #tell(id: string): void {
    const heard = this.#heard.get(id) ?? []
    if (heard.length < PROCESSES) return
    const last = heard.reduce((a, b) => (a > b ? a : b))
    this.#waiting.get(id)?.(last)
  }

  stop(): void {
    this.#forked.stop()
  }
}

async function propagate(
  processes: Processes,
  clients: readonly pg.Client[],
  { quick, say }: BenchContext,
): Promise<readonly Row[]> {
  const count = quick ? 40 : 500
  const alone: number[] = []
  say(`${count} revocations, one after another`)
  for (let n = 0; n < count; n += 1) {
    alone.push(await revoke(processes, clients[0], `alone-${n}`))
  }
  say(`${count} revocations by ${PUBLISHERS} publishers at once`)
  const crowded: number[] = []
  await Promise.all(
    clients.map(async (client, publisher) => {
      for (let n = 0; n < count / PUBLISHERS; n += 1) {
        crowded.push(await revoke(processes, client, `crowded-${publisher}-${n}`))
      }
    }),
  )
  return [
    row(`from the commit to the last of ${PROCESSES} processes, one at a time`, alone),
    row(`the same, ${PUBLISHERS} publishers at once`, crowded),
  ]
}

/** Milliseconds from when the commit is sent to when the last process knows. */
async function revoke(
  processes: Processes,
  client: pg.Client | undefined,
  id: string,
): Promise<number> {
  if (client === undefined) throw new TypeError('no publisher')
  await client.query('begin')
  await publisher.publish(client, { kind: 'session', tenant: acme, id, at: new Date() })
  const committed = process.hrtime.bigint()
  const known = processes.last(id)
  await client.query('commit')
  return Number((await known) - committed) / 1e6
}

function row(what: string, times: readonly number[]): Row {
  const found = percentiles(times)
  const met = found.p99 <= PROPAGATION_AIM_MS
  return { what, unit: 'ms', ...found, aim: { text: `p99 <= ${PROPAGATION_AIM_MS} ms`, met } }
}

/** What a request pays, by how much is revoked. */
function lookUps({ quick, say }: BenchContext): readonly Row[] {
  return (quick ? [0, 1_000] : [0, 1_000, 100_000]).flatMap((revoked) => {
    say(`looking up among ${revoked}`)
    const index = new RevocationIndex()
    for (let n = 0; n < revoked; n += 1) {
      const kind = n % 10 === 0 ? ('subject' as const) : ('session' as const)
      const revocation = { kind, tenant: acme, id: parseSubject(`id-${n}`), at: new Date() }
      index.add({ revocation, untilMs: Date.now() + 3_600_000 })
    }
    const token = { tenant: acme, id: 't', session: 's', subject: parseSubject('ann') }
    const times = Array.from({ length: 200 }, () => {
      const began = process.hrtime.bigint()
      for (let n = 0; n < LOOK_UPS; n += 1) {
        index.find({ ...token, client: 'web', issuedAt: new Date(0) })
      }
      return Number(process.hrtime.bigint() - began) / LOOK_UPS / 1e3
    })
    const what = `asking whether a token is revoked, among ${revoked.toLocaleString('en')}`
    return [{ what, unit: 'µs', ...percentiles(times) }]
  })
}
