import { type ChildProcess, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { SigningKey } from '../src/tokens/signing-key.ts'
import type { Bench, BenchContext, Row } from './bench.ts'
import { thereAndBack } from './support/alternate.ts'
import { type AskLoad, askLoad } from './support/ask-load.ts'
import { type Policed, recordFor, requestsFor } from './support/authorization-record.ts'
import { distributionProxies } from './support/distribution-proxies.ts'
import { Forked } from './support/forked.ts'
import type { GatewayWork } from './support/gateway-process.ts'
import { processorMicroseconds } from './support/processor-time.ts'
import type { ProxyWork } from './support/proxy-process.ts'
import { median, quantile, ratios } from './support/statistics.ts'

const REFERENCE = 'undici'
const OURS = 'ringfence, all checks'
const PLAIN_PROXIES = ['node-http', 'undici', '@fastify/http-proxy', 'http-proxy-3'] as const

interface Contender {
  readonly name: string
  readonly url: string
  readonly process: ChildProcess
}

export const bench: Bench = {
  title: 'what a front door adds: proxies before one service, and the gateway with its checks',
  async run(context) {
    const forked = new Forked()
    const stopping: ChildProcess[] = []
    try {
      const realmKey = await SigningKey.create('ES256')
      const { answer: upstream } = await forked.begin<ProxyWork, string>('proxy-process', {
        kind: 'service',
        upstream: '',
      })
      const contenders: Contender[] = []
      for (const one of await distributionProxies(upstream, context.directory)) {
        stopping.push(one.process)
        contenders.push(one)
      }
      for (const kind of PLAIN_PROXIES) {
        const work: ProxyWork = { kind, upstream }
        const { child, answer } = await forked.begin<ProxyWork, string>('proxy-process', work)
        contenders.push({ name: kind, url: answer, process: child })
      }
      const record = recordFor(upstream, realmKey, JUDGED)
      const contextKey = (await SigningKey.create('ES256')).privateJwk
      for (const [name, bare] of [
        ['ringfence, checks left out', true],
        [OURS, false],
      ] as const) {
        const work: GatewayWork = { kind: 'gateway', contextKey, record, bare }
        const { child, answer } = await forked.begin<GatewayWork, string>('gateway-process', work)
        contenders.push({ name, url: answer, process: child })
      }
      const { child: load } = await forked.begin<'begin', 'ready'>('load-process', 'begin')
      const ask = askLoad(load, await requestsFor(realmKey))
      const rows = await measure(context, contenders, upstream, ask)
      return [...rows, ...memoryRows(context)]
    } finally {
      forked.stop()
      for (const one of stopping) one.kill()
    }
  },
}

/** What is judged of each request: a tenant's limits, and policies that forbid something else. */
const JUDGED: Policed = {
  limits: 'limits',
  policies: [
    {
      id: 'no-traces',
      text: 'forbid (principal, action, resource) when { context.method == "TRACE" };',
    },
  ],
  more: [
    {
      id: 'not-from-abroad',
      text: 'forbid (principal, action, resource) when { context.method == "PATCH" };',
    },
  ],
}

async function measure(
  { quick, say }: BenchContext,
  contenders: readonly Contender[],
  upstream: string,
  ask: AskLoad,
): Promise<readonly Row[]> {
  const rounds = quick ? 2 : 5
  const ms = quick ? 400 : 2_500
  // Long enough for each to be compiled as it stays: the more there is of one, the longer that takes.
  for (const { url } of contenders) await ask(url, quick ? 300 : 4_000)
  const seen = new Map<string, Seen>(contenders.map(({ name }) => [name, { rate: [], cost: [] }]))
  for (let round = 0; round < rounds; round += 1) {
    say(`saturated, round ${round + 1} of ${rounds}`)
    for (const { name, url, process } of thereAndBack(contenders, round)) {
      const before = processorMicroseconds(process.pid)
      const { answers, seconds } = await ask(url, ms)
      seen.get(name)?.rate.push(answers / seconds)
      seen.get(name)?.cost.push((processorMicroseconds(process.pid) - before) / answers)
    }
  }
  const rateOf = (name: string) => seen.get(name)?.rate ?? []
  const rows = contenders.flatMap(({ name }) => saturationRows(name, seen))
  rows.push(aimRow('@fastify/http-proxy', 1.2, rateOf), aimRow(REFERENCE, 0.8, rateOf))
  const half = Math.round(median(rateOf(OURS)) / 2)
  say(`half load: ${half} requests a second`)
  const direct: number[][] = []
  const latencies = new Map<string, number[][]>(contenders.map(({ name }) => [name, []]))
  const lateParts: number[] = []
  const pacedTo = async (url: string) => {
    // A process that did nothing for a while is slow at first, and so is one that was just saturated.
    await ask(url, quick ? 100 : 1_000, half)
    const { latencies: seenOf, late } = await ask(url, ms, half)
    lateParts.push((100 * late) / seenOf.length)
    return [...seenOf]
  }
  for (let round = 0; round < rounds; round += 1) {
    direct.push(await pacedTo(upstream))
    for (const { name, url } of thereAndBack(contenders, round)) {
      latencies.get(name)?.push(await pacedTo(url))
    }
  }
  rows.push(lateRow(lateParts, half), latencyRow('the service itself', direct, half))
  for (const { name } of contenders) {
    const row = latencyRow(name, latencies.get(name) ?? [], half)
    rows.push(name === OURS ? withAdded(row, direct, latencies.get(name) ?? []) : row)
  }
  return rows
}

/** What configured tenants take: cold, and in all when each was asked for once. */
function memoryRows({ quick, say }: BenchContext): readonly Row[] {
  return (quick ? [10, 2_000] : [10, 10_000, 100_000]).flatMap((tenants) => {
    say(`memory of ${tenants} tenants`)
    const script = join(import.meta.dirname, 'support', 'tenant-memory.ts')
    const run = spawnSync(process.execPath, ['--expose-gc', script], {
      input: JSON.stringify({ tenants }),
      encoding: 'utf8',
    })
    if (run.status !== 0) throw new Error(run.stderr)
    const { cold, touched } = JSON.parse(run.stdout) as Readonly<Record<'cold' | 'touched', number>>
    const named = (what: string) => `${what}, ${tenants.toLocaleString('en')} tenants`
    const each = cold / tenants
    return [
      {
        what: named('memory of a cold tenant'),
        unit: 'bytes',
        n: 1,
        p50: Math.round(each),
        ...(tenants < MANY ? {} : { aim: { text: '<= 2000', met: each <= 2_000 } }),
      },
      {
        what: named('memory more when each was asked for once'),
        unit: 'MiB',
        n: 1,
        p50: Math.max(0, touched) / 2 ** 20,
      },
    ]
  })
}
/** What is there once, however many there are, is then a small part. */
const MANY = 10_000

interface Seen {
  readonly rate: number[]
  readonly cost: number[]
}

function saturationRows(name: string, seen: ReadonlyMap<string, Seen>): Row[] {
  const { rate, cost } = seen.get(name) ?? { rate: [], cost: [] }
  const reference = seen.get(REFERENCE) ?? { rate: [], cost: [] }
  return [
    {
      what: `${name}: saturated`,
      unit: 'requests/s',
      n: rate.length,
      p50: median(rate),
      ...ratios(rate, reference.rate),
      reference: REFERENCE,
    },
    {
      what: `${name}: processor time a request`,
      unit: 'us',
      n: cost.length,
      p50: median(cost),
      ...ratios(cost, reference.cost),
      reference: REFERENCE,
    },
  ]
}

function aimRow(other: string, least: number, rateOf: (name: string) => readonly number[]): Row {
  const compared = ratios(rateOf(OURS), rateOf(other))
  return {
    what: `${OURS}, by ${other}`,
    unit: 'requests/s',
    n: rateOf(OURS).length,
    p50: median(rateOf(OURS)),
    ...compared,
    reference: other,
    aim: { text: `>= ${least.toFixed(2)}x`, met: compared.ratio >= least },
  }
}

/** Where it is more than a few, what is below is how long crowds take. */
function lateRow(parts: readonly number[], half: number): Row {
  const sorted = Float64Array.from(parts).sort()
  return {
    what: `begun late by the load itself: ${half} requests/s`,
    unit: '%',
    n: sorted.length,
    p50: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
  }
}

function latencyRow(name: string, rounds: readonly (readonly number[])[], half: number): Row {
  const sorted = Float64Array.from(rounds.flat()).sort()
  return {
    what: `${name}: ${half} requests/s`,
    unit: 'ms',
    n: sorted.length,
    p50: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
    p999: quantile(sorted, 0.999),
  }
}

/** By the median over the rounds of what the 99th percentile is more than the service's own. */
function withAdded(
  row: Row,
  direct: readonly (readonly number[])[],
  through: readonly (readonly number[])[],
): Row {
  const p99 = (round: readonly number[] = []) => quantile(Float64Array.from(round).sort(), 0.99)
  const added = median(through.map((round, index) => p99(round) - p99(direct[index])))
  return { ...row, aim: { text: `p99 added <= 1 ms (${added.toFixed(2)})`, met: added <= 1 } }
}
