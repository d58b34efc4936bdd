import { ident, type Settings } from '../connection.ts'
import { groupRoles } from '../names.ts'
import type { Side } from '../rehearsal/side.ts'
import { endLease, leaseOf, takeLease } from './fresh-lease.ts'
import { LOOK } from './look.ts'
import {
  attack,
  type AttackFacts,
  type Duel,
  must,
  type PostgresAttack,
  runAll,
} from './postgres-attack.ts'

/** Changes to the victim's own roles, after which it could not work. */
export const VICTIM_ROLES: readonly PostgresAttack[] = [
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
    ],
  ),
  onVictimLogin(
    {
      id: 'pg-drop-victim-role',
      title: "The victim's role dropped, or its rights taken away",
      kind: 'disturbance',
      references: ['PG-68'],
    },
    (user, { site }) => [
      `drop role ${ident(user)}`,
      `drop owned by ${ident(user)} cascade`,
      `reassign owned by ${ident(user)} to current_user`,
      ...groupRoles(site.names).flatMap((group) => [`revoke ${ident(group)} from ${ident(user)}`]),
    ],
  ),
]

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
      const login = await takeLease(duel, duel.victim)
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
