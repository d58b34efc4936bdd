import { literal } from '../connection.ts'
import type { Side } from '../rehearsal/side.ts'
import type { Session } from '../rehearsal/session.ts'
import { nameOf } from './object-names.ts'
import {
  attack,
  attackerEverywhere,
  type Duel,
  must,
  type PostgresAttack,
  runAll,
} from './postgres-attack.ts'
import { arrangeQuietly } from './arrange.ts'

/** What the system's own tables, views and functions tell about others. */
export const CATALOG: readonly PostgresAttack[] = [
  attack(
    {
      id: 'pg-every-catalog',
      title:
        'Every table and view of pg_catalog and of the greater part of information_schema, searched for the victim',
      kind: 'existence',
      references: ['PG-57', 'PG-63', 'PG-69', 'CVE-2024-4317'],
    },
    {
      async owner(duel) {
        const { victim, asAdmin } = duel
        const admin = await asAdmin()
        const hits = await searchCatalogs(admin, await relations(admin), victim, 1)
        must(hits > 0, 'be found in the catalogs by the administrator')
        return 'closed to every tenant: the administrator found the owner in a catalog'
      },
      async attempt(duel) {
        const names = await relations(await duel.asAdmin())
        const { sessions, there } = await attackerEverywhere(duel)
        let hits = 0
        for (const session of sessions)
          hits += await searchCatalogs(session, names, duel.victim, names.length)
        return { crossed: hits > 0, met: `found in ${hits} of ${names.length} catalogs${there}` }
      },
    },
  ),
  attack(
    {
      id: 'pg-activity',
      title: "The victim's running statement and application name, in the views of activity",
      kind: 'read',
      references: ['PG-57', 'PG-7'],
    },
    {
      async owner(duel) {
        const admin = await duel.asAdmin()
        await sayCanary(duel)
        await runAll(admin, ACTIVITY)
        must(admin.hasSeen(duel.victim.canary), 'be seen by the administrator')
        return 'closed to every tenant: the administrator saw the owner’s statement'
      },
      async attempt(duel) {
        await sayCanary(duel)
        const { sessions, there } = await attackerEverywhere(duel)
        let met = ''
        for (const session of sessions) met += await runAll(session, ACTIVITY)
        return { crossed: false, met: `${met}${there}` }
      },
    },
  ),
  attack(
    {
      id: 'pg-planner-statistics',
      title: 'Most common values and histograms of columns',
      kind: 'read',
      references: ['PG-58', 'PG-69', 'CVE-2024-4317'],
    },
    {
      async owner(duel) {
        const { asAdmin, victim } = duel
        await arrangeQuietly(duel, [
          `insert into ground.note (tenant_id, title) values (${literal(victim.key)}, ${literal(`${victim.canary} too`)})`,
          'analyze ground.note',
        ])
        const admin = await asAdmin()
        await runAll(admin, STATISTICS)
        must(admin.hasSeen(victim.canary), 'be seen by the administrator')
        return 'closed to every tenant: the administrator saw the canary among the column statistics'
      },
      async attempt(duel) {
        const { sessions, there } = await attackerEverywhere(duel)
        let met = ''
        for (const session of sessions) met += await runAll(session, STATISTICS)
        return { crossed: false, met: `${met}${there}` }
      },
    },
  ),
  attack(
    {
      id: 'pg-function-sources',
      title: 'Function bodies, view definitions and the secret behind the channel names',
      kind: 'read',
      references: ['PG-33'],
    },
    {
      async owner({ asAdmin }) {
        const pad = await (await asAdmin()).value("select encode(pad, 'hex') from rf.secret")
        must(pad !== undefined, 'have a secret')
        return 'closed to every tenant: the administrator saw the secret'
      },
      async attempt(duel) {
        const admin = await duel.asAdmin()
        const pad = await admin.value("select encode(pad, 'hex') from rf.secret")
        const { sessions, there } = await attackerEverywhere(duel)
        let met = ''
        for (const session of sessions) {
          met += await runAll(session, [
            "select encode(pad, 'hex') from rf.secret",
            'select s from rf.secret s',
            'table rf.application',
            "select prosrc from pg_catalog.pg_proc where proname in ('channel', 'notify', 'lock')",
            "select pg_get_functiondef(oid) from pg_catalog.pg_proc where pronamespace in ('rf'::regnamespace, 'rf_delete'::regnamespace)",
            "select pg_get_viewdef('ground.open_note'), pg_get_expr(adbin, adrelid) from pg_catalog.pg_attrdef",
            'copy rf.secret to stdout',
          ])
        }
        const crossed = sessions.some((session) => session.hasSeen(pad ?? 'no secret'))
        return { crossed, met: `${met}${there}` }
      },
    },
  ),
]

const ACTIVITY = [
  'select query, application_name, client_addr, state from pg_catalog.pg_stat_activity',
  'select * from pg_catalog.pg_stat_get_activity(null)',
  'select pg_stat_get_backend_activity(n), pg_stat_get_backend_userid(n) from generate_series(1, 20) n',
  'select query from pg_stat_statements',
  'select * from pg_catalog.pg_stat_ssl, pg_catalog.pg_stat_progress_copy',
  'select statement from pg_catalog.pg_prepared_statements union all select statement from pg_catalog.pg_cursors',
  'show all',
]

const STATISTICS = [
  'select most_common_vals::text, histogram_bounds::text from pg_catalog.pg_stats',
  'select stavalues1::text, stavalues2::text from pg_catalog.pg_statistic',
  'select s from pg_catalog.pg_stats_ext s',
  'select s from pg_catalog.pg_stats_ext_exprs s',
  'select d from pg_catalog.pg_statistic_ext_data d',
]

/** The victim runs a statement that quotes its canary, and stays connected. */
async function sayCanary({ asVictim, victim }: Duel): Promise<void> {
  const session = await asVictim()
  await session.run(`set application_name = ${literal(victim.canary.slice(0, 60))}`)
  await session.run(`begin; select ${literal(victim.canary)}`)
}

async function relations(admin: Session): Promise<readonly string[]> {
  const { rows } = await admin.run(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'v') and (n.nspname = 'pg_catalog' and c.relname !~
         'timezone|rewrite|^pg_depend|amop|amproc|opclass|opfamily|operator|^pg_description|collation|conversion|cast'
       or n.nspname = 'information_schema' and c.relname ~ 'role|usage|user|schemata|tables|server'
       and c.relname !~ 'routine|column')
     order by 1 desc`,
  )
  return rows.map(({ name }) => String(name))
}

/** How many relations hold the victim's canary or names, counted up to `enough`. */
async function searchCatalogs(
  session: Session,
  names: readonly string[],
  victim: Side,
  enough: number,
): Promise<number> {
  const needles = [victim.canary, nameOf(victim), victim.key].map(literal)
  let hits = 0
  for (const name of names) {
    if (hits >= enough) break
    const found = needles.map((needle) => `strpos(x::text, ${needle}) > 0`).join(' or ')
    hits += (await session.run(`select from ${name} x where ${found} limit 1`)).count
  }
  return hits
}
