import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { LEASE_TTL_SECONDS_MAX, LEASE_TTL_SECONDS_MIN, type Scope } from '../../core/lease.ts'
import { assertEnded, type Obligation, opens, refused, take, uniqueText, using } from './trial.ts'

const ONE_SECOND_MS = 1000

export const LEASE_OBLIGATIONS: readonly Obligation[] = [
  {
    title: "a lease reads and writes its own tenant's data and no other's",
    async check(trial) {
      const { alpha, beta } = trial
      const [ofAlpha, ofBeta] = [uniqueText('alpha'), uniqueText('beta')]
      const [a, b] = await Promise.all([take(trial, alpha), take(trial, beta)])
      await using(trial, a, (session) => session.write(ofAlpha))
      await using(trial, b, (session) => session.write(ofBeta))
      const seenByAlpha = await using(trial, a, (session) => session.read())
      const seenByBeta = await using(trial, b, (session) => session.read())
      assert.ok(seenByAlpha.includes(ofAlpha) && !seenByAlpha.includes(ofBeta))
      assert.ok(seenByBeta.includes(ofBeta) && !seenByBeta.includes(ofAlpha))
      await trial.boundary.revoke(alpha)
      await trial.boundary.revoke(beta)
    },
  },
  {
    title: 'a read lease reads and cannot write',
    async check(trial) {
      const { alpha } = trial
      const [kept, refusedText] = [uniqueText('kept'), uniqueText('refused')]
      const [writer, reader] = await Promise.all([take(trial, alpha), take(trial, alpha, 'read')])
      await using(trial, writer, (session) => session.write(kept))
      const seen = await using(trial, reader, (session) => session.read())
      assert.ok(seen.includes(kept))
      await assert.rejects(using(trial, reader, (session) => session.write(refusedText)))
      const after = await using(trial, writer, (session) => session.read())
      assert.ok(!after.includes(refusedText))
      await trial.boundary.revoke(alpha)
    },
  },
  {
    title: 'a lease says whose it is, what it may do and how long',
    async check(trial) {
      const { alpha, boundary, tier } = trial
      for (const scope of ['read', 'write'] satisfies Scope[]) {
        const lease = await take(trial, alpha, scope, { ttlSeconds: 120 })
        assert.equal(lease.tenant, alpha)
        assert.equal(lease.boundary, boundary.engine)
        assert.equal(lease.tier, tier)
        assert.equal(lease.scope, scope)
        assert.equal(lease.lease_duration, 120)
        assert.equal(lease.expires_at.getTime() - lease.issued_at.getTime(), 120_000)
      }
      await boundary.revoke(alpha)
    },
  },
  {
    title: 'a lifetime, scope or holder outside the policy is refused and leaves no entry',
    async check({ alpha, boundary }) {
      const before = (await boundary.leases(alpha)).length
      const bad = [
        0,
        -1,
        Number.NaN,
        LEASE_TTL_SECONDS_MIN / 2,
        LEASE_TTL_SECONDS_MAX + 1,
        Infinity,
      ]
      for (const ttlSeconds of bad) {
        const request = { scope: 'read', holder: 'conformance', ttlSeconds } as const
        await refused(boundary.lease(alpha, request), 'invalid_argument')
      }
      for (const scope of ['', 'export', 'admin', 'READ'] as unknown as Scope[]) {
        const request = { scope, holder: 'conformance' }
        await refused(boundary.lease(alpha, request), 'invalid_argument')
      }
      for (const holder of ['', '\0', 'a\nb', 'h'.repeat(10_000)]) {
        await refused(boundary.lease(alpha, { scope: 'read', holder }), 'invalid_argument')
      }
      assert.equal((await boundary.leases(alpha)).length, before)
    },
  },
  {
    title: 'a lease ends at its expiry: no new session then, and none left after a sweep',
    async check(trial) {
      const { alpha, beta, boundary, subject } = trial
      const other = await subject.connect(await take(trial, beta))
      const lease = await take(trial, alpha, 'write', { ttlSeconds: 1 })
      const session = await subject.connect(lease)
      await session.read()
      await sleep(lease.expires_at.getTime() - Date.now() + ONE_SECOND_MS / 10)
      assert.equal(await opens(trial, lease), false)
      const swept = await boundary.sweep()
      assert.ok(swept.leasesExpired >= 1)
      assert.ok(swept.sessionsEnded >= 1)
      await assertEnded(session)
      const [record] = await boundary.leases(alpha)
      assert.equal(record?.lease_id, lease.lease_id)
      assert.equal(record.ended_why, 'expired')
      assert.ok(record.ended_at instanceof Date)
      await other.read()
      await other.close()
      await boundary.revoke(beta)
    },
  },
  {
    title: 'a new lease never interrupts a live one, and a sweep leaves both alone',
    async check(trial) {
      const { alpha, boundary, subject } = trial
      const first = await take(trial, alpha)
      const session = await subject.connect(first)
      const later = [await take(trial, alpha), await take(trial, alpha), await take(trial, alpha)]
      await boundary.sweep()
      await session.read()
      await session.close()
      for (const lease of [first, ...later]) assert.ok(await opens(trial, lease))
      await boundary.revoke(alpha)
    },
  },
  {
    title: 'two leases used in turn serve without a gap, however often they are renewed',
    async check(trial) {
      const { alpha, boundary, subject } = trial
      let current = await take(trial, alpha)
      for (let round = 0; round < 12; round += 1) {
        const session = await subject.connect(current)
        const next = await take(trial, alpha)
        await session.read()
        await session.close()
        assert.ok(await opens(trial, next))
        await boundary.revoke(alpha, current.lease_id)
        assert.equal(await opens(trial, current), false)
        current = next
      }
      assert.ok(await opens(trial, current))
      await boundary.revoke(alpha)
    },
  },
  {
    title: 'the ledger lists the newest first, with who asked for what, and no secret',
    async check(trial) {
      const { alpha, beta, boundary } = trial
      const older = await take(trial, alpha, 'read', { holder: 'first of two' })
      const newer = await take(trial, alpha, 'write', { holder: 'second of two' })
      const records = await boundary.leases(alpha)
      assert.deepEqual(
        records.slice(0, 2).map(({ lease_id, tenant, scope, holder, ended_at }) => {
          return { lease_id, tenant, scope, holder, ended_at }
        }),
        [newer, older].map((lease) => ({
          lease_id: lease.lease_id,
          tenant: alpha,
          scope: lease.scope,
          holder: lease === newer ? 'second of two' : 'first of two',
          ended_at: undefined,
        })),
      )
      const text = JSON.stringify(records)
      for (const [field, value] of Object.entries(newer.credential)) {
        assert.ok(!text.includes(JSON.stringify(value)), `the ledger tells the ${field}`)
      }
      const listed = new Set((await boundary.leases(beta)).map((record) => record.lease_id))
      assert.ok(!listed.has(older.lease_id) && !listed.has(newer.lease_id))
      await boundary.revoke(alpha)
    },
  },
]
