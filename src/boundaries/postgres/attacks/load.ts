import { connect } from 'node:net'
import { BUDGET_DEFAULT } from '../leases/budget.ts'
import type { Session } from '../rehearsal/session.ts'
import { ordinaryWork } from './ordinary-work.ts'
import { attack, type Duel, must, type PostgresAttack, runAll } from './postgres-attack.ts'
import { watchPromise } from './watch-promise.ts'

/** Runs for some seconds on any machine, unless it is cancelled. */
const LONG_STATEMENT = 'select count(*) from (select generate_series(1, 1000000000)) x'
const SERIALIZATION_FAILURE = '40001'
const CANCEL_REQUEST = 80_877_102

const pause = (milliseconds: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, milliseconds)
  })

/** Attacks on the victim's running sessions, and use of the server beyond one's share. */
export const LOAD: readonly PostgresAttack[] = [
  attack(
    {
      id: 'pg-cancel-backend',
      title: "The victim's session cancelled or terminated by its process id",
      kind: 'disturbance',
      references: ['PG-70'],
    },
    {
      async owner({ asVictim, asAdmin }) {
        const session = await asVictim()
        const admin = await asAdmin()
        await terminate(admin, session)
        let ended = false
        for (let round = 0; round < 100 && !ended; round += 1) {
          await pause(2)
          ended = (await session.run('select 1')).error !== undefined
        }
        must(ended, 'be ended by the administrator')
        return 'the administrator ended a session of the owner’s by its process id'
      },
      async attempt({ asVictim, asAttacker }) {
        const session = await asVictim()
        const { pid } = session.cancelKey
        const met = await runAll(await asAttacker(), [
          `select pg_cancel_backend(${pid})`,
          `select pg_terminate_backend(${pid})`,
          `select pg_terminate_backend(${pid}, 100)`,
          `select pg_log_backend_memory_contexts(${pid})`,
          `select pg_terminate_backend(pid) from pg_stat_activity where pid = ${pid}`,
        ])
        const crossed = (await session.run('select 1')).error !== undefined
        return { crossed, met: `${met}; the owner’s session ${crossed ? 'ended' : 'went on'}` }
      },
    },
  ),
  attack(
    {
      id: 'pg-cancel-request',
      title: "Cancel requests for the victim's process id with guessed keys",
      kind: 'disturbance',
    },
    {
      async owner(duel) {
        const session = await duel.asVictim()
        const { pid, secret } = session.cancelKey
        must(await cancelled(session, duel, pid, [secret], 5_000), 'cancel its own statement')
        return 'the owner cancelled its own statement with its key'
      },
      async attempt(duel) {
        const session = await duel.asVictim()
        const own = await duel.asAttacker()
        const { pid, secret } = session.cancelKey
        const guesses = [0, 1, -1, own.cancelKey.secret, secret ^ 1, pid]
        const crossed = await cancelled(session, duel, pid, guesses, 60)
        return {
          crossed,
          met: `${guesses.length} guesses; the statement was ${crossed ? '' : 'not '}cancelled`,
        }
      },
    },
  ),
  attack(
    {
      id: 'pg-long-statement',
      title: 'A statement without end, with all time limits switched off',
      kind: 'disturbance',
    },
    {
      async owner(duel) {
        must((await ordinaryWork(duel)) === undefined, 'do its ordinary work')
        return 'the owner did its ordinary work'
      },
      async attempt(duel) {
        const session = await duel.asAttacker()
        await session.run(
          'set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; set lock_timeout = 0',
        )
        const running = watchPromise(session.run(LONG_STATEMENT))
        const budget = { ...BUDGET_DEFAULT, statementSeconds: 0.02 }
        const deadline = performance.now() + 1_500
        let sweeps = 0
        while (!running.done && performance.now() < deadline) {
          await pause(25)
          await duel.attacker.site.custodian.sweep(budget)
          sweeps += 1
        }
        const crossed = !running.done
        if (crossed) await terminate(await duel.arena.admin(duel.attacker), session)
        await running.result
        return {
          crossed,
          met: `the watchdog ${crossed ? 'did not end' : 'ended'} it within ${sweeps} rounds`,
        }
      },
    },
  ),
  attack(
    {
      id: 'pg-idle-transaction',
      title: 'A transaction left open, which keeps dead rows and locks',
      kind: 'disturbance',
    },
    {
      async owner(duel) {
        must((await ordinaryWork(duel)) === undefined, 'do its ordinary work')
        return 'the owner did its ordinary work'
      },
      async attempt(duel) {
        const session = await duel.asAttacker()
        await session.run('set idle_in_transaction_session_timeout = 0')
        await session.run('begin isolation level repeatable read; select title from ground.note')
        const budget = { ...BUDGET_DEFAULT, idleInTransactionSeconds: 0.02 }
        const deadline = performance.now() + 1_500
        while (session.isOpen && performance.now() < deadline) {
          await pause(25)
          await duel.attacker.site.custodian.sweep(budget)
        }
        const crossed = session.isOpen
        return { crossed, met: `the watchdog ${crossed ? 'left it' : 'ended the session'}` }
      },
    },
  ),
  attack(
    {
      id: 'pg-connection-flood',
      title: 'Connections beyond the limit of the login and of the tenant',
      kind: 'disturbance',
    },
    {
      async owner(duel) {
        must((await ordinaryWork(duel)) === undefined, 'connect and work')
        return 'the owner connected and worked'
      },
      async attempt(duel) {
        const { arena, attacker, asAttackerWith } = duel
        const login = await arena.freshLogin(attacker, 'read', undefined, {
          ...BUDGET_DEFAULT,
          connectionsPerLogin: 3,
        })
        const doors = await Promise.all(Array.from({ length: 5 }, () => asAttackerWith(login)))
        const opened = doors.filter(({ session }) => session !== undefined)
        await attacker.site.custodian.sweep({ ...BUDGET_DEFAULT, connections: 2 })
        const count = () => opened.filter(({ session }) => session?.isOpen === true).length
        for (let round = 0; round < 50 && count() > 2; round += 1) await pause(10)
        const left = count()
        const stopped = await ordinaryWork(duel)
        await attacker.site.custodian.end(attacker.tenant, login.leaseId, 'revoked')
        const crossed = stopped !== undefined || opened.length > 3 || left > 2
        return {
          crossed,
          met: `${opened.length} of 5 opened, ${left} left after the watchdog; the owner ${stopped ?? 'worked'}`,
        }
      },
    },
  ),
  attack(
    {
      id: 'pg-serialization-failure',
      title: 'Serializable transactions that make the victim’s fail',
      kind: 'disturbance',
      references: ['PG-70'],
      limits: {
        pooled:
          'Serializable transactions on shared tables can make those of another tenant fail with a serialization error, which is retried; a place of the tenant\u2019s own, or another isolation level, has none of it.',
      },
    },
    {
      async owner(duel) {
        const code = await serializable(await duel.asVictim(), undefined)
        must(code === undefined, 'commit a serializable transaction')
        return 'the owner committed a serializable transaction'
      },
      async attempt(duel) {
        const code = await serializable(await duel.asVictim(), await duel.asAttacker())
        const crossed = code === SERIALIZATION_FAILURE
        return { crossed, met: `the owner’s transaction ${code ?? 'was committed'}` }
      },
    },
  ),
]

/** Reads and writes as `victim`, while `other` does the same. Returns what stopped the victim. */
async function serializable(
  victim: Session,
  other: Session | undefined,
): Promise<string | undefined> {
  const begin =
    'begin isolation level serializable; set local enable_indexscan = off; set local enable_bitmapscan = off; select count(*) from ground.reply'
  const write = "update ground.reply set body = body || '.'"
  const codes = [(await victim.run(begin)).code]
  await other?.run(begin)
  await other?.run(write)
  codes.push((await victim.run(write)).code)
  await other?.run('commit')
  // A transaction that is bound to fail does so at its next read, before anything is kept.
  codes.push((await victim.run('select count(*) from ground.reply')).code)
  await victim.run('rollback')
  return codes.find((code) => code !== undefined)
}

/** Sends cancel requests while the session is busy, and sees whether one of them takes effect. */
async function cancelled(
  session: Session,
  duel: Duel,
  pid: number,
  secrets: readonly number[],
  patience: number,
): Promise<boolean> {
  const running = session.run(LONG_STATEMENT).then(() => true)
  await pause(10)
  await Promise.all(
    secrets.map((secret) => sendCancel(duel.victim.site.cluster.admin, pid, secret)),
  )
  const ended = await Promise.race([running, pause(patience).then(() => false)])
  if (!ended) await terminate(await duel.asAdmin(), session)
  await running
  return ended
}

/** CancelRequest of the frontend/backend protocol: it authenticates with nothing but the key. */
function sendCancel(
  { host, port }: { readonly host: string; readonly port: number },
  pid: number,
  secret: number,
): Promise<void> {
  const message = Buffer.alloc(16)
  message.writeInt32BE(16, 0)
  message.writeInt32BE(CANCEL_REQUEST, 4)
  message.writeInt32BE(pid, 8)
  message.writeInt32BE(secret | 0, 12)
  return new Promise((resolve) => {
    const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
    socket.on('connect', () => socket.end(message))
    socket.on('error', () => resolve())
    socket.on('close', () => resolve())
  })
}

async function terminate(admin: Session, session: Session): Promise<void> {
  await admin.run('select pg_terminate_backend($1)', [session.cancelKey.pid])
}
