import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { findDistributionBinaries } from '../../../clusters/server-binaries.ts'
import { GROUND } from '../rehearsal/ground.ts'
import { startTestSite, type TestSite } from '../test-site.test-support.ts'
import { inspectSite } from './inspect.ts'
import { wide } from './rule-trials.test-support.ts'

/** One weakening of each kind, and the rule that must notice it, on every version alike. */
const WEAKENED: Readonly<Record<string, string>> = {
  'drop policy ringfence_guard on ground.note': 'pg-guard-missing',
  'create unique index on ground.note (title)': 'pg-unique-without-tenant',
  'grant update on ground.note to rf_write': 'pg-excess-privilege',
  'grant select (hidden_remark) on ground.note to rf_read': 'pg-grant-not-named',
  'alter view ground.open_note owner to current_user; alter view ground.open_note reset (security_invoker)':
    'pg-view-runs-as-owner',
  'alter function ground.loud(text) leakproof': 'pg-leakproof-function',
  'alter function rf.tenant() volatile': 'pg-own-function-altered',
  'alter event trigger ringfence_guard disable': 'pg-guard-rail-off',
  'grant select on pg_stats to public': 'pg-system-view-open',
  'grant execute on function pg_advisory_lock(bigint) to public': 'pg-system-function-open',
  'alter function pg_catalog.textlike(text, text) leakproof': 'pg-system-leakproof',
  'grant temporary on database ground to public': 'pg-temp-open',
  'alter role rf_write bypassrls': 'pg-role-attribute',
  'grant pg_read_all_data to rf_read': 'pg-membership',
  'grant connect on database rf_custody to public': 'pg-custody-database-open',
}

for (const { version, binaries } of findDistributionBinaries()) {
  let site: TestSite
  let past: pg.Client

  before(async () => {
    site = await startTestSite({ application: GROUND, bridges: true, cluster: { binaries } })
    await site.provision('a')
    await site.provision('b', 'bridge')
    for (const id of ['a', 'b']) await site.login(id)
    past = await site.admin()
    await past.query('set session_replication_role = replica')
  })
  after(() => site.stop())

  test(`a clean installation on PostgreSQL ${version} has no finding that fails a proof`, async () => {
    assert.deepEqual(wide(await inspectSite(site.site, { throwAway: true })), [])
  })

  for (const [sql, rule] of Object.entries(WEAKENED)) {
    test(`on PostgreSQL ${version} ${rule} notices: ${sql}`, async () => {
      await past.query(sql)
      const found = await inspectSite(site.site, { throwAway: true })
      const fixes = found.filter(({ severity }) => severity !== 'info').map(({ fix }) => fix)
      assert.ok(found.some((finding) => finding.rule === rule))
      await past.query(
        rule === 'pg-unique-without-tenant'
          ? 'drop index ground.note_title_idx'
          : fixes.filter((fix) => fix !== undefined).join(';\n'),
      )
      assert.deepEqual(wide(await inspectSite(site.site, { throwAway: true })), [])
    })
  }
}
