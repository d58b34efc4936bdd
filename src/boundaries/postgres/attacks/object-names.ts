import type { Side } from '../rehearsal/arena.ts'
import { attack, must, type PostgresAttack } from './postgres-attack.ts'

/** The first number that the server gives to an object of users', and how many a try looks through. */
const FIRST_NUMBER = 16_384
const NUMBERS = 20_000
const LAST_NUMBER = FIRST_NUMBER + NUMBERS

/** How the tenant is called in the names of its logins and of its own database. */
const nameOf = (side: Side) => side.key.replaceAll('-', '')

/** Tries that ask for names by number, past the catalogs in which they stand. */
export const OBJECT_NAME_ATTACKS: readonly PostgresAttack[] = [
  attack(
    {
      id: 'pg-role-names-by-number',
      title: 'names of other tenants’ logins, by turning numbers into regrole',
      kind: 'existence',
      limits: {
        pooled:
          'A number can be shown as the role that it stands for, so the number of logins on the server, and their random names, can be found out.',
        bridge:
          'A number can be shown as the role that it stands for, so the number of logins on the server, and their random names, can be found out.',
      },
    },
    {
      async owner({ victim, asVictim }) {
        const session = await asVictim()
        await session.run('select session_user::regrole::oid::regrole::text')
        must(session.hasSeen(nameOf(victim)), 'turn its own number into its name')
        return 'the owner turned its own number into its name'
      },
      async attempt({ victim, asAttacker }) {
        const session = await asAttacker()
        const numbers = `generate_series(${FIRST_NUMBER}, ${LAST_NUMBER}) n`
        await session.run(`select name from (select n::oid::regrole::text as name from ${numbers}) x
          where name !~ '^[0-9]+$'`)
        const crossed = session.hasSeen(nameOf(victim))
        return { crossed, met: crossed ? 'the random name of a login' : 'no name of the victim’s' }
      },
    },
  ),
  attack(
    {
      id: 'pg-object-names-by-number',
      title: 'names of other tenants’ logins and databases, by describing objects',
      kind: 'existence',
    },
    {
      async owner({ victim, asVictim }) {
        const session = await asVictim()
        await session.run('select session_user::text, current_database()')
        must(session.hasSeen(nameOf(victim)), 'see its own name')
        return 'the owner saw its own name'
      },
      async attempt({ victim, asAttacker }) {
        const session = await asAttacker()
        let met = 'nothing of the victim’s'
        for (const catalog of ['pg_database', 'pg_authid']) {
          const numbers = `generate_series(${FIRST_NUMBER}, ${LAST_NUMBER}) n`
          const about = `'${catalog}'::regclass, n::oid, 0`
          for (const call of [
            `select pg_describe_object(${about}) from ${numbers}`,
            `select (pg_identify_object(${about})).* from ${numbers}`,
            `select (pg_identify_object_as_address(${about})).* from ${numbers}`,
            `select shobj_description(n::oid, '${catalog}') from ${numbers}`,
          ]) {
            const answer = await session.run(call)
            if (answer.code !== undefined) met = `refused: ${answer.code}`
          }
        }
        return { crossed: session.hasSeen(nameOf(victim)), met }
      },
    },
  ),
]
