import { literal } from '../connection.ts'
import { BUDGET_DEFAULT } from '../leases/budget.ts'
import { groundRow, type Side } from '../rehearsal/side.ts'
import { disturb } from './disturb.ts'
import { ordinaryWork } from './ordinary-work.ts'
import { attack, must, type PostgresAttack } from './postgres-attack.ts'
import { watchPromise } from './watch-promise.ts'
import { sharedTablesOf, tablesOf } from './tenant-table.ts'

/** One mode for each set of privileges that PostgreSQL asks for. */
const MODES = ['access exclusive', 'share', 'row exclusive', 'access share']

const TABLE_LOCK = () => 'lock table ground.note in access exclusive mode'

/** Names of prepared transactions are the whole server's. */
const preparedName = ({ key }: Side) => literal(`rehearsal-${key}`)

/** Locks held so that the victim has to wait. */
export const LOCKS: readonly PostgresAttack[] = [
  disturb(
    {
      id: 'pg-lock-table',
      title: 'LOCK TABLE in weak and strong modes, on every table, held in an open transaction',
      kind: 'disturbance',
      references: ['PG-70'],
    },
    {
      control: TABLE_LOCK,
      async grab(session, duel) {
        const tables = (await tablesOf(duel, duel.victim)).map(({ name }) => name)
        const names = [...tables, 'ground.event_2026', 'ground.open_note', ...sharedTablesOf(duel)]
        const relations = [...names, 'pg_catalog.pg_class', 'pg_catalog.pg_authid']
        const locks = MODES.flatMap((mode) =>
          relations.map((name) => `lock table ${name} in ${mode} mode nowait`),
        )
        const granted: string[] = []
        for (const lock of locks) {
          // Two statements in one message are a transaction, which a LOCK must have.
          if ((await session.run(`select; ${lock}`)).code === undefined) granted.push(lock)
        }
        await session.run(`begin; ${granted.join('; ')}`)
        return `${granted.length} of ${locks.length} locks held`
      },
    },
  ),
  disturb(
    {
      id: 'pg-lock-rows',
      title: 'FOR UPDATE on all rows, and an open transaction that has written to all it could',
      kind: 'disturbance',
      references: ['PG-70'],
    },
    {
      control: () => 'select from ground.note for update',
      async grab(session) {
        await session.run('begin; savepoint s')
        let locked = 0
        for (const sql of [
          'select from ground.note for update',
          'select from ground.reply for update',
          "update ground.note set body = 'held'",
          "update ground.event set payload = 'held'",
          'insert into ground.booking (room) select generate_series(100000, 100200)',
        ]) {
          const { code, count } = await session.run(sql)
          await session.run(code === undefined ? 'savepoint s' : 'rollback to s')
          locked += count
        }
        return `${locked} rows held`
      },
    },
  ),
  disturb(
    {
      id: 'pg-hold-same-keys',
      title: "An open transaction that has inserted the victim's keys and bookings as its own",
      kind: 'disturbance',
      references: ['PG-52', 'PG-53', 'PG-70'],
    },
    {
      control: ({ victim }) => `set local session_replication_role = replica;
        insert into ground.note (tenant_id, title) values (${literal(victim.key)}, 'work')`,
      async grab(session, { victim }) {
        const id = literal(String(groundRow(victim, 'note')['id']))
        await session.run('begin')
        const note = await session.run(
          `insert into ground.note (id, title) values (${id}, 'work'), (gen_random_uuid(), 'x')`,
        )
        const reply = await session.run(`insert into ground.reply (note_id) values (${id})`)
        const gone = await session.run(`select rf_delete.note(${id})`)
        return `${note.count + reply.count + gone.count} rows of the same keys held`
      },
    },
  ),
  disturb(
    {
      id: 'pg-service-lock',
      title: 'The lock service, asked for the topics that the victim uses',
      kind: 'disturbance',
      references: ['PG-70'],
    },
    {
      control: TABLE_LOCK,
      async grab(session, { victim }) {
        await session.run('begin')
        let held = 0
        for (const topic of ['work', `${victim.key}/work`, `/${victim.key}/work`, '']) {
          const { code } = await session.run('select rf.lock($1)', [topic])
          if (code === undefined) held += 1
        }
        return `${held} own topics locked`
      },
    },
  ),
  disturb(
    {
      id: 'pg-lock-catalog',
      title: 'Rows of the system catalogs locked, so that nobody can connect or plan',
      kind: 'disturbance',
    },
    {
      control: TABLE_LOCK,
      async grab(session) {
        await session.run('begin; savepoint s')
        let held = 0
        for (const sql of [
          'select oid from pg_catalog.pg_class for update',
          'select oid from pg_catalog.pg_type for key share',
          'lock table pg_catalog.pg_authid in access exclusive mode nowait',
          'lock table pg_catalog.pg_database in share mode nowait',
          'update pg_catalog.pg_proc set procost = 1e9',
          "delete from pg_catalog.pg_class where relname = 'note'",
        ]) {
          const { code } = await session.run(sql)
          await session.run(code === undefined ? 'savepoint s' : 'rollback to s')
          if (code === undefined) held += 1
        }
        return `${held} statements let through`
      },
    },
  ),
  disturb(
    {
      id: 'pg-prepared-transaction',
      title: 'A prepared transaction, which holds its locks after the session has ended',
      kind: 'disturbance',
    },
    {
      control: TABLE_LOCK,
      async grab(session, { attacker }) {
        await session.run('begin; select from ground.note for update')
        const { code } = await session.run(`prepare transaction ${preparedName(attacker)}`)
        await session.close()
        return code === undefined ? 'prepared' : `refused with ${code}`
      },
      async release({ attacker, asAdmin }) {
        await (await asAdmin()).run(`rollback prepared ${preparedName(attacker)}`)
      },
    },
  ),
  attack(
    {
      id: 'pg-advisory-lock',
      title: 'Advisory locks, whose numbers all sessions of a database share',
      kind: 'disturbance',
      references: ['PG-70'],
    },
    {
      async owner(duel) {
        const one = await duel.asAdmin()
        const other = await duel.asAdmin()
        await one.run('select pg_advisory_lock(4242)')
        const free = await other.run(
          'select from (select pg_try_advisory_lock(4242) as got) x where got',
        )
        must(free.count === 0, 'be kept out by the administrator')
        return 'closed to every tenant: one administrator kept the other out'
      },
      async attempt({ asAttacker, asAdmin }) {
        const session = await asAttacker()
        const pid = await session.value('select pg_backend_pid()')
        for (const sql of [
          'select pg_advisory_lock(4243)',
          'select pg_try_advisory_lock(4243)',
          'begin; select pg_advisory_xact_lock(4243)',
        ]) {
          await session.run(sql)
        }
        const admin = await asAdmin()
        // By whom it is held: a session of an earlier strike may not have ended yet.
        const held = await admin.run(
          `select from pg_locks where locktype = 'advisory' and granted and pid = $1`,
          [Number(pid)],
        )
        const crossed = held.count > 0
        return { crossed, met: `the number was ${crossed ? 'held' : 'free'} afterwards` }
      },
    },
  ),
  attack(
    {
      id: 'pg-migration-blockade',
      title: 'An open transaction that makes a migration wait, and everybody behind it',
      kind: 'disturbance',
      references: ['PG-70'],
    },
    {
      async owner(duel) {
        must((await ordinaryWork(duel)) === undefined, 'do its ordinary work')
        return 'the owner worked undisturbed'
      },
      async attempt(duel) {
        const session = await duel.asAttacker()
        await session.run('begin; select from ground.note')
        const admin = await duel.asAdmin()
        await admin.run("set lock_timeout = '3s'")
        const migration = watchPromise(
          admin.run('begin; lock table ground.note in access exclusive mode; rollback'),
        )
        // The watchdog comes by every second; here it is given less patience than that.
        const deadline = performance.now() + 2_000
        let ended = 0
        while (!migration.done && performance.now() < deadline) {
          await new Promise((resolve) => setTimeout(resolve, 20))
          const budget = { ...BUDGET_DEFAULT, blockingSeconds: 0.01 }
          ended += (await duel.victim.site.custodian.sweep(budget)).overBudget.length
        }
        const { code } = await migration.result
        const stopped = await ordinaryWork(duel)
        const crossed = code !== undefined || stopped !== undefined
        return {
          crossed,
          met: `the watchdog ended ${ended} sessions; the migration ${code ?? 'ran'}; the owner ${stopped ?? 'worked'}`,
        }
      },
    },
  ),
]
