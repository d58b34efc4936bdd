import { literal } from '../connection.ts'
import { groundRow } from '../rehearsal/side.ts'
import { arrangeQuietly } from './arrange.ts'
import { attack, type Duel, must, type PostgresAttack } from './postgres-attack.ts'
import { sight } from './sight.ts'
import { twin } from './twin.ts'

const noteId = ({ victim }: Duel) => literal(String(groundRow(victim, 'note')['id']))
const nobody = () => literal(crypto.randomUUID())

const IDENTITY_LIMIT =
  'An identity or serial column of a shared table counts all tenants\u2019 inserts, so the gaps between own numbers tell how many others inserted; use uuid keys, or a place of the tenant\u2019s own.'

/** Keys and constraints that answer before, or in spite of, row security. */
export const KEYS: readonly PostgresAttack[] = [
  twin(
    {
      id: 'pg-unique-oracle',
      title: 'A duplicate-key error for a value that only the victim has',
      kind: 'existence',
      references: ['PG-52'],
    },
    {
      arrange: ({ key }, marker) => [
        `insert into ground.note (tenant_id, title) values (${literal(key)}, ${literal(marker)})`,
      ],
      values: (_, marker) => ({ real: literal(marker), nobody: literal(`${marker}-not`) }),
      probe: (value) => [
        `insert into ground.note (title) values (${value})`,
        `insert into ground.note (title) values (${value}) on conflict do nothing`,
        `insert into ground.note (title) values (${value}) on conflict (tenant_id, title) do update set amount = 1`,
        `update ground.note set title = ${value}`,
      ],
    },
  ),
  twin(
    {
      id: 'pg-primary-key-oracle',
      title: "A duplicate primary key, in the attacker's own and in the victim's name",
      kind: 'existence',
      references: ['PG-52'],
    },
    {
      values: (duel) => ({ real: noteId(duel), nobody: nobody() }),
      probe: (value, self, { victim }) => {
        const b = literal(victim.key)
        return [
          `insert into ground.note (id, title) values (${value}, 'x')`,
          `insert into ground.note (id, title) values (${value}, 'x') on conflict do nothing`,
          `insert into ground.note (tenant_id, id, title) values (${b}, ${value}, 'x')`,
          `insert into ground.note (tenant_id, id, title) values (${b}, ${value}, 'x') on conflict do nothing`,
          `insert into ground.note (tenant_id, id, title) values (${b}, ${value}, 'x') on conflict (tenant_id, id) do update set amount = 1`,
          `update ground.note set id = ${value} where tenant_id = ${literal(self.key)}`,
        ]
      },
    },
  ),
  twin(
    {
      id: 'pg-foreign-key-oracle',
      title: 'A reference to a row that only the victim has',
      kind: 'existence',
      references: ['PG-53'],
    },
    {
      values: (duel) => ({ real: noteId(duel), nobody: nobody() }),
      probe: (value, _, { victim }) => [
        `insert into ground.reply (note_id) values (${value})`,
        `insert into ground.reply (tenant_id, note_id) values (${literal(victim.key)}, ${value})`,
        `update ground.reply set note_id = ${value}`,
      ],
    },
  ),
  twin(
    {
      id: 'pg-exclusion-oracle',
      title: 'A conflict with something that only the victim has booked',
      kind: 'existence',
      references: ['PG-55'],
    },
    {
      arrange: ({ key }) => [
        `insert into ground.booking (tenant_id, room) values (${literal(key)}, 4242)`,
      ],
      values: () => ({ real: '4242', nobody: '4243' }),
      probe: (value, _, { victim }) => [
        `insert into ground.booking (room) values (${value})`,
        `insert into ground.booking (room) values (${value}) on conflict do nothing`,
        `insert into ground.booking (room) values (${value}) on conflict on constraint booking_room_once do nothing`,
        `insert into ground.booking (tenant_id, room) values (${literal(victim.key)}, ${value})`,
        `update ground.booking set room = ${value}`,
      ],
    },
  ),
  twin(
    {
      id: 'pg-check-order-oracle',
      title: 'Which of several errors comes first: the key, the check or the policy',
      kind: 'existence',
      references: ['PG-52', 'CVE-2017-15099'],
    },
    {
      values: (duel) => ({ real: noteId(duel), nobody: nobody() }),
      probe: (value, _, { victim }) => {
        const b = literal(victim.key)
        return [
          `insert into ground.note (tenant_id, id, title, state) values (${b}, ${value}, 'x', 'no such state')`,
          `insert into ground.note (tenant_id, id, title) values (${b}, ${value}, null)`,
          `insert into ground.note (tenant_id, id, title) select ${b}, ${value}, 'x' returning title`,
          `insert into ground.note (id, title) values (${value}, 'x'), (${value}, 'y')`,
          `with x as (insert into ground.note (tenant_id, id, title) values (${b}, ${value}, 'x') on conflict do nothing returning id) select count(*) from x`,
        ]
      },
      shown: (value) => [`insert into ground.note (id, title) values (${value}, 'x')`],
    },
  ),
  twin(
    {
      id: 'pg-delete-function-oracle',
      title: 'The generated delete function, asked for a row that only the victim has',
      kind: 'existence',
      references: ['PG-26'],
    },
    {
      values: (duel) => ({ real: noteId(duel), nobody: nobody() }),
      probe: (value) => [`select rf_delete.note(${value})`],
    },
  ),
  twin(
    {
      id: 'pg-locked-row-oracle',
      title: 'A row that the victim holds a lock on',
      kind: 'existence',
      references: ['PG-70'],
    },
    {
      values: (duel) => ({ real: noteId(duel), nobody: nobody() }),
      probe: (value) => [
        `select id from ground.note where id = ${value} for update nowait`,
        `select count(*) from (select from ground.note where id = ${value} for update skip locked) x`,
        `set local lock_timeout = 30; update ground.note set amount = 1 where id = ${value}`,
        `set local lock_timeout = 30; insert into ground.note (id, title) values (${value}, 'x')`,
      ],
    },
  ),
  attack(
    {
      id: 'pg-identity-gap',
      title: 'Gaps between the numbers of own rows, as a count of what others inserted',
      kind: 'existence',
      references: ['PG-56'],
      limits: { pooled: IDENTITY_LIMIT },
    },
    {
      async owner({ asVictim }) {
        const session = await asVictim()
        const first = await nextNumber(session.value.bind(session))
        const second = await nextNumber(session.value.bind(session))
        must(second - first === 1, 'count its own inserts')
        return 'the owner counted its own inserts by the numbers of its rows'
      },
      async attempt(duel) {
        const session = await duel.asAttacker()
        const before = await nextNumber(session.value.bind(session))
        const marker = literal(crypto.randomUUID())
        const b = literal(duel.victim.key)
        await arrangeQuietly(duel, [
          `begin; insert into ground.note (tenant_id, title) select ${b}, ${marker} || n from generate_series(1, 3) n; rollback`,
        ])
        const after = await nextNumber(session.value.bind(session))
        const gap = after - before - 1
        return { crossed: gap !== 0, met: `a gap of ${gap} for 3 inserts of the victim's` }
      },
    },
  ),
  sight(
    {
      id: 'pg-upsert-peek',
      title: "An upsert onto the victim's key whose WHERE quotes the row that it hit",
      kind: 'read',
      references: ['PG-59', 'CVE-2026-120154', 'CVE-2017-15099'],
    },
    (target, self) => {
      const row = groundRow(target, 'note')
      const id = literal(String(row['id']))
      return [self.key, target.key].flatMap((tenant) =>
        ['(tenant_id, id)', '(tenant_id, title)', 'on constraint note_pkey'].map(
          (key) =>
            `insert into ground.note as t (tenant_id, id, title) values (${literal(tenant)}, ${id}, 'x')
             on conflict ${key} do update set amount = 1 where t.title::int > 0 returning t.title`,
        ),
      )
    },
    {
      shown: (target) => [
        `insert into ground.note as t (id, title) values (${literal(String(groundRow(target, 'note')['id']))}, 'x')
         on conflict (tenant_id, id) do update set amount = 1 where t.title::int > 0`,
      ],
    },
  ),
]

async function nextNumber(value: (sql: string) => Promise<string | undefined>): Promise<number> {
  const number = await value(
    `insert into ground.note (title) values (${literal(crypto.randomUUID())}) returning number`,
  )
  must(number !== undefined, 'insert a row')
  return Number(number)
}
