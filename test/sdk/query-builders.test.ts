import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgSchema, text } from 'drizzle-orm/pg-core'
import { Kysely, PostgresDialect } from 'kysely'
import type pg from 'pg'
import { poolOf } from '../../src/sdk/pool-of.ts'
import { openServiceGround, type ServiceGround } from './service-ground.test-support.ts'

let service: ServiceGround
before(async () => {
  service = await openServiceGround()
})
after(() => service?.close())

const write = { scope: 'write' } as const
const sessionOf = async (db: pg.ClientBase) => {
  const { rows } = await db.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid
}

interface Database {
  'words.word': { id: number; text: string }
}
const kyselyOn = (db: pg.ClientBase) =>
  new Kysely<Database>({ dialect: new PostgresDialect({ pool: poolOf(db) }) })

const word = pgSchema('words').table('word', {
  id: integer('id').notNull(),
  text: text('text').notNull(),
})

test('Kysely works in the tenant’s session: queries, and transactions that roll back', async () => {
  const { ringfence, harbor, northmere } = service
  await ringfence.withTenant(
    await service.context(harbor),
    async (db) => {
      const kysely = kyselyOn(db)
      await kysely.insertInto('words.word').values({ id: 1, text: 'kysely' }).execute()
      const failing = kysely.transaction().execute(async (trx) => {
        await trx.insertInto('words.word').values({ id: 2, text: 'undone' }).execute()
        throw new RangeError('of the application')
      })
      await assert.rejects(failing, RangeError)
      await kysely
        .transaction()
        .execute((trx) => trx.insertInto('words.word').values({ id: 3, text: 'kept' }).execute())
      const rows = await kysely.selectFrom('words.word').select('text').orderBy('id').execute()
      assert.deepEqual(rows, [{ text: 'kysely' }, { text: 'kept' }])
      await kysely.destroy()
    },
    write,
  )
  const others = await ringfence.withTenant(await service.context(northmere), (db) =>
    kyselyOn(db).selectFrom('words.word').selectAll().execute(),
  )
  assert.deepEqual(others, [])
})

test('Drizzle works in the tenant’s session: queries, and transactions that roll back', async () => {
  const { ringfence, harbor, northmere } = service
  await ringfence.withTenant(
    await service.context(northmere),
    async (db) => {
      const orm = drizzle({ client: db as pg.Client })
      await orm.insert(word).values({ id: 1, text: 'drizzle' })
      const failing = orm.transaction(async (trx) => {
        await trx.insert(word).values({ id: 2, text: 'undone' })
        throw new RangeError('of the application')
      })
      await assert.rejects(failing, RangeError)
      assert.deepEqual(await orm.select({ text: word.text }).from(word), [{ text: 'drizzle' }])
      assert.equal((await orm.select().from(word).where(eq(word.id, 1))).length, 1)
    },
    write,
  )
  const others = await ringfence.withTenant(await service.context(harbor), (db) =>
    drizzle({ client: db as pg.Client })
      .select()
      .from(word)
      .where(eq(word.text, 'drizzle')),
  )
  assert.deepEqual(others, [])
})

test('a pool of one session is that session, one use after the other, and ends nothing', async () => {
  const { ringfence, harbor } = service
  await ringfence.withTenant(await service.context(harbor), async (db) => {
    const own = await sessionOf(db)
    const pool = poolOf(db)
    const pids = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const client = await pool.connect()
        try {
          return await sessionOf(client)
        } finally {
          client.release()
        }
      }),
    )
    assert.deepEqual(new Set(pids), new Set([own]))
    const broken = await pool.connect()
    broken.release(new Error('the borrower thinks it is broken'))
    await pool.end()
    assert.equal(await sessionOf(db), own)
  })
})

test('a pool that is kept after its session was given back refuses, and ends nobody’s process', async () => {
  const { ringfence, harbor } = service
  const kept = await ringfence.withTenant(await service.context(harbor), async (db) => {
    const pool = poolOf(db)
    await pool.query('select 1')
    return { pool, kysely: kyselyOn(db) }
  })
  await assert.rejects(kept.pool.query('select 1'), { code: 'invalid_argument' })
  await assert.rejects(kept.pool.connect(), { code: 'invalid_argument' })
  await assert.rejects(kept.kysely.selectFrom('words.word').selectAll().execute(), {
    code: 'invalid_argument',
  })
})
