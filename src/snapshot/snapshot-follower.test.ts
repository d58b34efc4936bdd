import assert from 'node:assert/strict'
import {
  appendFileSync,
  copyFileSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { test } from 'node:test'
import { scratch } from '../clusters/scratch.test-support.ts'
import type { RingfenceError } from '../core/errors.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { compact } from './compact.ts'
import { until } from '../core/until.test-support.ts'
import { controlDatabase, reached, versionOf } from './control-database.test-support.ts'
import { samplePlatform, sampleTenant, tenantId } from './sample.test-support.ts'

const acme = tenantId('acme')
/** Nobody listens there. */
const AWAY = { host: '127.0.0.1', port: 1, user: 'nobody', database: 'none' }

test('a follower and its database', async (t) => {
  const control = await controlDatabase(t)
  const directory = `${scratch(t)}/snapshot`
  const follower = await control.follow({ directory })

  await t.test('nobody is served before there is a configuration', () => {
    assert.throws(() => follower.current(), { code: 'snapshot_stale' })
  })

  await t.test(
    'what is published comes into force, and is found by tenant and by host',
    async () => {
      const told: (readonly string[])[] = []
      follower.onChange((changed) => told.push(changed))
      await control.publish({ platform: samplePlatform, tenants: [sampleTenant('acme')] })
      const version = await control.publish({ tenants: [sampleTenant('globex')] })
      await reached(follower, version)
      const now = follower.current()
      assert.deepEqual(now.tenant(acme), sampleTenant('acme'))
      assert.equal(now.tenantOfHost('globex.example')?.id, 'globex')
      assert.equal(now.tenantOfHost('GLOBEX.example'), undefined)
      assert.equal(now.platform.audience, samplePlatform.audience)
      assert.equal([...now.tenants()].length, 2)
      assert.deepEqual(told, [['acme'], ['globex']])
    },
  )

  await t.test('what was got before a suspension knows of it', async () => {
    const before = follower.current()
    await control.publish({ tenants: [sampleTenant('acme', { status: 'suspended' })] })
    await until(() => before.tenant(acme)?.status === 'suspended')
  })

  await t.test('a removed tenant is gone, and its host with it', async () => {
    const version = await control.publish({ removed: [tenantId('globex')] })
    await reached(follower, version)
    assert.equal(follower.current().tenant(tenantId('globex')), undefined)
    assert.equal(follower.current().tenantOfHost('globex.example'), undefined)
  })

  await t.test('a lost connection is made again', async () => {
    await control.client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ringfence snapshot'`,
    )
    await reached(follower, await control.publish({ tenants: [sampleTenant('acme')] }))
  })

  await t.test('a listener that fails keeps nothing from the others', async () => {
    let told = 0
    follower.onChange(() => {
      throw new Error('mine')
    })
    follower.onChange(() => {
      told += 1
    })
    await reached(follower, await control.publish({ tenants: [sampleTenant('acme')] }))
    assert.equal(told, 1)
  })

  await t.test('it starts from disk alone, and as it was', async () => {
    const version = versionOf(follower)
    await follower.close()
    const again = await control.follow({ directory, database: AWAY })
    assert.equal(again.current().version, version)
    assert.deepEqual(again.current().tenant(acme), sampleTenant('acme'))
    await again.close()
  })

  await t.test('a torn last line is what a kill leaves: it is dropped, and got again', async () => {
    const version = await control.publish({ tenants: [sampleTenant('torn')] })
    const { rows } = await control.client.query<{ text: string }>(
      'select text from snapshot.change order by version desc limit 1',
    )
    const text = rows[0]?.text ?? ''
    for (const length of [1, 100, text.length]) {
      appendFileSync(`${directory}/snapshot.log`, text.slice(0, length))
      const again = await control.follow({ directory, database: AWAY })
      assert.equal(again.current().version, version - 1)
      await again.close()
    }
    const again = await control.follow({ directory })
    await reached(again, version)
    await again.close()
    const alone = await control.follow({ directory, database: AWAY })
    assert.equal(alone.current().version, version)
    await alone.close()
  })

  await t.test('anything else that is wrong with the file is refused, and got again', async () => {
    const path = `${directory}/snapshot.log`
    const good = readFileSync(path, 'utf8')
    const lines = good.split('\n')
    const [first = '', second = '', third = '', ...rest] = lines
    const forged = await (await SigningKey.create('EdDSA')).sign('rf-snapshot+jws', {})
    const broken: Readonly<Record<string, string>> = {
      'a letter changed': good.replace(
        second,
        second.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A')),
      ),
      'a record left out': [first, third, ...rest].join('\n'),
      'the first left out': [second, third, ...rest].join('\n'),
      'two in another order': [first, third, second, ...rest].join('\n'),
      'a record twice': [first, second, second, third, ...rest].join('\n'),
      'a record of another key': [first, second, forged, third, ...rest].join('\n'),
      'something else': 'hello\n',
    }
    for (const [what, text] of Object.entries(broken)) {
      writeFileSync(path, text)
      const troubles: RingfenceError[] = []
      const alone = await control.follow({
        directory,
        database: AWAY,
        onTrouble: (trouble) => troubles.push(trouble),
      })
      assert.throws(() => alone.current(), { code: 'snapshot_stale' }, what)
      assert.equal(troubles[0]?.code, 'snapshot_refused', what)
      await alone.close()
      const again = await control.follow({ directory })
      await until(() => versionOf(again) > 0)
      await again.close()
    }
  })
})

test('what a database may try', async (t) => {
  const control = await controlDatabase(t)
  const { client, key, publish } = control
  await publish({ platform: samplePlatform, tenants: [sampleTenant('acme')] })
  await publish({ tenants: [sampleTenant('globex')] })
  const troubles: RingfenceError[] = []
  const directory = `${scratch(t)}/snapshot`
  const follow = () =>
    control.follow({ directory, pollMs: 20, onTrouble: (trouble) => troubles.push(trouble) })
  let follower = await follow()
  await reached(follower, 2)

  const save = async () => {
    await client.query('create temp table saved_head as select * from snapshot.head')
    await client.query('create temp table saved_change as select * from snapshot.change')
  }
  const restore = async () => {
    await client.query(
      'delete from snapshot.head; insert into snapshot.head select * from saved_head',
    )
    await client.query(
      'delete from snapshot.change; insert into snapshot.change select * from saved_change',
    )
    await client.query('drop table saved_head, saved_change')
  }
  /** Does something to the database, and sees that it is refused and changes nothing. */
  const refused = async (title: string, sql: string, parameters: readonly string[] = []) =>
    t.test(title, async () => {
      await save()
      troubles.length = 0
      const version = versionOf(follower)
      await client.query(sql, [...parameters])
      await until(() => troubles.some(({ code }) => code === 'snapshot_refused'))
      assert.equal(versionOf(follower), version)
      assert.equal(follower.current().tenant(acme)?.status, 'active')
      await restore()
      await reached(follower, await publish({ tenants: [sampleTenant('globex')] }))
    })
  const suspension = { tenants: [sampleTenant('acme', { status: 'suspended' as const })] }

  const stranger = await SigningKey.create('EdDSA')
  const record = {
    kind: 'change',
    version: 3,
    issuedAt: new Date().toISOString(),
    previous: '',
    removed: ['acme'],
    tenants: [],
    parts: [],
  }
  const insert = (text: string) =>
    [
      `with new as (insert into snapshot.change select version + 1, $1 from snapshot.head)
       update snapshot.head set version = version + 1`,
      [text],
    ] as const
  await refused(
    'a record of another key is refused',
    ...insert(await stranger.sign('rf-snapshot+jws', record)),
  )
  await refused('a record that is no record is refused', ...insert('nonsense'))
  await refused(
    'a token of the same key for something else is refused',
    ...insert(await key.sign('rf-context+jwt', record)),
  )
  await refused(
    'a record that follows nothing is refused',
    ...insert(await key.sign('rf-snapshot+jws', { ...record, version: 99 })),
  )
  await refused(
    'a record of before, under a new number, is refused',
    `with new as (insert into snapshot.change select h.version + 1, c.text from snapshot.head h, snapshot.change c where c.version = 1)
     update snapshot.head set version = version + 1`,
  )
  await refused(
    'a version that there is not is noticed',
    'update snapshot.head set version = version + 1',
  )
  await refused(
    'a database that was put back is refused',
    `with gone as (delete from snapshot.change where version = (select max(version) from snapshot.change))
     update snapshot.head set version = version - 1`,
  )

  await t.test('a change that is held back is noticed by the confirmation of it', async () => {
    await save()
    await follower.close()
    await publish(suspension)
    await control.confirm()
    await client.query(
      `delete from snapshot.change where version = (select version from snapshot.head);
       update snapshot.head set version = version - 1`,
    )
    troubles.length = 0
    follower = await follow()
    await until(() => troubles.some(({ message }) => message.includes('holds changes back')))
    await follower.close()
    await restore()
    follower = await follow()
  })

  await t.test('a change that is left out is noticed', async () => {
    await save()
    await client.query('begin')
    await client.query('lock snapshot.change in exclusive mode')
    await client.query('commit')
    await follower.close()
    await publish(suspension)
    const version = await publish({ tenants: [sampleTenant('globex')] })
    await client.query('delete from snapshot.change where version = $1', [version - 1])
    troubles.length = 0
    follower = await follow()
    await until(() => troubles.some(({ message }) => message.includes('is missing')))
    await follower.close()
    await restore()
  })

  await t.test('older files in the place of newer ones are not served from', async () => {
    const old = `${directory}/../old.log`
    copyFileSync(`${directory}/snapshot.log`, old)
    follower = await follow()
    const version = await publish({ tenants: [sampleTenant('globex')] })
    await reached(follower, version)
    await follower.close()
    copyFileSync(old, `${directory}/snapshot.log`)
    const alone = await control.follow({ directory, database: AWAY })
    assert.throws(() => alone.current(), { code: 'snapshot_stale' })
    await alone.close()
    follower = await follow()
    await reached(follower, version)
    await follower.close()
  })

  await t.test(
    'no older database is believed by a process that lost its files but the mark',
    async () => {
      await save()
      rmSync(`${directory}/snapshot.log`)
      await client.query(
        `delete from snapshot.change where version = (select version from snapshot.head);
       update snapshot.head set version = version - 1`,
      )
      troubles.length = 0
      follower = await follow()
      await until(() => troubles.some(({ code }) => code === 'snapshot_refused'))
      assert.throws(() => follower.current(), { code: 'snapshot_stale' })
      await restore()
      await until(() => versionOf(follower) > 0)
    },
  )

  await t.test('another history of the same key and length is refused', async () => {
    const version = versionOf(follower)
    await follower.close()
    rmSync(`${directory}/snapshot.log`)
    await client.query('truncate snapshot.change, snapshot.base cascade')
    await client.query(`update snapshot.head set version = 0, hash = ''`)
    await publish({ platform: samplePlatform, tenants: [sampleTenant('acme')] })
    for (let n = 1; n < version; n += 1) await publish({ tenants: [sampleTenant('evil')] })
    troubles.length = 0
    follower = await follow()
    await until(() => troubles.some(({ message }) => message.includes('is another than')))
    assert.throws(() => follower.current(), { code: 'snapshot_stale' })
    await follower.close()

    rmSync(`${directory}/snapshot.log`, { force: true })
    await compact(client, key, 1)
    troubles.length = 0
    follower = await follow()
    await until(() => troubles.some(({ message }) => message.includes('is another than')))
    assert.throws(() => follower.current(), { code: 'snapshot_stale' })
    await follower.close()
  })

  await t.test('a mark that is damaged stops the start', async () => {
    writeFileSync(`${directory}/standing.json`, '{"version":')
    await assert.rejects(follow(), { code: 'snapshot_refused' })
  })
})

test('age', async (t) => {
  const control = await controlDatabase(t)
  await control.publish({ platform: samplePlatform })
  const directory = `${scratch(t)}/snapshot`
  const follower = await control.follow({ directory, staleAfterSeconds: 1, pollMs: 20 })
  await reached(follower, 1)

  await t.test('nobody is served from what was not confirmed for too long', async () => {
    await until(() => versionOf(follower) === 0)
    assert.throws(() => follower.current(), { code: 'snapshot_stale' })
  })

  await t.test('a confirmation puts it in force again', async () => {
    await control.confirm()
    await reached(follower, 1)
  })

  await t.test('an old confirmation does not, however often it comes', async () => {
    await until(() => versionOf(follower) === 0)
    await follower.close()
    const late = await control.follow({ directory, staleAfterSeconds: 1, pollMs: 20 })
    await late.close()
    assert.equal(versionOf(late), 0)
  })
})

test('files', async (t) => {
  const control = await controlDatabase(t)
  const directory = `${scratch(t)}/snapshot`
  const path = `${directory}/snapshot.log`
  const many = Array.from({ length: 1_200 }, (_, n) => sampleTenant(`t${n}`))
  await control.publish({ platform: samplePlatform, tenants: many })
  await compact(control.client, control.key)

  await t.test('a new reader reads the base and what came after it', async () => {
    const version = await control.publish({ tenants: [sampleTenant('acme')] })
    await control.client.query('delete from snapshot.change where version = 1')
    const follower = await control.follow({ directory, rewriteAfter: 4 })
    await reached(follower, version)
    assert.equal([...follower.current().tenants()].length, 1_201)
  })

  await t.test('the file is written anew from a base, and nothing is lost by it', async () => {
    const lines = () => readFileSync(path, 'utf8').trimEnd().split('\n')
    const before = lines()[0]
    for (let n = 0; n < 5; n += 1) await control.publish({ tenants: [sampleTenant('acme')] })
    await compact(control.client, control.key, 1)
    await control.publish({ tenants: [sampleTenant('globex')] })
    await until(() => lines()[0] !== before)
    const more = await control.publish({ tenants: [sampleTenant('initech')] })
    // The base, its two parts, and the two changes after it.
    await until(() => lines().length === 5)
    const alone = await control.follow({ directory, database: AWAY })
    assert.equal(alone.current().version, more)
    assert.equal(alone.current().tenantOfHost('globex.example')?.id, 'globex')
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  await t.test('a reader that is too far behind starts anew from the base', async () => {
    const behind = await control.follow({ directory: `${scratch(t)}/s` })
    await until(() => versionOf(behind) > 0)
    const version = versionOf(behind)
    await control.client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ringfence snapshot'`,
    )
    await control.publish({ removed: [tenantId('globex')] })
    const newest = await control.publish({ tenants: [sampleTenant('hooli')] })
    await compact(control.client, control.key, 1)
    await control.client.query('delete from snapshot.change where version <= $1', [newest])
    await reached(behind, newest)
    assert.ok(newest > version)
    assert.equal(behind.current().tenant(tenantId('globex')), undefined)
    assert.equal(behind.current().tenant(tenantId('hooli'))?.id, 'hooli')
  })
})
