import { onDatabase, type Settings, withClient } from '../connection.ts'
import { BUDGET_DEFAULT } from '../leases/budget.ts'
import { groupRoles, loginRole } from '../names.ts'
import type { Arena } from '../rehearsal/arena.ts'
import type { Side } from '../rehearsal/side.ts'
import { describeDoor, LOOK } from './look.ts'
import {
  attack,
  type AttackFacts,
  type Duel,
  must,
  type PostgresAttack,
  runAll,
} from './postgres-attack.ts'

type Login = Awaited<ReturnType<Arena['freshLogin']>>

/** Attempts to get in: elsewhere, as someone else, or when one's time is over. */
export const CONNECTIONS: readonly PostgresAttack[] = [
  knocking(
    {
      id: 'pg-connect-elsewhere',
      title: 'A valid lease at every other database of the server, and of the victim’s server',
      kind: 'read',
      references: ['PG-44'],
    },
    async ({ arena, attacker, victim }) => {
      const login = await arena.login(attacker)
      const { names } = victim.site
      const databases = [
        victim.database,
        names.pooledDatabase,
        names.custodyDatabase,
        names.templateDatabase,
        'postgres',
        'template1',
        'template0',
        login.user,
      ]
      return [attacker, victim].flatMap(({ site }) => {
        const { host, port } = site.cluster.admin
        return (
          [...new Set(databases)]
            // At home it is no news: there, and in what a weakened copy of there was made from.
            .filter(
              (database) =>
                site !== attacker.site ||
                (database !== attacker.database &&
                  (arena.tier === 'bridge' || database !== names.pooledDatabase)),
            )
            .map((database) => ({ ...login, host, port, database }))
        )
      })
    },
  ),
  knocking(
    {
      id: 'pg-connect-as-victim',
      title: "The victim's login name with no password, the attacker's own, or a look-alike name",
      kind: 'read',
      references: ['PG-6'],
    },
    async ({ arena, attacker, victim }) => {
      const own = await arena.login(attacker)
      const { user, password: _, ...place } = await arena.login(victim)
      return [
        { ...place, user, password: '' },
        { ...place, user, password: own.password ?? '' },
        { ...place, user, password: user },
        { ...place, user: user.toUpperCase(), password: own.password ?? '' },
        { ...place, user: `${user} `, password: own.password ?? '' },
        { ...place, user: `"${user}"`, password: own.password ?? '' },
        { ...place, user: user.replace(/\d$/, '9'), password: own.password ?? '' },
      ]
    },
  ),
  knocking(
    {
      id: 'pg-connect-as-greater-role',
      title: "The owner's, the groups', the custodian's and the administrator's names",
      kind: 'read',
      references: ['PG-5', 'PG-6'],
    },
    async ({ arena, attacker, victim }) => {
      const { password } = await arena.login(attacker)
      const { names, cluster } = victim.site
      const { host, port, user: administrator } = cluster.admin
      const roles = [names.owner, names.definer, names.custodian, administrator, 'postgres']
      return [...roles, ...groupRoles(names), 'pg_read_all_data'].map((user) => ({
        host,
        port,
        user,
        password: password ?? '',
        database: user === names.custodian ? names.custodyDatabase : victim.database,
      }))
    },
  ),
  attack(
    {
      id: 'pg-connect-for-replication',
      title: 'A replication connection, which streams every tenant’s changes',
      kind: 'read',
      references: ['PG-64'],
    },
    {
      owner: ownerConnects,
      async attempt({ arena, attacker, victim, asAttackerWith }) {
        const login = await arena.login(attacker)
        const { host, port } = victim.site.cluster.admin
        const doors = []
        for (const replication of ['true', 'database']) {
          doors.push(await asAttackerWith({ ...login, host, port }, { replication }))
        }
        const crossed = doors.some(({ session }) => session !== undefined)
        return { crossed, met: doors.map(describeDoor).join(', ') }
      },
    },
  ),
  overstaying(
    {
      id: 'pg-expired-lease',
      title: 'A lease after its time: a new connection, and the one that was open',
      kind: 'read',
      references: ['PG-6'],
    },
    async ({ attacker }, login) => {
      await age(attacker, login)
      await attacker.site.custodian.sweep(BUDGET_DEFAULT)
    },
  ),
  overstaying(
    {
      id: 'pg-revoked-lease',
      title: 'A lease after its revocation: a new connection, and the one that was open',
      kind: 'read',
      references: ['PG-6'],
    },
    async ({ attacker }, login) => {
      await attacker.site.custodian.end(attacker.tenant, login.leaseId, 'revoked')
    },
  ),
  attack(
    {
      id: 'pg-expired-password',
      title: 'A lease after its time, before any sweep has seen it',
      kind: 'read',
      references: ['PG-6'],
    },
    {
      owner: ownerConnects,
      async attempt({ arena, attacker, asAttackerWith }) {
        const login = await arena.freshLogin(attacker)
        await withClient(attacker.site.cluster.admin, (client) =>
          client.query(`alter role "${login.user}" valid until '2001-01-01'`),
        )
        const door = await asAttackerWith(login)
        await attacker.site.custodian.end(attacker.tenant, login.leaseId, 'expired')
        return { crossed: door.session !== undefined, met: describeDoor(door) }
      },
    },
  ),
  attack(
    {
      id: 'pg-rotated-lease',
      title: "An old lease's password, after its login was given out anew",
      kind: 'read',
      references: ['PG-6'],
    },
    {
      owner: ownerConnects,
      async attempt({ arena, attacker, asAttackerWith }) {
        const { custodian } = attacker.site
        const old = await arena.freshLogin(attacker)
        await custodian.end(attacker.tenant, old.leaseId, 'replaced')
        const next = await arena.freshLogin(attacker)
        const door = await asAttackerWith(old)
        await custodian.end(attacker.tenant, next.leaseId, 'replaced')
        const reuse = next.user === old.user ? 'the same login' : 'another login'
        return { crossed: door.session !== undefined, met: `${reuse}; ${describeDoor(door)}` }
      },
    },
  ),
  attack(
    {
      id: 'pg-read-lease-writes',
      title: 'Writing with a lease that may only read',
      kind: 'write',
      references: ['PG-47'],
    },
    {
      async owner({ asVictim }) {
        const session = await asVictim('write')
        const { count } = await session.run("begin; update ground.note set body = 'mine'; rollback")
        must(count > 0, 'write with a lease that may write')
        return 'the owner wrote with a lease that may write (and rolled back)'
      },
      async attempt({ asAttacker, victim, attacker }) {
        const session = await asAttacker('read')
        const statements = [
          "update ground.note set body = 'x'",
          "insert into ground.note (title) values ('x')",
          `insert into ground.note (tenant_id, title) values ('${victim.key}', 'x')`,
          'select rf_delete.note(gen_random_uuid())',
          'delete from ground.note',
          'select title from ground.note for update',
          `set role ${loginRole(attacker.site.names, attacker.key, 'write', 0)}`,
          `set role ${attacker.site.names.groups.write}`,
        ]
        let ran = 0
        for (const sql of statements) {
          const { code } = await session.run(`begin; ${sql}; rollback`)
          if (code === undefined) ran += 1
          else await session.run('rollback')
        }
        return { crossed: ran > 0, met: `${ran} of ${statements.length} statements ran` }
      },
    },
  ),
]

async function ownerConnects({ asVictim, victim }: Duel): Promise<string> {
  const session = await asVictim()
  await runAll(session, LOOK)
  must(session.hasSeen(victim.canary), 'connect and see its own canary')
  return 'the owner connected with its own lease and saw its canary'
}

/** Tries doors, none of which may open. Behind one that does, the attacker looks around. */
function knocking(
  facts: AttackFacts,
  doors: (duel: Duel) => Promise<readonly Settings[]>,
): PostgresAttack {
  return attack(facts, {
    owner: ownerConnects,
    async attempt(duel) {
      const all = await doors(duel)
      const answers = await Promise.all(all.map((settings) => duel.asAttackerWith(settings)))
      const opened = answers.flatMap(({ session }) => (session === undefined ? [] : [session]))
      for (const session of opened) await runAll(session, LOOK)
      const codes = [...new Set(answers.flatMap(({ code }) => code ?? []))].join(', ')
      return {
        crossed: opened.length > 0,
        met: `${opened.length} of ${all.length} doors opened; refusals: ${codes}`,
      }
    },
  })
}

/** Goes on with a lease, and a session that it opened, after its end. */
function overstaying(
  facts: AttackFacts,
  end: (duel: Duel, login: Login) => Promise<void>,
): PostgresAttack {
  return attack(facts, {
    owner: ownerConnects,
    async attempt(duel) {
      const { arena, attacker, asAttackerWith } = duel
      const login = await arena.freshLogin(attacker)
      const { session } = await asAttackerWith(login)
      must(session !== undefined, 'open a session with a live lease')
      await end(duel, login)
      const { error } = await session.run('select title from ground.note')
      const door = await asAttackerWith(login)
      await attacker.site.custodian.end(attacker.tenant, login.leaseId, 'expired')
      const crossed = error === undefined || door.session !== undefined
      const open = error === undefined ? 'went on' : 'was gone'
      return { crossed, met: `the open session ${open}; a new one: ${describeDoor(door)}` }
    },
  })
}

/** Makes the ledger believe that the lease's time is over, instead of waiting for it. */
async function age({ site }: Side, { leaseId }: Login): Promise<void> {
  await withClient(onDatabase(site.cluster.admin, site.names.custodyDatabase), (client) =>
    client.query(
      `update custody.lease set expires_at = clock_timestamp() - interval '1 second' where lease_id = $1`,
      [leaseId],
    ),
  )
}
