import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import pg from 'pg'
import { startEmbedded } from '../src/clusters/embedded-cluster.ts'
import { compact } from '../src/snapshot/compact.ts'
import { SNAPSHOT_MIGRATIONS } from '../src/snapshot/migrations.ts'
import { publishChange, type SnapshotChange } from '../src/snapshot/publish.ts'
import { samplePlatform, sampleTenant } from '../src/snapshot/sample.test-support.ts'
import { SnapshotFollower } from '../src/snapshot/snapshot-follower.ts'
import { SigningKey } from '../src/tokens/signing-key.ts'
import type { Bench, BenchContext, Row } from './bench.ts'
import { percentiles } from './support/statistics.ts'

const FOLLOWERS = 8
const PROPAGATION_AIM_MS = 1_000

interface Control {
  readonly client: pg.Client
  readonly settings: pg.ClientConfig
  readonly key: SigningKey
}

export const bench: Bench = {
  title: 'loading the configuration, its memory, and how soon a suspension reaches everybody',
  async run(context) {
    const cluster = await startEmbedded({
      name: 'control',
      profile: 'control',
      directory: join(context.directory, 'control'),
    })
    const client = new pg.Client(cluster.admin)
    await client.connect()
    try {
      const control = { client, settings: cluster.admin, key: await SigningKey.create('EdDSA') }
      const rows: Row[] = []
      for (const tenants of context.quick ? [10, 1_000] : [10, 10_000, 100_000]) {
        context.say(`${tenants} tenants`)
        rows.push(...(await ofSize(control, tenants, context)))
      }
      return rows
    } finally {
      await client.end()
      await cluster.stop()
    }
  },
}

async function ofSize(control: Control, tenants: number, context: BenchContext) {
  const { client, key } = control
  const named = (what: string) => `${what}, ${tenants.toLocaleString('en')} tenants`
  await client.query('drop schema if exists snapshot cascade; create schema snapshot')
  for (const sql of SNAPSHOT_MIGRATIONS) await client.query(sql)
  await publish(control, { platform: samplePlatform })
  for (let from = 0; from < tenants; from += 1_000) {
    const length = Math.min(1_000, tenants - from)
    const some = Array.from({ length }, (_, n) => sampleTenant(`t${from + n}`))
    await publish(control, { tenants: some })
  }
  const compacting = await timed(() => compact(client, key, 1))
  const directory = join(context.directory, `snapshot-${tenants}`)
  const first = await timed(async () => {
    const follower = await follow(control, directory)
    await follower.ready()
    await follower.close()
  })
  const loads = Array.from({ length: context.quick ? 1 : 5 }, () => load(directory, key))
  const propagation = await propagate(control, tenants, context)
  const one = (what: string, unit: string, value: number): Row => ({
    what: named(what),
    unit,
    n: 1,
    p50: value,
  })
  return [
    { what: named('load from disk'), unit: 'ms', ...percentiles(loads.map((l) => l.milliseconds)) },
    { what: named('memory of it'), unit: 'MiB', ...percentiles(loads.map(({ heap }) => heap)) },
    {
      what: named('memory of the process'),
      unit: 'MiB',
      ...percentiles(loads.map(({ rss }) => rss)),
    },
    one('first read from the database', 'ms', first),
    one('compaction', 'ms', compacting),
    {
      what: named(`suspension, from begin to the last of ${FOLLOWERS} followers`),
      unit: 'ms',
      ...percentiles(propagation),
      aim: {
        text: `p99 <= ${PROPAGATION_AIM_MS} ms`,
        met: percentiles(propagation).p99 <= PROPAGATION_AIM_MS,
      },
    },
  ]
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

async function publish({ client, key }: Control, change: Partial<SnapshotChange>): Promise<number> {
  await client.query('begin')
  const version = await publishChange(client, key, { tenants: [], removed: [], ...change })
  await client.query('commit')
  return version
}

const follow = ({ settings, key }: Control, directory: string) =>
  SnapshotFollower.open({ directory, keys: [key.publicJwk], database: settings })

function load(directory: string, key: SigningKey) {
  const script = join(import.meta.dirname, 'support', 'load-snapshot.ts')
  const run = spawnSync(process.execPath, ['--expose-gc', script], {
    input: JSON.stringify({ directory, keys: [key.publicJwk] }),
    encoding: 'utf8',
  })
  if (run.status !== 0) throw new Error(run.stderr)
  return JSON.parse(run.stdout) as Readonly<Record<'milliseconds' | 'heap' | 'rss', number>>
}

/** Followers with sockets and files of their own, in this one process: their work adds up. */
async function propagate(control: Control, tenants: number, { directory, quick }: BenchContext) {
  const followers = await Promise.all(
    Array.from({ length: FOLLOWERS }, (_, n) =>
      follow(control, join(directory, `f-${tenants}-${n}`)),
    ),
  )
  let tell: (() => void) | undefined
  const seen = followers.map(() => 0)
  for (const [index, follower] of followers.entries()) {
    follower.onChange((_, now) => {
      seen[index] = now.version
      tell?.()
    })
  }
  await Promise.all(followers.map((follower) => follower.ready()))
  const times: number[] = []
  for (let n = 0; n < (quick ? 20 : 300); n += 1) {
    const status = n % 2 === 0 ? 'suspended' : 'active'
    const began = performance.now()
    const version = await publish(control, {
      tenants: [sampleTenant(`t${n % tenants}`, { status })],
    })
    while (seen.some((one) => one < version)) {
      await new Promise<void>((resolve) => {
        tell = resolve
      })
    }
    times.push(performance.now() - began)
  }
  await Promise.all(followers.map((follower) => follower.close()))
  return times
}
