import type { ChildProcess } from 'node:child_process'
import { RESERVED_PART_OF_RATE } from '../src/limits/reserve.ts'
import { type LimitsRedis, startLimitsRedis } from '../test/engines/limits-redis.ts'
import type { Bench, BenchContext, Row } from './bench.ts'
import { answerOf, Forked } from './support/forked.ts'
import type { LimitsRound, LimitsSeen, LimitsWork } from './support/limits-process.ts'
import { percentiles } from './support/statistics.ts'

/** Limits, and how much more is asked for than each allows. */
const LIMITS = [
  { what: '1,000 a second, burst 500', everyMs: 1, burst: 500 },
  { what: '50 a second, burst 10', everyMs: 20, burst: 10 },
]
const DEMAND = 5
/** Of each second, milliseconds in which requests come. */
const ON_MS = 400

export const bench: Bench = {
  title: 'requests beyond a limit that gateways share through Redis, in the worst window',
  async run(context) {
    const redis = await startLimitsRedis().catch(() => undefined)
    if (redis === undefined) {
      context.say('there is no redis-server in the PATH: nothing is measured')
      return []
    }
    try {
      const rows: Row[] = []
      for (const count of context.quick ? [3] : [1, 2, 4, 8]) {
        rows.push(...(await measure(context, count, redis)))
      }
      rows.push(...(await measure(context, context.quick ? 3 : 4, undefined)))
      return rows
    } finally {
      await redis.stop()
    }
  },
}

async function measure(
  { quick, say }: BenchContext,
  count: number,
  redis: LimitsRedis | undefined,
): Promise<readonly Row[]> {
  const how = redis === undefined ? 'each by itself' : 'through Redis'
  say(`${count} gateways, ${how}`)
  const forked = new Forked()
  try {
    const gateways: ChildProcess[] = []
    for (let n = 0; n < count; n += 1) {
      const work: LimitsWork = redis === undefined ? {} : { redis: redis.settings }
      gateways.push((await forked.begin<LimitsWork, string>('limits-process', work)).child)
    }
    if (redis !== undefined) await knowEachOther(gateways)
    const rows: Row[] = []
    for (const { what, everyMs, burst } of LIMITS) {
      const seen: LimitsSeen[] = []
      const beyond: number[] = []
      const through: number[] = []
      for (let round = 0; round < (quick ? 1 : 5); round += 1) {
        const work: LimitsRound = {
          name: `bench-${count}-${burst}-${round}`,
          everyMs,
          burst,
          perMs: DEMAND / everyMs / count,
          onMs: ON_MS,
          ms: quick ? 1_000 : 4_000,
        }
        const answers = await Promise.all(gateways.map((gateway) => asked(gateway, work)))
        seen.push(...answers)
        const at = answers.flatMap((one) => one.at)
        beyond.push(mostBeyond(at, everyMs, burst))
        // Each time that requests come the burst is there, and what time brings meanwhile.
        through.push((at.length * 100) / ((work.ms / 1_000) * (burst + ON_MS / everyMs)))
      }
      const label = `${what}, ${count} gateways ${how}`
      rows.push({
        what: `${label}: requests beyond, in the worst window`,
        unit: 'requests',
        ...percentiles(beyond),
        ...(redis === undefined ? {} : aim(Math.max(...beyond), everyMs, burst, count)),
      })
      rows.push({
        what: `${label}: let through, of what the limit allows`,
        unit: '%',
        ...percentiles(through),
      })
      const us = seen.flatMap((one) => one.us)
      rows.push({ what: `${label}: one decision`, unit: 'us', ...percentiles(us) })
      const questions = seen.reduce((sum, one) => sum + one.asked, 0)
      rows.push({
        what: `${label}: questions to Redis for 1,000 decisions`,
        unit: 'questions',
        n: us.length,
        p50: (questions * 1000) / us.length,
      })
    }
    return rows
  } finally {
    forked.stop()
  }
}

/** What gateways may have in hand, and what each has just been granted. */
function aim(most: number, everyMs: number, burst: number, count: number) {
  const bound = Math.floor(Math.max(burst, 1000 / everyMs) * RESERVED_PART_OF_RATE) + count
  return { aim: { text: `<= ${bound} requests`, met: most <= bound } }
}

/** How many more than the burst and what time brings were let through, in whichever window it is most. */
function mostBeyond(at: readonly number[], everyMs: number, burst: number): number {
  let most = 0
  let least = Number.POSITIVE_INFINITY
  for (const [index, moment] of at.toSorted((a, b) => a - b).entries()) {
    least = Math.min(least, index - moment / everyMs)
    most = Math.max(most, index + 1 - moment / everyMs - least - burst)
  }
  return most
}

async function asked(gateway: ChildProcess, work: LimitsRound): Promise<LimitsSeen> {
  gateway.send(work)
  return answerOf<LimitsSeen>(gateway)
}

async function knowEachOther(gateways: readonly ChildProcess[]): Promise<void> {
  for (;;) {
    const known = await Promise.all(
      gateways.map((gateway) => {
        gateway.send('replicas')
        return answerOf<number>(gateway)
      }),
    )
    if (known.every((count) => count === gateways.length)) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
