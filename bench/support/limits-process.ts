import { parseTenantId } from '../../src/core/tenant.ts'
import { type Caller, limitId } from '../../src/limits/limit-key.ts'
import { Limiter } from '../../src/limits/limiter.ts'
import { type LimitsRedisSettings, RedisStore } from '../../src/limits/redis/redis-store.ts'
import type { RateLimit } from '../../src/limits/tenant-limits.ts'

/** What one gateway of the bench is told. */
export interface LimitsWork {
  /** Absent: it counts by itself. */
  readonly redis?: LimitsRedisSettings
}

export interface LimitsRound {
  /** A limit that was not asked for before has a name of its own. */
  readonly name: string
  readonly everyMs: number
  readonly burst: number
  /** Requests that come to this gateway in a millisecond, while they come. */
  readonly perMs: number
  /** Of each second, milliseconds in which they come. In the others the limit is there again, whole. */
  readonly onMs: number
  readonly ms: number
}

export interface LimitsSeen {
  /** When requests were let through, in milliseconds since 1970. */
  readonly at: readonly number[]
  /** Of each question, in microseconds. */
  readonly us: readonly number[]
  /** Questions that Redis was asked. */
  readonly asked: number
}

const TENANT = parseTenantId('acme')
const CALLER: Caller = {
  tenant: TENANT,
  api: 'clinic',
  home: TENANT,
  client: 'web',
  user: 'ann',
  address: '192.0.2.7',
}
const ROOM = { max: 1_000, maxPerTenant: 1_000, leastPerTenant: 100 }

process.once('message', (work: LimitsWork) => void serve(work))
process.once('disconnect', () => process.exit())

async function serve({ redis }: LimitsWork): Promise<void> {
  const store = redis && (await RedisStore.open({ settings: redis, onTrouble: () => undefined }))
  let asked = 0
  const counting = store && {
    get replicas() {
      return store.replicas
    },
    get away() {
      return store.away
    },
    take: (...wish: Parameters<RedisStore['take']>) => {
      asked += 1
      return store.take(...wish)
    },
    close: () => store.close(),
  }
  const limiter = new Limiter({ ...ROOM, store: counting })
  process.on('message', (message: LimitsRound | 'replicas') => {
    if (message === 'replicas') {
      process.send?.(store?.replicas ?? 1)
      return
    }
    asked = 0
    void round(limiter, message).then((seen) => process.send?.({ ...seen, asked }))
  })
  process.send?.('ready')
}

/** Requests come evenly while they come, whatever comes of those before. */
async function round(limiter: Limiter, work: LimitsRound): Promise<Omit<LimitsSeen, 'asked'>> {
  const limit: RateLimit = {
    id: limitId({ from: 'plan' }, 'rate', work.name),
    per: 'tenant',
    label: work.name,
    shared: true,
    policy: '',
    spec: { kind: 'rate', everyMs: work.everyMs, burst: work.burst },
  }
  const at: number[] = []
  const us: number[] = []
  const ask = async () => {
    const began = performance.now()
    const answer = limiter.take(CALLER, [{ limit, amount: 1 }])
    const verdict = answer instanceof Promise ? await answer : answer
    const now = performance.now()
    us.push((now - began) * 1000)
    if (verdict.refused === undefined) at.push(performance.timeOrigin + now)
  }
  const asking: Promise<void>[] = []
  const began = performance.now()
  let due = 0
  let before = began
  while (before < began + work.ms) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    const now = performance.now()
    if ((now - began) % 1_000 < work.onMs) due += (now - before) * work.perMs
    before = now
    for (; due >= 1; due -= 1) asking.push(ask())
  }
  await Promise.all(asking)
  return { at, us }
}
