import { literal } from '../connection.ts'
import { loginRole } from '../names.ts'
import type { Side } from '../rehearsal/side.ts'
import type { Session } from '../rehearsal/session.ts'
import {
  attack,
  attackerEverywhere,
  type AttackFacts,
  type Duel,
  must,
  type PostgresAttack,
  runAll,
} from './postgres-attack.ts'

/** The victim's key as it occurs in the names of its roles and its database. */
export const nameOf = (side: Side) => side.key.replaceAll('-', '')

const ROLE_NAMES =
  'The names of a server\u2019s roles, which hold random tenant keys, can be listed through the type regrole: they tell how many tenants share the server, and nothing else; a silo has a server of its own.'

/** Tries for the names of other tenants' logins and databases, in the catalogs and past them. */
export const OBJECT_NAMES: readonly PostgresAttack[] = [
  naming(
    {
      id: 'pg-role-catalogs',
      title: 'The catalogs of roles, memberships, settings and databases',
      kind: 'existence',
      references: ['PG-68'],
    },
    () => [
      'select rolname, rolvaliduntil from pg_catalog.pg_roles',
      'select rolname, rolpassword from pg_catalog.pg_authid',
      'select usename, passwd from pg_catalog.pg_shadow',
      'select usename from pg_catalog.pg_user',
      'select groname, grolist from pg_catalog.pg_group',
      'select datname, datacl from pg_catalog.pg_database',
      'select setconfig, setrole::regrole::text from pg_catalog.pg_db_role_setting',
      'select * from pg_catalog.pg_user_mappings',
      'select * from information_schema.applicable_roles, information_schema.enabled_roles',
      'select grantee, grantor from information_schema.role_table_grants',
    ],
  ),
  naming(
    {
      id: 'pg-role-names-by-number',
      title: 'Role names by their numbers, through the types that print them',
      kind: 'existence',
      references: ['PG-68'],
      limits: { pooled: ROLE_NAMES, bridge: ROLE_NAMES },
    },
    (_, numbers) => [
      `select n::regrole::text from unnest(${numbers}) n`,
      `select makeaclitem(n, n, 'SELECT', false)::text from unnest(${numbers}) n`,
    ],
  ),
  naming(
    {
      id: 'pg-object-names-by-number',
      title: 'Names by their numbers, through the functions that describe objects',
      kind: 'existence',
      references: ['PG-68'],
    },
    (_, numbers) =>
      ['pg_authid', 'pg_database'].flatMap((name) =>
        [
          `pg_describe_object('${name}'::regclass, n, 0)`,
          `(pg_identify_object('${name}'::regclass, n, 0)).identity`,
          `(pg_identify_object_as_address('${name}'::regclass, n, 0)).object_names::text`,
          `pg_get_acl('${name}'::regclass, n, 0)::text`,
          `shobj_description(n, '${name}')`,
          'pg_get_userbyid(n)',
        ].map((call) => `select ${call} from unnest(${numbers}) n`),
      ),
  ),
  naming(
    {
      id: 'pg-access-lists',
      title: 'Owners and access lists of tables, schemas, columns and functions',
      kind: 'existence',
      references: ['PG-68'],
    },
    () => [
      'select tableowner from pg_catalog.pg_tables',
      'select nspacl, nspname from pg_catalog.pg_namespace',
      'select relname, relacl from pg_catalog.pg_class',
      'select attacl, attname from pg_catalog.pg_attribute where attacl is not null',
      'select proacl, proname from pg_catalog.pg_proc',
      'select defaclacl from pg_catalog.pg_default_acl',
    ],
  ),
  attack(
    {
      id: 'pg-count-databases',
      title: 'Databases told apart from none by number, through functions that ask about them',
      kind: 'existence',
      tiers: ['pooled', 'bridge'],
    },
    {
      async owner(duel) {
        const known = await databaseAnswers(await duel.asAdmin(), await databaseNumber(duel))
        const none = await databaseAnswers(await duel.asAdmin(), NO_DATABASE)
        must(known.join() !== none.join(), 'be told apart by the administrator')
        return 'closed to every tenant: the administrator told a database from none'
      },
      async attempt(duel) {
        const session = await duel.asAttacker()
        const known = await databaseAnswers(session, await databaseNumber(duel))
        const none = await databaseAnswers(session, NO_DATABASE)
        const told = known.filter((answer, index) => answer !== none[index]).length
        return { crossed: told > 0, met: `${told} of ${known.length} functions told them apart` }
      },
    },
  ),
]

/** Statements that print names. They cross when the victim's random key is in what they print. */
function naming(
  facts: AttackFacts,
  statements: (victim: Side, numbers: string) => readonly string[],
): PostgresAttack {
  return attack(facts, {
    async owner({ asAdmin, victim }) {
      const admin = await asAdmin()
      await runAll(admin, statements(victim, await numbersOf(admin, victim)))
      // The type regrole shows what the others are meant to show, also where they do not exist.
      await admin.run(
        `select ${literal(loginRole(victim.site.names, victim.key, 'write', 0))}::regrole::text`,
      )
      must(admin.hasSeen(nameOf(victim)), 'be named to the administrator')
      return 'closed to every tenant: the administrator saw the owner’s names'
    },
    async attempt(duel) {
      const { sessions, there } = await attackerEverywhere(duel)
      const numbers = await numbersOf(await duel.asAdmin(), duel.victim)
      let met = ''
      for (const session of sessions) met += await runAll(session, statements(duel.victim, numbers))
      const crossed = sessions.some((session) => session.hasSeen(nameOf(duel.victim)))
      return { crossed, met: `${met}${crossed ? ': the victim is named' : ''}${there}` }
    },
  })
}

/** The numbers of the victim's roles and database, as an SQL array: an attacker would try them all. */
async function numbersOf(admin: Session, victim: Side): Promise<string> {
  const numbers = await admin.value(
    `select string_agg(oid::text, ',') from (select oid from pg_roles where rolname like '%' || $1 || '%'
       union all select oid from pg_database where datname = $2) x`,
    [nameOf(victim), victim.database],
  )
  return `array[${numbers ?? ''}]::oid[]`
}

/** A number that no database has. */
const NO_DATABASE = '4200000000'

/** The number of a database of another tenant's; on the pooled tier, of the ledger's. */
async function databaseNumber({ asAdmin, tier, victim }: Duel): Promise<string> {
  const name = tier === 'pooled' ? victim.site.names.custodyDatabase : victim.database
  const admin = await asAdmin()
  return (await admin.value(`select oid from pg_database where datname = ${literal(name)}`)) ?? ''
}

async function databaseAnswers(session: Session, number: string): Promise<readonly string[]> {
  const answers: string[] = []
  for (const call of [
    `has_database_privilege(${number}::oid, 'connect')`,
    `pg_database_collation_actual_version(${number}::oid)`,
    `pg_stat_get_db_numbackends(${number}::oid)`,
    `pg_database_size(${number}::oid)`,
  ]) {
    const { code, rows } = await session.run(`select ${call} is null as known`)
    answers.push(code ?? JSON.stringify(rows))
  }
  return answers
}
