import { ident, literal } from '../connection.ts'
import { groupRoles, loginRole } from '../names.ts'
import type { Side } from '../rehearsal/side.ts'
import { LOOK } from './look.ts'
import { attack, must, type PostgresAttack, runAll } from './postgres-attack.ts'
import { sight } from './sight.ts'

/** Roles that see more than the attacker, or something else. */
function greaterRoles({ site, key }: Side): readonly string[] {
  const { names, cluster } = site
  return [
    loginRole(names, key, 'write', 0),
    loginRole(names, key, 'read', 0),
    names.owner,
    names.definer,
    names.custodian,
    cluster.admin.user,
    'pg_read_all_data',
    'pg_write_all_data',
    'pg_monitor',
    ...groupRoles(names),
  ]
}

const shown = () => LOOK

/** Attempts to be someone else, or to be taken for someone else. */
export const IDENTITY: readonly PostgresAttack[] = [
  sight(
    {
      id: 'pg-set-role',
      title: "SET ROLE to the victim's login, the owner, the administrator and every group",
      kind: 'read',
      references: ['PG-6', 'PG-7', 'PG-10'],
    },
    (target) =>
      greaterRoles(target).flatMap((role) => [`set role ${ident(role)}`, ...LOOK, 'reset role']),
    { shown },
  ),
  sight(
    {
      id: 'pg-set-session-authorization',
      title: 'SET SESSION AUTHORIZATION to anybody else',
      kind: 'read',
      references: ['PG-6'],
    },
    (target) => [
      ...greaterRoles(target).flatMap((role) => [
        `set session authorization ${ident(role)}`,
        'select title from ground.note',
      ]),
      'reset session authorization',
      'set local session authorization default',
      ...LOOK,
    ],
    { shown },
  ),
  sight(
    {
      id: 'pg-set-config-identity',
      title: 'The role and the session authorization set as if they were settings',
      kind: 'read',
      references: ['PG-6'],
    },
    (target) => [
      ...greaterRoles(target).flatMap((role) => [
        `select set_config('session_authorization', ${literal(role)}, false)`,
        `select set_config('role', ${literal(role)}, false)`,
        'select title from ground.note',
      ]),
      "select set_config('is_superuser', 'on', false)",
      ...LOOK,
    ],
    { shown },
  ),
  sight(
    {
      id: 'pg-row-security-off',
      title: 'SET row_security = off, in every way a session can',
      kind: 'read',
      references: ['PG-5'],
    },
    () => [
      'set row_security = off',
      ...LOOK,
      "select set_config('row_security', 'off', false)",
      'copy (select title from ground.note) to stdout',
      'begin; set local row_security to off; select title from ground.note; commit',
      'set session_replication_role = replica',
      ...LOOK,
    ],
    { shown },
  ),
  attack(
    {
      id: 'pg-startup-options',
      title: 'Another identity asked for in the first message of a connection',
      kind: 'read',
      references: ['PG-36'],
    },
    {
      async owner({ asVictim, victim }) {
        const session = await asVictim()
        await runAll(session, LOOK)
        must(session.hasSeen(victim.canary), 'see its own canary')
        return 'the owner connected and saw its own canary'
      },
      async attempt({ arena, attacker, victim, asAttackerWith }) {
        const login = await arena.login(attacker)
        const role = loginRole(victim.site.names, victim.key, 'write', 0)
        const tries = [
          `-c session_authorization=${role}`,
          `-c role=${role}`,
          `-c role=${victim.site.names.owner}`,
          '-c row_security=off -c search_path=pg_temp,ground',
          `-c rf.tenant=${victim.key} -c app.tenant_id=${victim.key}`,
        ]
        let opened = 0
        let met = ''
        for (const options of tries) {
          const { session } = await asAttackerWith(login, { options })
          if (session === undefined) continue
          opened += 1
          met = await runAll(session, LOOK)
          await session.close()
        }
        return { crossed: false, met: `${opened} of ${tries.length} connections opened; ${met}` }
      },
    },
  ),
  sight(
    {
      id: 'pg-custom-settings',
      title: 'Custom settings that a boundary might read the tenant from',
      kind: 'read',
      references: ['PG-36', 'PG-37', 'PG-38'],
    },
    (target) => [
      ...['rf.tenant', 'rf.token', 'app.tenant_id', 'app.current_tenant', 'request.jwt.claims'].map(
        (name) => `set ${name} = ${literal(target.key)}`,
      ),
      ...LOOK,
      `set application_name = ${literal(loginRole(target.site.names, target.key, 'write', 0))}`,
      "set app.tenant_id = ''",
      'reset all',
      ...LOOK,
    ],
    { shown },
  ),
  sight(
    {
      id: 'pg-search-path',
      title: 'A search_path that puts other objects before those of the policies',
      kind: 'read',
      references: ['PG-30', 'PG-31', 'PG-32', 'CVE-2026-6472'],
    },
    (target) => [
      'set search_path = pg_temp, ground, rf, public, pg_catalog',
      `create function pg_temp.tenant() returns uuid language sql return ${literal(target.key)}::uuid`,
      `create function public.tenant() returns uuid language sql return ${literal(target.key)}::uuid`,
      `create function ground.substr(text, int, int) returns text language sql return ${literal(target.key)}`,
      'create operator pg_temp.= (leftarg = uuid, rightarg = uuid, function = pg_catalog.uuid_ne)',
      'create type pg_temp.uuid as enum ()',
      'select title from note',
      "set search_path = ''",
      ...LOOK,
    ],
    { shown },
  ),
  sight(
    {
      id: 'pg-temporary-objects',
      title: 'Temporary tables, views and functions that stand in for the real ones',
      kind: 'read',
      references: ['PG-30', 'PG-39'],
    },
    (target) => [
      `create temp table note as select ${literal(target.key)}::uuid as tenant_id, 'x' as title`,
      'create temp table secret (id boolean, pad bytea)',
      'create temp view note_history as select 1',
      'create temp table t (like ground.note including all)',
      'create temp sequence s',
      'select title into temp table x from ground.note',
      "select rf.channel('x'), rf.lock('x')",
      ...LOOK,
    ],
    { shown },
  ),
  sight(
    {
      id: 'pg-rewrite-identity-function',
      title: 'Another body, owner, path or cost for the function that says who the tenant is',
      kind: 'read',
      references: ['PG-33', 'PG-31'],
    },
    (target) => [
      `create or replace function rf.tenant() returns uuid language sql stable return ${literal(target.key)}::uuid`,
      'alter function rf.tenant() owner to current_user',
      'alter function rf.tenant() set search_path = pg_temp',
      'alter function rf.tenant() rename to tenant_before',
      'alter function rf.tenant() leakproof cost 0.0001',
      'drop function rf.tenant() cascade',
      'create function rf.tenant(int) returns uuid language sql return null::uuid',
      'alter schema rf rename to rf_before',
      ...LOOK,
    ],
    { shown },
  ),
  sight(
    {
      id: 'pg-definer-arguments',
      title: "Odd arguments to the services that run with another role's rights",
      kind: 'read',
      references: ['PG-26', 'PG-27', 'PG-28'],
    },
    (target) => [
      "select rf.channel(null), rf.channel(''), rf.channel('/../x')",
      `select rf.channel(${literal(`/${target.key}/orders`)})`,
      `select rf.lock(${literal(`${target.key}/x`)}), rf.lock(null)`,
      `select rf.notify('x'' ; select pad from rf.secret --', (select string_agg(title, ',') from ground.note))`,
      "select rf.protect('ground.note', 'tenant_id'), rf.guard()",
      "select rf_delete.note((select id from ground.note where false)), rf_delete.note('x')",
      'select ground.remember_note()',
      "select ground.loud('x') || (select string_agg(title, ',') from ground.note)",
    ],
    { shown },
  ),
]
