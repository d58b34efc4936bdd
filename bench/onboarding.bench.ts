import type { Tier } from '../src/core/tenant.ts'
import type { Bench, BenchContext, Row } from './bench.ts'
import { tenantNamed } from './support/arena.ts'
import { Forked } from './support/forked.ts'
import type { GatewayWork } from './support/gateway-process.ts'
import { type Lived, onboard, stepMs } from './support/lifecycle.ts'
import { type BenchPlatform, openPlatform, SERVICE } from './support/platform.ts'
import { median, percentiles, ratios } from './support/statistics.ts'
import { suspensions } from './support/suspension.ts'

const AIM_MS = { pooled: 1_000, silo: 15_000 }
const UPSTREAM: GatewayWork = { kind: 'upstream' }
const REFERENCE = 'provision and live checks, asked of the cell directly'

export const bench: Bench = {
  title: 'tenants onboarded, suspended and resumed through the control API, to the last process',
  async run(context) {
    const { directory, quick } = context
    const forked = new Forked()
    const services = async () => {
      const upstream = await forked.start<GatewayWork, string>('gateway-process', UPSTREAM)
      return [{ name: SERVICE, upstream, prefix: '/' }]
    }
    const platform = await openPlatform({ directory, services })
    try {
      return [
        ...(await oneByOne(platform, 'pooled', quick ? 3 : 20, context)),
        ...(await together(platform, context)),
        ...(await oneByOne(platform, 'bridge', quick ? 1 : 6, context)),
        ...(await silos(platform, context)),
        ...(await suspensions(platform, forked, quick ? 3 : 100, context)),
      ]
    } finally {
      await platform.close()
      forked.stop()
    }
  },
}

/** Beside the same two steps without a control plane, in turn. The first round warms up. */
async function oneByOne(
  platform: BenchPlatform,
  tier: Tier,
  perRound: number,
  { quick, say }: BenchContext,
): Promise<readonly Row[]> {
  const rounds = quick ? 1 : 5
  const whole: number[][] = []
  const direct: number[][] = []
  for (let round = 0; round <= rounds; round += 1) {
    say(`${tier}, round ${round} of ${rounds}`)
    const mine: number[] = []
    const reference: number[] = []
    for (let n = 0; n < perRound; n += 1) {
      const id = `${tier}-${round}-${n}`
      reference.push(await alone(platform, `direct-${id}`, tier))
      mine.push((await onboard(platform, id, tier)).milliseconds)
    }
    if (round === 0) continue
    whole.push(mine)
    direct.push(reference)
  }
  const row = percentiles(whole.flat())
  return [
    { what: `${tier}: ${REFERENCE}`, unit: 'ms', ...percentiles(direct.flat()) },
    {
      what: `${tier}: from the call to active`,
      unit: 'ms',
      ...row,
      ...ratios(whole.map(median), direct.map(median)),
      reference: REFERENCE,
      ...(tier === 'pooled' ? { aim: within(row.p50, AIM_MS.pooled, 'p50') } : {}),
    },
  ]
}

async function alone({ cell }: BenchPlatform, id: string, tier: Tier): Promise<number> {
  const tenant = tenantNamed(id, tier)
  const began = performance.now()
  await cell.provision(tenant)
  const checks = await cell.smoke(tenant.id)
  if (checks.some(({ held }) => !held)) throw new Error(`a live check of ${id} did not hold`)
  return performance.now() - began
}

async function together(
  platform: BenchPlatform,
  { quick, say }: BenchContext,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const callers of quick ? [4] : [1, 4, 16]) {
    say(`pooled, ${callers} callers`)
    const count = quick ? 8 : 160
    const waiting = Array.from({ length: count }, (_, n) => `many-${callers}-${n}`)
    const times: number[] = []
    const began = performance.now()
    const caller = async () => {
      for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
        times.push((await onboard(platform, id)).milliseconds)
      }
    }
    await Promise.all(Array.from({ length: callers }, caller))
    const perMinute = (count / (performance.now() - began)) * 60_000
    const label = (what: string) => `pooled, ${callers} callers: ${what}`
    rows.push(
      { what: label('from the call to active'), unit: 'ms', ...percentiles(times) },
      { what: label('tenants a minute'), unit: '/min', n: count, p50: perMinute },
    )
  }
  return rows
}

async function silos(
  platform: BenchPlatform,
  { quick, say }: BenchContext,
): Promise<readonly Row[]> {
  const lived: Lived[] = []
  for (let n = 0; n < (quick ? 2 : 12); n += 1) {
    say(`silo ${n + 1}`)
    lived.push(await onboard(platform, `silo-${n}`, 'silo'))
  }
  const [first, ...later] = lived
  if (first === undefined) return []
  const row = percentiles(later.map(({ milliseconds }) => milliseconds))
  return [
    {
      what: 'first silo, with the seed that others are copied from: from the call to active',
      unit: 'ms',
      n: 1,
      p50: first.milliseconds,
      aim: within(first.milliseconds, AIM_MS.silo, ''),
    },
    {
      what: 'silo: from the call to active',
      unit: 'ms',
      ...row,
      aim: within(row.p99, AIM_MS.silo, 'p99'),
    },
    {
      what: 'silo: of that, its place is made',
      unit: 'ms',
      ...percentiles(later.map(({ workflow }) => stepMs(workflow, 'provision'))),
    },
  ]
}

function within(value: number, most: number, percentile: string): NonNullable<Row['aim']> {
  return { text: `${percentile} <= ${most} ms`.trim(), met: value <= most }
}
