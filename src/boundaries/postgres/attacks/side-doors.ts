import { literal } from '../connection.ts'
import { LOOK } from './look.ts'
import { attack, attackerEverywhere, must, type PostgresAttack, runAll } from './postgres-attack.ts'
import { sight } from './sight.ts'

const LISTEN_LIMIT =
  'LISTEN and NOTIFY ask for no privilege: a channel whose plain name is known can be overheard and written to by every tenant of the database, so tell nothing by it and believe nothing; rf.notify and rf.channel give each tenant channels of its own.'
const TOPIC = 'orders'
const wait = () =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, 15)
  })

/** Doors beside the tables: messages, large objects, files, snapshots, what sessions leave behind. */
export const SIDE_DOORS: readonly PostgresAttack[] = [
  attack(
    {
      id: 'pg-overhear-topic',
      title: "LISTEN on every name that the victim's own topic might have",
      kind: 'read',
      references: ['PG-62'],
    },
    {
      async owner({ asVictim, victim }) {
        const [listener, sender] = [await asVictim(), await asVictim()]
        await listener.run(`listen ${await listener.value('select rf.channel($1)', [TOPIC])}`)
        await sender.run('select rf.notify($1, $2)', [TOPIC, victim.canary])
        await listener.run('select 1')
        await wait()
        must(listener.hasSeen(victim.canary), 'hear its own message')
        return 'the owner heard its own message on its own topic'
      },
      async attempt(duel) {
        const { victim, asVictim } = duel
        const { sessions, there } = await attackerEverywhere(duel)
        let channels = 0
        for (const session of sessions) {
          for (const topic of [
            TOPIC,
            `${victim.key}/${TOPIC}`,
            `../${victim.key}/${TOPIC}`,
            '',
            '%',
          ]) {
            const channel = await session.value('select rf.channel($1)', [topic])
            for (const name of [channel ?? 'x', `rf_${topic}`, topic, `${victim.key}_${TOPIC}`]) {
              await session.run(`listen "${name.slice(0, 60) || '*'}"`)
              channels += 1
            }
          }
        }
        const sender = await asVictim()
        await sender.run('select rf.notify($1, $2)', [TOPIC, victim.canary])
        await sender.run('select rf.notify($1, $2)', ['', victim.canary])
        for (const session of sessions) await session.run('select * from pg_listening_channels()')
        await wait()
        const crossed = sessions.some((session) => session.hasSeen(victim.canary))
        const met = `${crossed ? 'overheard' : 'nothing heard'} on ${channels} channels${there}`
        return { crossed, met }
      },
    },
  ),
  attack(
    {
      id: 'pg-forge-topic-message',
      title: "A message on the victim's own topic that the victim did not send",
      kind: 'write',
      references: ['PG-62'],
    },
    {
      async owner({ asVictim }) {
        const session = await asVictim()
        await session.run(`listen ${await session.value('select rf.channel($1)', [TOPIC])}`)
        await session.run("select rf.notify($1, 'from-me')", [TOPIC])
        await session.run('select 1')
        must(session.hasSeen('from-me'), 'hear its own message')
        return 'the owner heard its own message on its own topic'
      },
      async attempt(duel) {
        const { victim, asVictim } = duel
        const listener = await asVictim()
        await listener.run(`listen ${await listener.value('select rf.channel($1)', [TOPIC])}`)
        const { sessions, there } = await attackerEverywhere(duel)
        let met = ''
        for (const session of sessions) {
          met += await runAll(session, [
            `select rf.notify('${TOPIC}', 'from-another')`,
            `select rf.notify(${literal(`${victim.key}/${TOPIC}`)}, 'from-another')`,
            `notify ${TOPIC}, 'from-another'`,
            `select pg_notify(rf.channel('${TOPIC}'), 'from-another')`,
          ])
        }
        await listener.run('select 1')
        await wait()
        const crossed = listener.hasSeen('from-another')
        return { crossed, met: `${met}; the owner heard ${crossed ? 'it' : 'nothing'}${there}` }
      },
    },
  ),
  attack(
    {
      id: 'pg-plain-channel',
      title: 'LISTEN on and NOTIFY of a channel whose plain name both know',
      kind: 'existence',
      references: ['PG-62'],
      limits: { pooled: LISTEN_LIMIT },
    },
    {
      async owner({ asVictim }) {
        const [listener, sender] = [await asVictim(), await asVictim()]
        await listener.run('listen plain')
        await sender.run("notify plain, 'told-by-owner'")
        await listener.run('select 1')
        await wait()
        must(listener.hasSeen('told-by-owner'), 'hear its own message')
        return 'the owner heard its own message on the plain channel'
      },
      async attempt(duel) {
        const { asVictim } = duel
        const { sessions, there } = await attackerEverywhere(duel)
        const victim = await asVictim()
        await victim.run('listen plain')
        for (const session of sessions) await session.run("listen plain; notify plain, 'forged'")
        await victim.run("notify plain, 'told-by-owner'")
        for (const session of [victim, ...sessions]) await session.run('select 1')
        await wait()
        const heard = sessions.some((session) => session.hasSeen('told-by-owner'))
        const forged = victim.hasSeen('forged')
        const what = [...(heard ? ['overheard'] : []), ...(forged ? ['forged'] : [])]
        return { crossed: what.length > 0, met: `${what.join(' and ') || 'nothing heard'}${there}` }
      },
    },
  ),
  sight(
    {
      id: 'pg-large-object',
      title: 'Large objects: read, listed, written and removed by number',
      kind: 'read',
      references: ['PG-63'],
    },
    () => [
      `select convert_from(lo_get(${LARGE_OBJECT}), 'UTF8')`,
      `begin; select convert_from(loread(lo_open(${LARGE_OBJECT}, 262144), 999), 'UTF8'); commit`,
      'select data from pg_catalog.pg_largeobject',
      'select oid, lomowner, lomacl from pg_catalog.pg_largeobject_metadata',
      `select lo_put(${LARGE_OBJECT}, 0, 'x')`,
      `select lo_unlink(${LARGE_OBJECT})`,
      `grant select on large object ${LARGE_OBJECT} to public`,
      `alter large object ${LARGE_OBJECT} owner to current_user`,
      `comment on large object ${LARGE_OBJECT} is 'x'`,
      'set lo_compat_privileges = on',
      `select lo_get(${LARGE_OBJECT})`,
      `select lo_export(${LARGE_OBJECT}, '/dev/null'), lo_import('/etc/hostname'), lo_create(0)`,
    ],
    {
      closed: true,
      arrange: ({ canary }) => [
        `select lo_unlink(oid) from pg_catalog.pg_largeobject_metadata where oid = ${LARGE_OBJECT}`,
        `select lo_from_bytea(${LARGE_OBJECT}, convert_to(${literal(canary)}, 'UTF8'))`,
      ],
      shown: () => [`select convert_from(lo_get(${LARGE_OBJECT}), 'UTF8')`],
      undo: () => [`select lo_unlink(${LARGE_OBJECT})`],
    },
  ),
  attack(
    {
      id: 'pg-server-files',
      title: "The table's own file on the server's disk, by functions, COPY and XML entities",
      kind: 'read',
      references: ['PG-66', 'PG-67'],
    },
    {
      async owner({ asAdmin, victim }) {
        const admin = await asAdmin()
        await admin.run('checkpoint')
        await admin.run("select pg_read_binary_file(pg_relation_filepath('ground.note'))")
        must(admin.hasSeen(victim.canary), 'be found in the file by the administrator')
        return 'closed to every tenant: the administrator found the canary in the file'
      },
      async attempt(duel) {
        const admin = await duel.asAdmin()
        const file = (await admin.value("select pg_relation_filepath('ground.note')")) ?? ''
        const data = (await admin.value("select current_setting('data_directory')")) ?? ''
        const path = literal(`${data}/${file}`)
        const { sessions, there } = await attackerEverywhere(duel)
        let met = ''
        for (const session of sessions) {
          met += await runAll(session, [
            `select pg_read_binary_file(${literal(file)})`,
            `select pg_read_binary_file(${path}, 0, 99999, true)`,
            `select pg_read_file(${literal(file)})`,
            "select pg_read_file('pg_hba.conf')",
            `select pg_stat_file(${literal(file)}), pg_ls_dir('.'), pg_ls_waldir(), pg_ls_tmpdir()`,
            'select pg_current_logfile(), pg_read_server_files()',
            `copy ground.note (title) from ${path}`,
            "copy ground.code to '/dev/null'",
            `copy ground.note (title) from program 'cat ${data}/${file}'`,
            `copy (select 1) to program 'cat ${data}/${file}'`,
            `select lo_import(${path})`,
            `select xmlparse(document '<!DOCTYPE f [<!ENTITY x SYSTEM "file://${data}/PG_VERSION">]><f>&x;</f>')::text`,
            `create foreign table public.f (t text) server s options (filename ${path})`,
          ])
        }
        return { crossed: false, met: `${met}${there}` }
      },
    },
  ),
  attack(
    {
      id: 'pg-import-snapshot',
      title: "The victim's exported snapshot, imported",
      kind: 'read',
    },
    {
      async owner({ asAdmin, victim }) {
        const [exporter, importer] = [await asAdmin(), await asAdmin()]
        await exporter.run('begin isolation level repeatable read')
        const id = await exporter.value('select pg_export_snapshot()')
        await importer.run('begin isolation level repeatable read')
        await importer.run(`set transaction snapshot ${literal(id ?? '')}`)
        await runAll(importer, LOOK)
        must(importer.hasSeen(victim.canary), 'be seen by the administrator in the snapshot')
        return 'closed to every tenant: the administrator saw the canary in an imported snapshot'
      },
      async attempt(duel) {
        const exporter = await duel.asAdmin()
        await exporter.run('begin isolation level repeatable read')
        const id = literal((await exporter.value('select pg_export_snapshot()')) ?? '')
        const { sessions, there } = await attackerEverywhere(duel)
        let met = ''
        for (const session of sessions) {
          met += await runAll(session, [
            'select pg_export_snapshot()',
            `begin isolation level repeatable read; set transaction snapshot ${id}; select title from ground.note; commit`,
            `begin isolation level serializable; set transaction snapshot ${id}; table ground.reply; commit`,
          ])
        }
        return { crossed: false, met: `${met}${there}` }
      },
    },
  ),
  attack(
    {
      id: 'pg-session-leftovers',
      title:
        'What a session of the victim’s leaves behind: statements, cursors, settings, channels',
      kind: 'read',
      references: ['PG-38', 'PG-39', 'PG-40', 'PG-41'],
    },
    {
      async owner({ asVictim, victim }) {
        const session = await asVictim()
        await runAll(session, leaveBehind(victim.canary))
        await runAll(session, PICK_UP)
        must(session.hasSeen(victim.canary), 'find what it left')
        return 'the owner found what it had left in its session'
      },
      async attempt(duel) {
        const victim = await duel.asVictim()
        await runAll(victim, leaveBehind(duel.victim.canary))
        await victim.close()
        const { sessions, there } = await attackerEverywhere(duel)
        let met = ''
        for (const session of sessions) met += await runAll(session, PICK_UP)
        return { crossed: false, met: `${met}${there}` }
      },
    },
  ),
]

const LARGE_OBJECT = 815_4711

const leaveBehind = (canary: string): readonly string[] => [
  'prepare left_statement as select title from ground.note',
  'begin; declare left_cursor cursor with hold for select title from ground.note; commit',
  `set my.left = ${literal(canary)}`,
  'listen left_channel',
  `set application_name = ${literal(canary.slice(0, 60))}`,
]

const PICK_UP: readonly string[] = [
  'execute left_statement',
  'fetch all from left_cursor',
  "select current_setting('my.left', true), current_setting('application_name')",
  'select statement from pg_catalog.pg_prepared_statements',
  'select statement from pg_catalog.pg_cursors',
  'show my.left',
]
