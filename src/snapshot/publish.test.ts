import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SigningKey } from '../tokens/signing-key.ts'
import { KeySet } from '../tokens/verify-token.ts'
import { compact } from './compact.ts'
import {
  connected,
  controlDatabase,
  freshSchema,
  publishing,
} from './control-database.test-support.ts'
import { publishChange } from './publish.ts'
import { samplePlatform, sampleTenant, tenantId } from './sample.test-support.ts'
import { hashOf, openConfirmation, openRecord } from './seal.ts'

const one = async (client: { query(sql: string): Promise<{ rows: unknown[] }> }, sql: string) =>
  (await client.query(sql)).rows[0] as Record<string, unknown>

test('what is published, and what is not', async (t) => {
  const control = await controlDatabase(t)
  const { client, key, publish } = control
  const keys = new KeySet([key.publicJwk])

  await t.test('the first version says what the platform is', async () => {
    await assert.rejects(publish({ tenants: [sampleTenant('acme')] }), { code: 'invalid_argument' })
    await control.confirm()
    assert.deepEqual(await one(client, 'select version, confirmation from snapshot.head'), {
      version: '0',
      confirmation: null,
    })
    assert.equal(await publish({ platform: samplePlatform }), 1)
  })

  await t.test('each version names the one before it', async () => {
    assert.equal(await publish({ tenants: [sampleTenant('acme')] }), 2)
    const { rows } = await client.query<{ text: string }>(
      'select text from snapshot.change order by version',
    )
    const [first = '', second = ''] = rows.map(({ text }) => text)
    assert.equal((await openRecord(second, keys)).previous, hashOf(first))
    assert.equal((await openRecord(first, keys)).previous, '')
  })

  await t.test('a transaction that is rolled back has published nothing', async () => {
    await client.query('begin')
    await publishChange(client, key, { tenants: [sampleTenant('globex')], removed: [] })
    await client.query('rollback')
    assert.equal((await one(client, 'select version from snapshot.head'))['version'], '2')
    assert.equal((await one(client, 'select count(*) from snapshot.tenant'))['count'], '1')
  })

  await t.test('publishers at the same moment get versions one after another', async () => {
    const clients = await Promise.all(Array.from({ length: 6 }, () => connected(control.settings)))
    const versions = await Promise.all(
      clients.map((other, n) => publishing(other, key, { tenants: [sampleTenant(`t${n}`)] })),
    )
    assert.deepEqual(
      versions.sort((a, b) => a - b),
      [3, 4, 5, 6, 7, 8],
    )
    await Promise.all(clients.map((other) => other.end()))
  })

  await t.test('a host has one owner, unless it is handed over', async () => {
    const taken = sampleTenant('thief', { hosts: ['acme.example'] })
    await assert.rejects(publish({ tenants: [taken] }), { code: 'conflict' })
    await publish({ tenants: [taken, sampleTenant('acme', { hosts: [] })] })
    await publish({
      tenants: [sampleTenant('heir', { hosts: ['acme.example'] })],
      removed: [tenantId('thief')],
    })
  })

  await t.test('a change that contradicts itself is refused', async () => {
    const acme = sampleTenant('acme')
    await assert.rejects(publish({ tenants: [acme, acme] }), { code: 'invalid_argument' })
    await assert.rejects(publish({ tenants: [acme], removed: [acme.id] }), {
      code: 'invalid_argument',
    })
    const broken = { ...acme, hosts: ['ACME.example'] }
    await assert.rejects(publish({ tenants: [broken] }), { code: 'invalid_argument' })
  })

  await t.test('no private key is published', async () => {
    const { privateJwk, publicJwk } = await SigningKey.create('ES256')
    const leaky = sampleTenant('leaky', {
      keys: [{ ...publicJwk, kty: 'EC', d: privateJwk.d } as never],
    })
    await assert.rejects(publish({ tenants: [leaky] }), { code: 'invalid_argument' })
  })

  await t.test('a confirmation names the newest version', async () => {
    await control.confirm()
    const row = await one(client, 'select version, hash, confirmation from snapshot.head')
    const confirmation = await openConfirmation(String(row['confirmation']), keys)
    assert.equal(String(confirmation.version), row['version'])
    assert.equal(confirmation.hash, row['hash'])
  })

  await t.test('neither record nor confirmation passes as the other', async () => {
    const row = await one(
      client,
      'select confirmation, (select text from snapshot.change order by version desc limit 1) as change from snapshot.head',
    )
    const refusal = { code: 'snapshot_refused' }
    await assert.rejects(openRecord(String(row['confirmation']), keys), refusal)
    await assert.rejects(openConfirmation(String(row['change']), keys), refusal)
  })
})

test('compaction', async (t) => {
  const control = await controlDatabase(t)
  const { client, key, publish } = control

  await t.test('makes a base when there is none, and no other until much has changed', async () => {
    assert.equal(await compact(client, key), undefined)
    await publish({ platform: samplePlatform, tenants: [sampleTenant('acme')] })
    assert.equal(await compact(client, key), 1)
    assert.equal(await compact(client, key), undefined)
    await publish({ tenants: [sampleTenant('globex')] })
    assert.equal(await compact(client, key), undefined)
    assert.equal(await compact(client, key, 1), 2)
  })

  await t.test('keeps what a reader of the base before it still needs', async () => {
    await publish({ tenants: [sampleTenant('initech')] })
    assert.equal(await compact(client, key, 1), 3)
    const kept = await client.query('select version from snapshot.change order by version')
    assert.deepEqual(kept.rows, [{ version: '3' }])
    const bases = await client.query('select version from snapshot.base order by version')
    assert.deepEqual(bases.rows, [{ version: '2' }, { version: '3' }])
  })

  await t.test('does not wait for a publisher, nor a publisher for it', async () => {
    const other = await connected(control.settings)
    await other.query('begin')
    await publishChange(other, key, { tenants: [sampleTenant('late')], removed: [] })
    await client.query('truncate snapshot.base cascade')
    assert.equal(await compact(client, key), 3)
    await other.query('commit')
    await other.end()
  })

  await t.test('is done once by two processes at the same moment', async () => {
    const other = await connected(control.settings)
    await publish({ tenants: [sampleTenant('hooli')] })
    const done = await Promise.all([compact(client, key, 1), compact(other, key, 1)])
    assert.equal(done.filter((version) => version !== undefined).length, 1)
    await other.end()
  })

  await t.test('splits many tenants into parts', async () => {
    await freshSchema(client)
    const tenants = Array.from({ length: 2_500 }, (_, n) => sampleTenant(`t${n}`))
    await publish({ platform: samplePlatform, tenants })
    await compact(client, key)
    const parts = await client.query<{ n: number }>(
      'select json_array_length(text::json) as n from snapshot.base_part order by number',
    )
    assert.deepEqual(
      parts.rows.map(({ n }) => n),
      [1_000, 1_000, 500],
    )
  })
})
