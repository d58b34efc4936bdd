import type { LimitConfig } from '../contracts/limit.ts'
import type { GatewayAttack } from './attacks.test-support.ts'
import { type Ask, type Door, tokenOf, until } from './door.test-support.ts'

const common = { name: 'attacked', per: 'tenant' } as const
const everyUser: LimitConfig = { ...common, kind: 'rate', per: 'user', requests: 2, seconds: 3_600 }

/** More requests than one limit of the tenant's own allows. */
function beyond(
  against: string,
  title: string,
  limit: LimitConfig,
  asks: readonly Partial<Ask>[],
  allowed: number,
): GatewayAttack {
  return {
    title,
    against,
    async run(door: Door) {
      door.source.change('acme', { limits: [limit] })
      const token = tokenOf('acme')
      for (const ask of asks) await door.ask({ path: '/t/acme/clinic/x', token, ...ask })
      return door.upstream.seen.length > allowed
    },
  }
}

export const LIMIT_ATTACKS: readonly GatewayAttack[] = [
  beyond(
    'quota',
    'more requests than are left of the month',
    { ...common, kind: 'quota', unit: 'requests', amount: 2, period: 'month' },
    [{}, {}, {}],
    2,
  ),
  beyond(
    'quota',
    'another request when the bytes of the day are used up',
    { ...common, kind: 'quota', unit: 'bytes', amount: 20, period: 'day' },
    [{ method: 'POST', body: 'x'.repeat(30) }, {}],
    1,
  ),
  {
    title: 'a request of a tenant that has used up what it may use',
    against: 'usage-quota',
    async run(door) {
      const until = new Date(Date.now() + 60_000).toISOString()
      door.source.change('acme', {
        spent: [{ name: 'calls', meter: 'requests', until, hard: true }],
      })
      await door.ask({ path: '/t/acme/clinic/x', token: tokenOf('acme') })
      return door.upstream.seen.length > 0
    },
  },
  beyond(
    'rate',
    'a user who asks by another method each time',
    everyUser,
    [{}, { method: 'HEAD' }, { method: 'OPTIONS' }],
    2,
  ),
  beyond(
    'rate',
    'a caller who names another address each time',
    { ...everyUser, per: 'address' },
    [1, 2, 3].map((n) => ({ headers: ['x-forwarded-for', `192.0.2.${n}`] })),
    2,
  ),
  beyond(
    'rate',
    'a user by whose token each request is another one',
    everyUser,
    [1, 2, 3].map((n) => ({ token: tokenOf('acme', { jti: `${n}`, client_id: `c-${n}` }) })),
    2,
  ),
  {
    title: 'more requests of one user at once than it may have',
    against: 'concurrency',
    async run(door) {
      const limit: LimitConfig = { ...common, kind: 'concurrency', per: 'user', requests: 1 }
      door.source.change('acme', { limits: [limit] })
      return hangs(door, 2, 1)
    },
  },
  {
    title: 'more requests at once than the gateway has seats',
    against: 'admission',
    options: { limits: { concurrent: 2, concurrentPerTenant: 9, queue: 9, queueMs: 20 } },
    run: (door) => hangs(door, 4, 2),
  },
  {
    title: 'a tenant that leaves no seat to another',
    against: 'admission',
    options: { limits: { concurrent: 3, concurrentPerTenant: 9, queue: 9, queueMs: 60 } },
    async run(door) {
      const token = tokenOf('acme')
      const asking = [1, 2, 3, 4].map(() => door.ask({ path: '/t/acme/clinic/hang', token }))
      await until(() => door.upstream.hanging.length >= 2)
      const path = '/t/globex/clinic/x'
      const { status } = await door.ask({ path, token: tokenOf('globex') })
      await until(() => door.lines.length + door.upstream.hanging.length >= 5)
      for (const response of door.upstream.hanging) response.end()
      await Promise.all(asking)
      return status !== 200
    },
  },
]

/** Requests that never end. True when more than so many came through. */
async function hangs(door: Door, count: number, allowed: number): Promise<boolean> {
  const token = tokenOf('acme')
  const asking = Array.from({ length: count }, () =>
    door.ask({ path: '/t/acme/clinic/hang', token }),
  )
  await until(() => door.lines.length + door.upstream.hanging.length >= count)
  const through = door.upstream.hanging.length > allowed
  for (const response of door.upstream.hanging) response.end()
  await Promise.all(asking)
  return through
}
