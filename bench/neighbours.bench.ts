import { Agent } from 'node:http'
import { SigningKey } from '../src/tokens/signing-key.ts'
import type { Bench, Row } from './bench.ts'
import { Forked } from './support/forked.ts'
import { frontRecord, frontTenant } from './support/front-record.ts'
import { bearer, statusOf } from './support/get.ts'
import type { NeighbourWork } from './support/neighbour-process.ts'
import { openLoop } from './support/open-loop.ts'
import { seeded } from './support/random.ts'
import { median, percentiles } from './support/statistics.ts'
import { userToken } from './support/user-token.ts'

/** What one tenant of the plan may ask in a second, and what each of the others does. */
const PER_SECOND = 5
const OTHERS = 9
/** An upstream that does 200 requests a second. */
const UPSTREAM = { kind: 'upstream', slots: 20, serviceMs: 100 } as const
const NOISY = 'noisy'
const AIM = 1.1

interface Variant {
  readonly what: string
  /** How many times what it may ask one tenant asks. */
  readonly times: number
  readonly without: readonly string[]
}

const LIMITS = ['rate', 'concurrency']
const TURNS = ['admission']
const QUIET: Variant = { what: 'no noise', times: 0, without: [] }

const variants = (times: number): readonly Variant[] => [
  { what: 'neither limits nor turns', times, without: [...LIMITS, ...TURNS] },
  { what: 'turns alone', times, without: LIMITS },
  { what: 'limits and turns', times, without: [] },
]

interface Seen {
  /** Milliseconds, of the other tenants' requests that were served. */
  readonly latencies: readonly number[]
  readonly failed: number
}

export const bench: Bench = {
  title:
    'other tenants’ requests while one asks many times what it may, at an upstream of 200 a second',
  async run({ quick, say }) {
    const all = [QUIET, ...(quick ? [50] : [5, 20, 50, 100]).flatMap(variants)]
    const seen = all.map((): Seen[] => [])
    for (let round = 0; round < (quick ? 1 : 3); round += 1) {
      for (const [index, variant] of all.entries()) {
        say(`round ${round + 1}: ${variant.times} times, ${variant.what}`)
        seen[index]?.push(await measure(variant, quick))
      }
    }
    const quiet = seen[0]?.map(({ latencies }) => percentiles(latencies).p99) ?? []
    return all.flatMap((variant, index) => rowsOf(variant, seen[index] ?? [], quiet))
  },
}

function rowsOf(
  { what, times }: Variant,
  rounds: readonly Seen[],
  quiet: readonly number[],
): Row[] {
  const label = times === 0 ? what : `one at ${times} times its rate, ${what}`
  const latencies = rounds.flatMap((round) => round.latencies)
  const failed = rounds.reduce((sum, round) => sum + round.failed, 0)
  const rows: Row[] = [
    { what: `${label}: others' requests`, unit: 'ms', ...percentiles(latencies) },
  ]
  if (times === 0) return rows
  const ratios = rounds.map((round, at) => percentiles(round.latencies).p99 / (quiet[at] ?? 1))
  const ratio = median(ratios)
  const aim =
    what === 'limits and turns' && times <= 50
      ? { aim: { text: `<= ${AIM.toFixed(2)}x`, met: ratio <= AIM } }
      : {}
  rows.push(
    {
      what: `${label}: their p99, by that without noise`,
      unit: 'x',
      n: ratios.length,
      p50: ratio,
      ...aim,
    },
    {
      what: `${label}: refused or failed of theirs`,
      unit: '%',
      n: latencies.length + failed,
      p50: (failed * 100) / (latencies.length + failed),
    },
  )
  return rows
}

/** Processes of its own for each: what one leaves in a queue is not the next one's. */
async function measure(variant: Variant, quick: boolean): Promise<Seen> {
  const forked = new Forked()
  const agent = new Agent({ keepAlive: true })
  try {
    const start = (work: NeighbourWork) =>
      forked.start<NeighbourWork, string>('neighbour-process', work)
    const realm = await SigningKey.create('ES256')
    const contextKey = await SigningKey.create('ES256')
    const tenants = [NOISY, ...Array.from({ length: OTHERS }, (_, index) => `other-${index}`)]
    const record = recordOf(await start(UPSTREAM), realm, tenants)
    const url = await start({
      kind: 'gateway',
      contextKey: contextKey.privateJwk,
      record,
      without: variant.without,
    })
    const asks = await Promise.all(tenants.map((tenant) => asking(agent, url, realm, tenant)))
    return await load(variant, asks, quick)
  } finally {
    agent.destroy()
    forked.stop()
  }
}

/** Others are there all the time. Noise begins a while before what is measured does. */
async function load(
  { times }: Variant,
  [noise, ...others]: readonly (() => Promise<void>)[],
  quick: boolean,
): Promise<Seen> {
  const random = seeded(7)
  const other = () => others[Math.floor(random() * others.length)]?.() ?? Promise.resolve()
  const asked = (seconds: number) =>
    openLoop({ perSecond: PER_SECOND * OTHERS, seconds, random, request: other })
  const measured = quick ? 4 : 15
  const before = quick ? 3 : 8
  await asked(quick ? 2 : 4)
  const noisy =
    times === 0
      ? Promise.resolve()
      : openLoop({
          perSecond: PER_SECOND * times,
          seconds: before + measured,
          random: seeded(13),
          request: noise ?? (() => Promise.resolve()),
        })
  await asked(before)
  const { latencies, failures } = await asked(measured)
  await noisy
  return { latencies, failed: failures.length }
}

async function asking(
  agent: Agent,
  url: string,
  key: SigningKey,
  name: string,
): Promise<() => Promise<void>> {
  const token = await userToken(key, name, 'ann')
  return async () => {
    const status = await statusOf(agent, `${url}/t/${name}/visits`, bearer(token))
    if (status !== 200) throw new Error(`status ${status}`)
  }
}

function recordOf(upstream: string, realm: SigningKey, tenants: readonly string[]) {
  const sold = [
    {
      kind: 'rate',
      name: 'each',
      per: 'tenant',
      requests: PER_SECOND * 2,
      seconds: 1,
      burst: PER_SECOND * 4,
    } as const,
  ]
  return frontRecord(
    upstream,
    tenants.map((tenant) => frontTenant(tenant, realm)),
    { limits: sold },
  )
}
