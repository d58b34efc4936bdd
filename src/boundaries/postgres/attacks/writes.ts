import { ident, literal } from '../connection.ts'
import { groundRow } from '../rehearsal/side.ts'
import { onEveryTable, writing } from './committed.ts'
import type { Duel, PostgresAttack } from './postgres-attack.ts'
import type { TenantTable } from './tenant-table.ts'

/** Statements that the attacker commits; the strike looks at what they did to others' rows. */
export const WRITES: readonly PostgresAttack[] = [
  onEveryTable(
    {
      id: 'pg-update-without-where',
      title: 'UPDATE without WHERE or RETURNING, on every table',
      kind: 'write',
      references: ['PG-13', 'PG-12'],
    },
    // A statement that reads no column is not held to the policies for SELECT.
    ({ name, updatable }) =>
      updatable
        .flatMap((column) => [
          `update ${name} set ${column} = ${column}`,
          `update ${name} set ${column} = default`,
        ])
        .slice(0, 8),
  ),
  onEveryTable(
    {
      id: 'pg-delete-without-where',
      title: 'DELETE without WHERE or RETURNING, on every table',
      kind: 'write',
      references: ['PG-13'],
    },
    ({ name }) => [`delete from ${name}`, `delete from ${name} using ground.code`],
    (table) => deleteCall(table, table.row),
  ),
  onEveryTable(
    {
      id: 'pg-delete-by-function',
      title: "The generated delete functions, with the victim's keys",
      kind: 'write',
      references: ['PG-26', 'PG-29'],
    },
    (table) => deleteCall(table, table.row),
  ),
  onEveryTable(
    {
      id: 'pg-insert-as-victim',
      title: "INSERT into every table with the victim's tenant id",
      kind: 'write',
      references: ['PG-11', 'PG-51'],
    },
    insertCopy,
    ({ name }) =>
      name === '"ground"."note"' ? ["insert into ground.note (title) values ('x')"] : [],
  ),
  writing(
    {
      id: 'pg-move-row',
      title: 'UPDATE that gives own rows to the victim',
      kind: 'write',
      references: ['PG-12'],
    },
    ({ key }) => [
      `update ground.note set tenant_id = ${literal(key)}`,
      `update ground.note n set (tenant_id, body) = (select ${literal(key)}::uuid, 'x')`,
      `update ground.event set tenant_id = ${literal(key)}, happened_on = '2030-01-01'`,
      `update only ground.event_2026 set tenant_id = ${literal(key)}`,
      `update ground.booking b set tenant_id = ${literal(key)} from ground.note n where n.tenant_id = b.tenant_id`,
    ],
    (_, __, duel) => [`update ground.note set body = 'mine' where id = ${noteId(duel)}`],
  ),
  writing(
    {
      id: 'pg-take-row',
      title: "UPDATE that makes the victim's rows own rows",
      kind: 'write',
      references: ['PG-12', 'PG-60'],
    },
    ({ key }, self, duel) => [
      `update ground.note set tenant_id = ${literal(self.key)} where tenant_id = ${literal(key)}`,
      `update ground.event set tenant_id = ${literal(self.key)} where tenant_id = ${literal(key)}`,
      `update ground.open_note set tenant_id = ${literal(self.key)}`,
      `insert into ground.note (tenant_id, id, title) values (${literal(key)}, ${noteId(duel)}, 'x') on conflict (tenant_id, id) do update set tenant_id = ${literal(self.key)}`,
    ],
    (_, __, duel) => [`update ground.note set body = 'mine' where id = ${noteId(duel)}`],
  ),
  writing(
    {
      id: 'pg-upsert-onto-victim',
      title: "Upserts onto the victim's row",
      kind: 'write',
      references: ['PG-59', 'CVE-2026-120154', 'CVE-2017-15099'],
    },
    ({ key }, _, duel) => {
      const values = `(tenant_id, id, title) values (${literal(key)}, ${noteId(duel)}, 'x')`
      return [
        `insert into ground.note ${values} on conflict (tenant_id, id) do update set body = 'overwritten'`,
        `insert into ground.note ${values} on conflict do nothing`,
        `insert into ground.note ${values} on conflict on constraint note_pkey do update set body = excluded.body`,
        `insert into ground.note (id, title) values (${noteId(duel)}, 'y') on conflict (tenant_id, id) do update set body = 'overwritten'`,
        `insert into ground.open_note ${values} on conflict (tenant_id, id) do update set body = 'overwritten'`,
        `insert into ground.event as e (tenant_id, id, happened_on) values (${literal(key)}, ${literal(String(groundRow(duel.victim, 'event')['id']))}, '2026-03-02')
         on conflict (tenant_id, id, happened_on) do update set payload = 'overwritten'`,
      ]
    },
    (_, __, duel) => [
      `insert into ground.note (id, title) values (${noteId(duel)}, 'x') on conflict (tenant_id, id) do update set body = 'mine'`,
    ],
  ),
  writing(
    {
      id: 'pg-merge',
      title: 'MERGE onto all rows (an UPDATE with a join on servers without it)',
      kind: 'write',
      references: ['PG-61', 'CVE-2023-39418'],
    },
    ({ key }, _, { version }) =>
      version >= 150000
        ? [
            "merge into ground.note t using (values (1)) v on true when matched then update set body = 'merged'",
            "merge into ground.note t using (values (1)) v on t.amount >= 0 when matched then update set body = 'merged'",
            'merge into ground.note t using (values (1)) v on true when matched then delete',
            "merge into ground.event t using (values (1)) v on t.payload is not null when matched then update set payload = 'merged'",
            `merge into ground.note t using (values (${literal(key)}::uuid)) v(k) on t.tenant_id = v.k when matched then update set body = 'merged' when not matched then insert (tenant_id, title) values (v.k, 'merged')`,
            `merge into ground.note t using ground.reply r on true when matched then do nothing when not matched then insert (tenant_id, title) values (${literal(key)}, 'merged')`,
          ]
        : ["update ground.note t set body = 'merged' from (values (1)) v"],
    (_, __, duel) => [
      duel.version >= 150000
        ? `merge into ground.note t using (values (1)) v on t.id = ${noteId(duel)} when matched then update set body = 'mine'`
        : `update ground.note set body = 'mine' where id = ${noteId(duel)}`,
    ],
  ),
  writing(
    {
      id: 'pg-write-through-view',
      title: 'INSERT, UPDATE and DELETE through a view',
      kind: 'write',
      references: ['PG-25', 'PG-60'],
    },
    ({ key }) => [
      "update ground.open_note set body = 'through'",
      `insert into ground.open_note (tenant_id, title) values (${literal(key)}, 'through')`,
      'delete from ground.open_note',
      "with x as (select id from ground.open_note) update ground.note n set body = 'through' from x",
    ],
    (_, __, duel) => [`update ground.note set body = 'mine' where id = ${noteId(duel)}`],
  ),
  writing(
    {
      id: 'pg-hang-on-foreign-parent',
      title: "A reply that hangs on the victim's note",
      kind: 'write',
      references: ['PG-53'],
    },
    ({ key }, _, duel) => [
      `insert into ground.reply (note_id) values (${noteId(duel)})`,
      `insert into ground.reply (tenant_id, note_id) values (${literal(key)}, ${noteId(duel)})`,
      `update ground.reply set note_id = ${noteId(duel)}`,
    ],
    (_, __, duel) => [`insert into ground.reply (note_id) values (${noteId(duel)})`],
  ),
  writing(
    {
      id: 'pg-cascade',
      title: "Deleting an own parent that has the same id as the victim's",
      kind: 'write',
      references: ['PG-54'],
    },
    (_, __, duel) => [
      `insert into ground.note (id, title) values (${noteId(duel)}, 'twin')`,
      `insert into ground.reply (note_id) values (${noteId(duel)})`,
      `update ground.note set id = gen_random_uuid() where id = ${noteId(duel)}`,
      `select rf_delete.note(${noteId(duel)})`,
    ],
    (_, __, duel) => [
      `select from (select rf_delete.note(${noteId(duel)}) as gone) x where gone > 0`,
    ],
  ),
  writing(
    {
      id: 'pg-copy-in',
      title: "COPY of rows with the victim's tenant id into tables",
      kind: 'write',
      references: ['PG-11'],
    },
    () => [
      'copy ground.note (tenant_id, title) from stdin',
      'copy ground.event_2026 (tenant_id, payload) from stdin',
    ],
    () => ["insert into ground.note (title) values ('mine')"],
    ({ key }) => `${key}\tplanted\n`,
  ),
  writing(
    {
      id: 'pg-forge-history',
      title: 'Writing the history table that only a trigger should fill',
      kind: 'write',
      references: ['PG-3b', 'PG-18'],
    },
    ({ key }) => [
      `insert into ground.note_history (tenant_id, image) values (${literal(key)}, '{}')`,
      "update ground.note_history set image = '{}'",
      'delete from ground.note_history',
      'select ground.remember_note()',
    ],
    (_, __, duel) => [`update ground.note set body = 'recorded' where id = ${noteId(duel)}`],
  ),
]

const noteId = ({ victim }: Duel) => literal(String(groundRow(victim, 'note')['id']))

/** Calls the table's delete function with a row's key: its columns but the tenant's, in order. */
function deleteCall(table: TenantTable, row: TenantTable['row']): readonly string[] {
  if (table.deleteFunction === undefined) return []
  const key = table.keyColumns.map((name) => asLiteral(row[name])).join(', ')
  return [`select from (select ${table.deleteFunction}(${key}) as gone) x where gone > 0`]
}

/** A row of the victim's once more, with a key of its own where the table makes one up. */
function insertCopy({ name, insertable, row }: TenantTable): readonly string[] {
  const columns = insertable.filter((column) => column !== 'id')
  if (columns.length === 0) return [`insert into ${name} default values`]
  const insert = (values: readonly string[]) =>
    `insert into ${name} (${columns.map(ident).join(', ')}) values (${values.join(', ')})`
  const same = columns.map((column) => asLiteral(row[column]))
  // A key that the copy would violate must not be what stops it: its free texts are others once.
  const others = same.map((value) => value.replace(/^'canary-/, "'another-"))
  return [insert(same), insert(others)]
}

function asLiteral(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'string') return literal(value)
  if (value instanceof Date) return literal(value.toISOString())
  if (value instanceof Uint8Array) return literal(`\\x${Buffer.from(value).toString('hex')}`)
  return literal(JSON.stringify(value))
}
