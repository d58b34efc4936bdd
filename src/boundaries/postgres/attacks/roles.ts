import { ident, literal, type Settings } from '../connection.ts'
import { loginRole } from '../names.ts'
import { endLease, leaseOf, takeLease } from './fresh-lease.ts'
import { describeDoor, LOOK } from './look.ts'
import {
  attack,
  type AttackFacts,
  type Duel,
  must,
  type PostgresAttack,
  runAll,
} from './postgres-attack.ts'
import { sight } from './sight.ts'

/** Changes to roles: one's own, and new ones. */
export const ROLES: readonly PostgresAttack[] = [
  sight(
    {
      id: 'pg-grant-self',
      title: "Membership in the victim's, the owner's and the predefined roles, granted to oneself",
      kind: 'read',
      references: ['PG-68', 'PG-6', 'PG-7'],
    },
    (target) => {
      const { names, cluster } = target.site
      const roles = [
        loginRole(names, target.key, 'write', 0),
        names.owner,
        names.definer,
        names.groups.export,
        cluster.admin.user,
        'pg_read_all_data',
        'pg_monitor',
      ]
      return roles.flatMap((role) => [
        `begin; grant ${ident(role)} to current_user; set role ${ident(role)}; select title from ground.note; rollback`,
        `begin; grant ${ident(role)} to session_user with admin option; table ground.note_history; rollback`,
      ])
    },
    { shown: () => LOOK },
  ),
  onOwnLogin(
    {
      id: 'pg-alter-own-attributes',
      title: 'SUPERUSER, BYPASSRLS, CREATEROLE and REPLICATION for the own role',
      kind: 'read',
      references: ['PG-5', 'PG-64', 'PG-68'],
    },
    () =>
      [
        'superuser',
        'bypassrls',
        'createrole',
        'replication',
        'createdb',
        'connection limit -1',
      ].flatMap((attribute) => [
        `alter role current_user ${attribute}`,
        `alter role session_user with ${attribute}`,
      ]),
  ),
  onOwnLogin(
    {
      id: 'pg-rename-own-role',
      title: "The own role renamed into one that reads as the victim's",
      kind: 'read',
      references: ['PG-33'],
    },
    ({ victim }, { user }) => [
      `alter role ${ident(user)} rename to ${ident(loginRole(victim.site.names, victim.key, 'write', 7))}`,
      `alter role current_user rename to ${ident(`${user}x`)}`,
    ],
  ),
  onOwnLogin(
    {
      id: 'pg-own-role-settings',
      title: 'Settings left on the own role, that take effect at the next login',
      kind: 'read',
      references: ['PG-36'],
    },
    ({ victim, attacker }, { user }) => [
      ...[
        'row_security = off',
        'search_path = pg_temp',
        `role = ${victim.site.names.owner}`,
        'session_replication_role = replica',
      ].map((setting) => `alter role ${ident(user)} set ${setting}`),
      `alter role ${ident(user)} in database ${ident(attacker.database)} set row_security = off`,
      `alter role ${ident(user)} set session_authorization = ${ident(victim.site.names.owner)}`,
    ],
  ),
  attack(
    {
      id: 'pg-prolong-lease',
      title: 'An own password and no expiry, to outlive the lease',
      kind: 'read',
      references: ['PG-6'],
    },
    {
      async owner(duel) {
        const login = await takeLease(duel, duel.attacker)
        const { session } = await duel.asAttackerWith(login)
        must(session !== undefined, 'use its lease while it lasts')
        return 'the lease opened a session while it lasted'
      },
      async attempt(duel) {
        const { attacker, asAttackerWith } = duel
        const login = leaseOf(duel)
        const password = 'chosen-by-the-tenant-itself'
        const { session } = await asAttackerWith(login)
        if (session === undefined) return { crossed: false, met: 'the lease did not open' }
        const met = await runAll(session, [
          `alter role ${ident(login.user)} password ${literal(password)}`,
          `alter role ${ident(login.user)} valid until 'infinity'`,
          `alter role ${ident(login.user)} login connection limit 99`,
        ])
        await attacker.site.custodian.end(attacker.tenant, login.leaseId, 'revoked')
        const doors = [await asAttackerWith(login), await asAttackerWith({ ...login, password })]
        const crossed = session.isOpen || doors.some((door) => door.session !== undefined)
        return { crossed, met: `${met}; after the end: ${doors.map(describeDoor).join(', ')}` }
      },
      undo: (duel) => endLease(duel, duel.attacker),
    },
  ),
  attack(
    {
      id: 'pg-create-role',
      title: "A new login whose name reads as the victim's",
      kind: 'read',
      references: ['PG-68'],
    },
    {
      owner: ownerLooks,
      async attempt({ arena, attacker, victim, asAttacker, asAttackerWith }) {
        const session = await asAttacker()
        const { site, key, database } = victim
        const user = loginRole(site.names, key, 'write', 9)
        const groups = [site.names.groups.write, site.names.pooledGroups.write]
        const met = await runAll(session, [
          `create role ${ident(user)} login password 'forged' valid until '2099-01-01'`,
          `create role ${ident(user)} login password 'forged' valid until '2099-01-01' in role ${groups.map(ident).join(', ')}`,
          ...groups.map((group) => `grant ${ident(group)} to ${ident(user)}`),
          `grant connect on database ${ident(database)} to ${ident(user)}`,
        ])
        const { host, port } = attacker.site.cluster.admin
        const place = { ...(await arena.login(attacker)), host, port, database }
        const door = await asAttackerWith({ ...place, user, password: 'forged' })
        if (door.session !== undefined) await runAll(door.session, LOOK)
        return { crossed: door.session !== undefined, met: `${met}; ${describeDoor(door)}` }
      },
      async undo({ arena, attacker, victim }) {
        const forged = ident(loginRole(victim.site.names, victim.key, 'write', 9))
        await runAll(await arena.admin(attacker), [
          `revoke connect on database ${ident(attacker.database)} from ${forged}`,
          `revoke connect on database ${ident(victim.database)} from ${forged}`,
          `drop role ${forged}`,
        ])
      },
    },
  ),
]

async function ownerLooks({ asVictim, victim }: Duel): Promise<string> {
  const session = await asVictim()
  await runAll(session, LOOK)
  must(session.hasSeen(victim.canary), 'see its own canary')
  return 'the owner saw its own canary'
}

/** The attacker changes a login of its own that nothing else uses, connects again, and looks. */
function onOwnLogin(
  facts: AttackFacts,
  statements: (duel: Duel, login: Settings) => readonly string[],
): PostgresAttack {
  return attack(facts, {
    owner: ownerLooks,
    async attempt(duel) {
      const login = await takeLease(duel, duel.attacker)
      const { session } = await duel.asAttackerWith(login)
      if (session === undefined) return { crossed: false, met: 'the lease did not open' }
      const met = await runAll(session, [...statements(duel, login), ...LOOK])
      const again = await duel.asAttackerWith(login)
      if (again.session !== undefined) await runAll(again.session, LOOK)
      return { crossed: false, met: `${met}; the next login ${describeDoor(again)}` }
    },
    undo: (duel) => endLease(duel, duel.attacker),
  })
}
