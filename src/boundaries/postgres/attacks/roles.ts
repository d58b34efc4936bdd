import { ident, literal, type Settings } from '../connection.ts'
import { groupRoles, loginRole } from '../names.ts'
import type { Arena, Side } from '../rehearsal/arena.ts'
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

type Login = Awaited<ReturnType<Arena['freshLogin']>>

/** The lease that the steps of one strike share. */
const targets = new WeakMap<Duel, Login>()

/** Changes to roles: one's own, the victim's, and new ones. */
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
        `grant ${ident(role)} to current_user`,
        `grant ${ident(role)} to session_user with admin option`,
        `set role ${ident(role)}`,
        'select title from ground.note',
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
        const login = await duel.arena.freshLogin(duel.attacker)
        targets.set(duel, login)
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
  onVictimLogin(
    {
      id: 'pg-change-victim-password',
      title: "A new password for the victim's role",
      kind: 'disturbance',
      references: ['PG-68'],
    },
    (user) => [
      `alter role ${ident(user)} password 'chosen-by-the-attacker'`,
      `alter user ${ident(user)} with encrypted password 'chosen-by-the-attacker'`,
    ],
    'chosen-by-the-attacker',
  ),
  onVictimLogin(
    {
      id: 'pg-alter-victim-role',
      title: "NOLOGIN, an expiry, a connection limit or settings for the victim's role",
      kind: 'disturbance',
      references: ['PG-68'],
    },
    (user) => [
      `alter role ${ident(user)} nologin`,
      `alter role ${ident(user)} valid until '2000-01-01'`,
      `alter role ${ident(user)} connection limit 0`,
      `alter role ${ident(user)} set default_transaction_read_only = on`,
      `alter role ${ident(user)} rename to gone`,
      'alter role all set default_transaction_read_only = on',
    ],
  ),
  onVictimLogin(
    {
      id: 'pg-drop-victim-role',
      title: "The victim's role dropped, or its rights taken away",
      kind: 'disturbance',
      references: ['PG-68'],
    },
    (user, { site, key }) => [
      `drop role ${ident(user)}`,
      `drop owned by ${ident(user)} cascade`,
      `reassign owned by ${ident(user)} to current_user`,
      ...groupRoles(site.names).flatMap((group) => [
        `revoke ${ident(group)} from ${ident(user)}`,
        `drop role ${ident(group)}`,
      ]),
      `grant ${ident(loginRole(site.names, key, 'read', 0))} to current_user`,
    ],
  ),
  sight(
    {
      id: 'pg-create-role',
      title: "A new login whose name reads as the victim's",
      kind: 'read',
      references: ['PG-68'],
    },
    (target) => {
      const forged = ident(loginRole(target.site.names, target.key, 'write', 9))
      return [
        `create role ${forged} login password 'x' in role ${ident(target.site.names.groups.write)}`,
        `create user ${forged}`,
        `set role ${forged}`,
        ...LOOK,
      ]
    },
    { shown: () => LOOK },
  ),
]

function leaseOf(duel: Duel): Login {
  const found = targets.get(duel)
  must(found !== undefined, 'get a lease')
  return found
}

async function endLease(duel: Duel, side: Side): Promise<void> {
  const login = targets.get(duel)
  if (login !== undefined) await side.site.custodian.end(side.tenant, login.leaseId, 'revoked')
}

/** The attacker changes a login of its own that nothing else uses, connects again, and looks. */
function onOwnLogin(
  facts: AttackFacts,
  statements: (duel: Duel, login: Settings) => readonly string[],
): PostgresAttack {
  return attack(facts, {
    async owner(duel) {
      const session = await duel.asVictim()
      await runAll(session, LOOK)
      must(session.hasSeen(duel.victim.canary), 'see its own canary')
      return 'the owner saw its own canary'
    },
    async attempt(duel) {
      const login = await duel.arena.freshLogin(duel.attacker)
      targets.set(duel, login)
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

/** The attacker changes a login of the victim's; then the victim's application goes on with it. */
function onVictimLogin(
  facts: AttackFacts,
  statements: (user: string, victim: Side) => readonly string[],
  password?: string,
): PostgresAttack {
  const works = async ({ arena, victim }: Duel, login: Settings) => {
    try {
      const session = await arena.openWith(login)
      const answer = await session.run(
        "update ground.note set body = 'x' where false; select title from ground.note",
      )
      return answer.error === undefined && session.hasSeen(victim.canary)
    } catch {
      return false
    }
  }
  return attack(facts, {
    async owner(duel) {
      const login = await duel.arena.freshLogin(duel.victim)
      targets.set(duel, login)
      must(await works(duel, login), 'work with its login')
      return 'the owner worked with its login'
    },
    async attempt(duel) {
      const login = leaseOf(duel)
      const session = await duel.asAttacker()
      const met = await runAll(session, statements(login.user, duel.victim))
      const taken =
        password === undefined ? undefined : await duel.asAttackerWith({ ...login, password })
      if (taken?.session !== undefined) await runAll(taken.session, LOOK)
      const disturbed = !(await works(duel, login))
      return {
        crossed: disturbed || taken?.session !== undefined,
        met: `${met}; the owner then ${disturbed ? 'could not work' : 'worked as before'}`,
      }
    },
    undo: (duel) => endLease(duel, duel.victim),
  })
}
