import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import {
  auditLedger,
  sessionsOfEnded,
} from '../../src/boundaries/postgres/leases/audit-ledger.test-support.ts'
import {
  opens,
  tenant,
  type TestSite,
} from '../../src/boundaries/postgres/test-site.test-support.ts'
import { killAt } from './victim.test-support.ts'

const LATEST_MS = 400

/**
 * Kills processes that lease, connect, end and sweep, each at a random moment, while the ledger is
 * held against the logins without a pause; then shows that the next process finds everything.
 */
export async function killAtRandom(
  place: TestSite,
  ledger: pg.Client,
  rounds: number,
): Promise<void> {
  const acme = tenant('acme')
  const done = new AbortController()
  let audits = 0
  const auditing = (async () => {
    while (!done.signal.aborted) {
      // One statement, so one snapshot: it may not find them out of step at any moment.
      assert.deepEqual(await auditLedger(ledger, place.names), [])
      audits += 1
    }
  })()
  try {
    for (let round = 0; round < rounds; round += 1) {
      await Promise.race([killAt('anywhere', place, 'acme', Math.random() * LATEST_MS), auditing])
    }
  } finally {
    done.abort()
  }
  await auditing
  assert.ok(audits > rounds)
  // All that they had leased was for one second.
  await sleep(1100)
  await place.boundary.sweep()
  const live = (await place.boundary.leases(acme)).filter((one) => one.ended_at === undefined)
  assert.deepEqual(live, [])
  assert.deepEqual(await sessionsOfEnded(ledger, place.names), [])
  const key = (await place.boundary.find(acme))?.key ?? assert.fail()
  const { rowCount } = await ledger.query(
    `select from pg_roles where rolcanlogin and rolname ~ $1`,
    [key.replaceAll('-', '')],
  )
  assert.equal(rowCount, 0, 'a login was left')
  const { rowCount: undrained } = await ledger.query(
    'select from custody.lease where not drained and key = $1',
    [key],
  )
  assert.equal(undrained, 0, 'a login is lost to the tenant')
  const { credential } = await place.boundary.lease(acme, { scope: 'write', holder: 'survivor' })
  assert.ok(await opens(credential))
  await place.boundary.revoke(acme)
}
