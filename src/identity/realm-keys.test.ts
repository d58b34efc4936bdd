import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parseSubject } from '../core/names.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { verifyAccessToken } from '../tokens/access-token.ts'
import { KeySet } from '../tokens/verify-token.ts'
import {
  AUDIENCE,
  BASE,
  type IdentitySite,
  startIdentitySite,
} from './identity-site.test-support.ts'
import type { Identity } from './open-identity.ts'

const ALICE = parseSubject('alice')
const MAY = { roles: [], scopes: ['read'] }

let site: IdentitySite
let realms = 0
before(async () => {
  site = await startIdentitySite()
})
after(() => site.stop())

async function newRealm(identity: Identity = site.identity): Promise<TenantId> {
  realms += 1
  const tenant = parseTenantId(`realm-${realms}`)
  await identity.realms.ensure(tenant, 'A realm')
  await identity.realms.putSettings(tenant, { algorithms: ['ES256'] })
  // As it would be long after: what the settings left is gone.
  await site.admin.query('delete from identity.signing_key where retired_at is not null')
  await identity.realms.putUser(tenant, ALICE, MAY)
  return tenant
}

const realmOf = (tenant: TenantId) => ({ issuer: `${BASE}/realms/${tenant}`, audience: AUDIENCE })

const kids = async (tenant: TenantId) =>
  (await site.identity.realms.ensure(tenant, 'A realm')).keys.map(({ kid }) => kid)

async function issue(tenant: TenantId, identity = site.identity): Promise<string> {
  return (await identity.realms.issueFor(tenant, ALICE)).access_token
}

const kidOf = (token: string) =>
  (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string })
    .kid

describe('a rotation', () => {
  test('signs with no key that the control plane has not been given', async () => {
    const tenant = await newRealm()
    const [first] = await kids(tenant)
    await site.identity.realms.rotateKeys(tenant)
    assert.equal(kidOf(await issue(tenant)), first)
    const published = await site.ask(`/realms/${tenant}/jwks`)
    assert.equal((JSON.parse(published.text) as { keys: object[] }).keys.length, 2)
    const [second] = await kids(tenant)
    assert.equal(kidOf(await issue(tenant)), second)
    assert.notEqual(second, first)
  })

  test('waits for the lead after that', async () => {
    const patient = await site.open({ keys: { leadSeconds: 3600 } })
    const tenant = await newRealm(patient)
    const first = kidOf(await issue(tenant, patient))
    await patient.realms.rotateKeys(tenant)
    await patient.realms.ensure(tenant, 'A realm')
    assert.equal(kidOf(await issue(tenant, patient)), first)
  })

  test('fails no verification: whoever has the keys of any moment verifies the tokens of that moment', async () => {
    const tenant = await newRealm()
    let handed = new KeySet((await site.identity.realms.ensure(tenant, 'A realm')).keys)
    const tokens: string[] = []
    for (let turn = 0; turn < 3; turn += 1) {
      await site.identity.realms.rotateKeys(tenant)
      // A gateway still has what it was handed before.
      tokens.push(await issue(tenant))
      await verifyAccessToken(tokens.at(-1) ?? '', handed, realmOf(tenant))
      handed = new KeySet((await site.identity.realms.ensure(tenant, 'A realm')).keys)
      tokens.push(await issue(tenant))
      for (const token of tokens) await verifyAccessToken(token, handed, realmOf(tenant))
    }
  })

  test('is not begun twice, and has an end to how many keys there are', async () => {
    const tenant = await newRealm()
    await Promise.all(Array.from({ length: 5 }, () => site.identity.realms.rotateKeys(tenant)))
    assert.equal((await kids(tenant)).length, 2)
    await site.identity.realms.rotateKeys(tenant)
    await kids(tenant)
    await site.identity.realms.rotateKeys(tenant)
    await kids(tenant)
    await assert.rejects(site.identity.realms.rotateKeys(tenant), { code: 'conflict' })
  })

  test('comes by itself when a key is old, and keys go when their last tokens have expired', async () => {
    const tenant = await newRealm()
    const [first] = await kids(tenant)
    await site.admin.query(
      `update identity.signing_key set made_at = now() - interval '31 days',
         usable_from = now() - interval '31 days' where tenant = $1`,
      [tenant],
    )
    await site.identity.maintain()
    const [second, ...others] = await kids(tenant)
    assert.deepEqual(others, [first])
    await site.admin.query(
      `update identity.signing_key set usable_from = now() - interval '1 hour' where kid = $1`,
      [second],
    )
    await site.identity.maintain()
    assert.deepEqual(await kids(tenant), [second])
  })

  test('after a theft leaves the new key alone', async () => {
    const tenant = await newRealm()
    const stolen = await issue(tenant)
    await site.identity.realms.rotateKeys(tenant, true)
    const { keys } = await site.identity.realms.ensure(tenant, 'A realm')
    assert.equal(keys.length, 1)
    const verifying = verifyAccessToken(stolen, new KeySet(keys), realmOf(tenant))
    await assert.rejects(verifying, { code: 'invalid_token' })
    await verifyAccessToken(await issue(tenant), new KeySet(keys), realmOf(tenant))
  })
})

describe('a sealed key', () => {
  test('is not in the database in the clear', async () => {
    await newRealm()
    const { rows } = await site.admin.query<{ sealed: Buffer; public_jwk: object }>(
      'select sealed, public_jwk from identity.signing_key',
    )
    assert.ok(rows.length > 0)
    for (const { sealed, public_jwk } of rows) {
      assert.ok(!('d' in public_jwk))
      assert.ok(!sealed.toString('latin1').includes('"d"'))
    }
  })

  test('opens under no other realm and no other name, even when its realm has used it', async () => {
    const [one, two] = [await newRealm(), await newRealm()]
    await issue(one)
    await site.admin.query('delete from identity.signing_key where tenant = $1', [two])
    await site.admin.query('update identity.signing_key set tenant = $1 where tenant = $2', [
      two,
      one,
    ])
    await assert.rejects(issue(two), { code: 'internal' })
    const three = await newRealm()
    await site.admin.query(
      `update identity.signing_key set kid = 'another-name' where tenant = $1`,
      [three],
    )
    await assert.rejects(issue(three), { code: 'internal' })
  })

  test('opens with no other sealing key', async () => {
    const tenant = await newRealm()
    const file = join(site.directory, 'other-key')
    writeFileSync(file, randomBytes(32).toString('base64url'), { mode: 0o600 })
    const other = await site.open({ sealingKeyFile: file })
    await assert.rejects(issue(tenant, other), { code: 'internal' })
  })
})

describe('the sealing key’s file', () => {
  const refused = { code: 'invalid_argument' }

  test('is refused when others may read it, when it is short, and when it is not there', async () => {
    const file = join(site.directory, 'key')
    writeFileSync(file, randomBytes(32).toString('base64url'), { mode: 0o600 })
    chmodSync(file, 0o640)
    await assert.rejects(site.open({ sealingKeyFile: file }), refused)
    chmodSync(file, 0o600)
    for (const text of ['', 'c2hvcnQ', `${randomBytes(32).toString('base64url')}!`]) {
      writeFileSync(file, text)
      await assert.rejects(site.open({ sealingKeyFile: file }), refused)
    }
    await assert.rejects(site.open({ sealingKeyFile: join(site.directory, 'none') }), refused)
  })
})

test('a base URL with a path, a query or another scheme is refused', async () => {
  for (const baseUrl of ['https://id.test/x', 'https://id.test/?a', 'ftp://id.test', 'id.test']) {
    await assert.rejects(site.open({ baseUrl }), { code: 'invalid_url' })
  }
})
