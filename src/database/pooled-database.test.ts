import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import type { Cluster } from '../clusters/cluster.ts'
import { startSeeded } from '../clusters/test-seed.test-support.ts'
import { RingfenceError } from '../core/errors.ts'
import { PooledDatabase, type Tx } from './pooled-database.ts'
import { reachedOrNot } from './server-errors.ts'

const directory = mkdtempSync(join(tmpdir(), 'rf-database-'))
chmodSync(directory, 0o711)
let cluster: Cluster
let database: PooledDatabase
before(async () => {
  cluster = await startSeeded({
    name: 'test',
    directory: join(directory, 'server'),
    profile: 'silo',
  })
  database = open()
})
after(async () => {
  await database.close()
  await cluster.stop()
  rmSync(directory, { recursive: true, force: true })
})

const open = (settings: pg.ClientConfig = cluster.admin) =>
  new PooledDatabase(settings, {
    applicationName: 'pooled',
    connections: 2,
    connectMs: 10_000,
    statementMs: 30_000,
    tries: 3,
    errorsOf: reachedOrNot('the database'),
  })

test('what follows a commit is done when others see it, and not when it is rolled back', async () => {
  await database.query('create table done (what text)')
  const seen: Promise<readonly { what: string }[]>[] = []
  const look = () => void seen.push(database.query<{ what: string }>('select what from done'))
  await database.transaction(async (tx) => {
    tx.afterCommit(look)
    await tx.query(`insert into done values ('kept')`)
    assert.equal(seen.length, 0)
  })
  assert.deepEqual(await Promise.all(seen), [[{ what: 'kept' }]])
  const failed = database.transaction(async (tx) => {
    tx.afterCommit(look)
    await tx.query('select 1 / 0')
  })
  await assert.rejects(failed)
  assert.equal(seen.length, 1)
})

test('a transaction that the server ends to break a deadlock runs again, and then no more', async () => {
  let runs = 0
  const deadlock = (failures: number) =>
    database.transaction(async (tx) => {
      runs += 1
      if (runs > failures) return 'done'
      await tx.query(`do $$ begin raise exception 'deadlock' using errcode = '40P01'; end $$`)
      return 'not reached'
    })
  assert.equal(await deadlock(2), 'done')
  assert.equal(runs, 3)
  runs = 0
  await assert.rejects(deadlock(9), { code: '40P01' })
  assert.equal(runs, 3)
})

test('a statement that comes after its transaction has ended reaches nobody', async () => {
  await database.query('create table late (what text)')
  let kept: Tx | undefined
  const failed = database.transaction(async (tx) => {
    kept = tx
    throw new RingfenceError('not_found', 'no such thing')
  })
  await assert.rejects(failed, { code: 'not_found' })
  await assert.rejects(async () => kept?.query(`insert into late values ('late')`), /has ended/)
  assert.deepEqual(await database.query('select from late'), [])
})

test('a connection that ends within a transaction fails it, and neither the process nor the next', async () => {
  const failed = database.transaction(async (tx) => {
    const [own] = await tx.query<{ pid: number }>('select pg_backend_pid() as pid')
    await database.query('select pg_terminate_backend($1, 5000)', [own?.pid])
    await tx.query('select')
  })
  await assert.rejects(failed, { code: 'engine_unavailable' })
  assert.equal(await database.transaction(async () => 'served'), 'served')
})

test('a server that is not there is unavailable, to statements and to transactions', async () => {
  const nowhere = open({ ...cluster.admin, host: join(directory, 'nowhere') })
  await assert.rejects(nowhere.query('select'), { code: 'engine_unavailable' })
  const refused = { code: 'engine_unavailable', message: 'the database cannot be reached' }
  await assert.rejects(
    nowhere.transaction(async () => {}),
    refused,
  )
  await nowhere.close()
  await nowhere.close()
})
