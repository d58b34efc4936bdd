import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { TenantId } from '../../../core/tenant.ts'
import {
  type DirectorySite,
  startDirectorySite,
} from '../../directory/directory-site.test-support.ts'
import { LONGER_SECONDS, makeWaitsLong } from './long-waits.test-support.ts'
import { RULES, Throttle } from './throttle.ts'

let site: DirectorySite
let acme: TenantId
let blue: TenantId
let throttle: Throttle
before(async () => {
  site = await startDirectorySite()
  acme = await site.realm('acme')
  blue = await site.realm('blue')
  await makeWaitsLong(site.admin)
  throttle = new Throttle(site.database)
})
after(() => site.stop())

const pair = (of: string) => ({ kind: 'pair', of }) as const
const later = (seconds: number) =>
  site.admin.query(
    `update identity.throttle set open_at = open_at - make_interval(secs => $1),
       forgotten_at = forgotten_at - make_interval(secs => $1)`,
    [seconds],
  )
const count = async (bucket: string) =>
  (
    await site.admin.query<{ count: number }>(
      'select count from identity.throttle where tenant = $1 and bucket = $2',
      [acme, bucket],
    )
  ).rows[0]?.count

test('a flood at once gets as many tries as one after the other', async () => {
  const waits = await Promise.all(
    Array.from({ length: 40 }, () => throttle.take(acme, [pair('flood')])),
  )
  // The first that is not free is let through, and closes the bucket.
  assert.equal(waits.filter((wait) => wait === 0).length, RULES.pair.free + 1)
})

test('each try that is not free doubles the wait, up to a limit', async () => {
  const waits: number[] = []
  for (let tries = 1; tries <= 30; tries++) {
    assert.equal(await throttle.take(acme, [pair('grows')]), 0)
    // Both times were counted from one moment: their distance is exact.
    const { rows } = await site.admin.query<{ wait: number }>(
      `update identity.throttle set open_at = now() where bucket = 'pair:grows'
       returning extract(epoch from old.open_at - forgotten_at)::int + $1 as wait`,
      [RULES.pair.forgetSeconds - LONGER_SECONDS],
    )
    if (tries > RULES.pair.free) waits.push(rows[0]?.wait ?? 0)
  }
  assert.deepEqual(waits.slice(0, 5), [1, 2, 4, 8, 16])
  assert.equal(Math.max(...waits), RULES.pair.waitSecondsMax)
})

test('what was counted is forgotten after a time without a try', async () => {
  for (let tries = 0; tries <= RULES.pair.free; tries++) await throttle.take(acme, [pair('old')])
  assert.ok((await throttle.take(acme, [pair('old')])) > 0)
  await later(RULES.pair.forgetSeconds + 1)
  for (let tries = 0; tries < RULES.pair.free; tries++) {
    assert.equal(await throttle.take(acme, [pair('old')]), 0)
  }
})

test('one closed bucket counts nothing in the others, and keeps its own wait', async () => {
  const closed = pair('closed')
  for (let tries = 0; tries <= RULES.pair.free; tries++) await throttle.take(acme, [closed])
  const address = { kind: 'address', of: 'x' } as const
  for (let tries = 0; tries < 5; tries++) {
    assert.ok((await throttle.take(acme, [address, closed])) > 0)
  }
  assert.equal(await count('address:x'), undefined)
  assert.equal(await count('pair:closed'), RULES.pair.free + 1)
})

test('what is counted in one realm is nothing in another', async () => {
  const account = { kind: 'realm', of: 'all' } as const
  await site.admin.query(
    `insert into identity.throttle values ('acme', 'realm:all', 9000, now() + interval '9 hours',
       now() + interval '9 hours')`,
  )
  assert.equal(await throttle.take(blue, [account]), 0)
  await site.admin.query(
    `insert into identity.throttle values ('blue', 'realm:more', 9, now() + interval '1 hour',
       now() + interval '2 hours')`,
  )
  assert.ok((await throttle.take(acme, [account])) > 5 * 3_600)
  const wait = await throttle.take(blue, [account, { kind: 'realm', of: 'more' }])
  assert.ok(wait > 0 && wait <= 3_600, 'its own wait alone')
})

test('a good try is taken back, and many at once do not block each other', async () => {
  const buckets = [
    { kind: 'realm', of: 'r' },
    { kind: 'account', of: 'a' },
    { kind: 'pair', of: 'p' },
    { kind: 'address', of: 'n' },
  ] as const
  const work = Array.from({ length: 30 }, async (_, n) => {
    const some = n % 2 === 0 ? buckets : buckets.toReversed()
    if ((await throttle.take(acme, some)) === 0) await throttle.giveBack(acme, some)
  })
  await Promise.all(work)
  assert.equal(await count('realm:r'), 0)
  await throttle.forget(acme, buckets)
  assert.equal(await count('realm:r'), undefined)
})

test('a sweep leaves what still counts', async () => {
  await throttle.take(acme, [pair('gone')])
  await later(RULES.pair.forgetSeconds + 1)
  await throttle.take(acme, [pair('here')])
  await throttle.sweep()
  assert.equal(await count('pair:gone'), undefined)
  assert.equal(await count('pair:here'), 1)
})
