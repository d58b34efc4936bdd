import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { TenantId } from '../../../core/tenant.ts'
import { type FederationSite, startFederationSite } from '../federation-site.test-support.ts'
import { connectSaml, ENTITY_ID } from '../saml/saml-site.test-support.ts'
import { type IdpKeys, idpKeys } from '../saml/hostile-idp.test-support.ts'
import { parseConnectionId } from './connection-id.ts'
import { ConnectionStore } from './connection-store.ts'

const ISSUER = 'https://idp.example'
const SECRET = 'planted-client-secret'

let site: FederationSite
let store: ConnectionStore
let keys: IdpKeys
before(async () => {
  site = await startFederationSite()
  store = new ConnectionStore(site.base.database, site.base.sealing)
  keys = await idpKeys('idp')
})
after(() => site.stop())

const admin = () => site.federation.administration
const corporate = parseConnectionId('corporate')

async function put(
  tenant: TenantId,
  changes: Readonly<Record<string, unknown>> = {},
  id = 'corporate',
) {
  const { config = {}, ...rest } = changes
  return admin().putConnection(tenant, id, {
    kind: 'oidc',
    displayName: 'Corporate',
    config: { issuer: ISSUER, clientId: 'c', ...(config as object) },
    ...rest,
  })
}

async function realm(name: string, ...sources: readonly string[]): Promise<TenantId> {
  const tenant = await site.realm(name)
  for (const source of [ISSUER, ...sources])
    await admin().allowSource(tenant, { kind: 'oidc', source })
  return tenant
}

test('a provider that the realm does not allow cannot be connected, also not one nearly allowed', async () => {
  const tenant = await realm('allowing')
  for (const issuer of [
    'https://evil.example',
    `${ISSUER}/`,
    'https://IDP.example',
    'https://idp.example:443',
  ]) {
    await assert.rejects(put(tenant, { clientSecret: SECRET, config: { issuer } }), {
      code: 'invalid_argument',
    })
  }
  await assert.rejects(connectWithSamlNameOnly(tenant), { code: 'invalid_argument' })
  assert.deepEqual(await admin().connections(tenant), [])
})

/** The issuer is allowed for OpenID Connect, not as an entity id. */
function connectWithSamlNameOnly(tenant: TenantId) {
  return admin().putConnection(tenant, 'saml', {
    kind: 'saml',
    displayName: 'SAML',
    config: {
      entityId: ISSUER,
      trust: { ssoUrl: 'https://idp.example/sso', certificates: [keys.certificate] },
    },
  })
}

test("one realm's allowed provider is nothing in another realm", async () => {
  await realm('generous')
  const other = await site.realm('strict')
  await assert.rejects(put(other, { clientSecret: SECRET }), { code: 'invalid_argument' })
})

describe('a secret', () => {
  test('is not in the database as it is, and opens for its own connection alone', async () => {
    const [a, b] = [await realm('sealed-a'), await realm('sealed-b')]
    await put(a, { clientSecret: SECRET })
    await put(b, { clientSecret: 'another-client-secret' })
    const { rows } = await site.base.admin.query('select * from identity.federation_connection')
    const dump = rows.map(
      (row) => JSON.stringify(row) + (row as { secrets: Buffer }).secrets.toString('latin1'),
    )
    assert.ok(!dump.join().includes(SECRET))
    assert.ok(!dump.join().includes(Buffer.from(SECRET).toString('base64url').slice(4, -4)))
    const usable = await store.usable(a, corporate)
    assert.ok(usable?.secrets.kind === 'oidc' && usable.secrets.clientSecret === SECRET)
    await site.base.admin.query(
      `update identity.federation_connection set secrets =
         (select secrets from identity.federation_connection where tenant = 'sealed-a')
       where tenant = 'sealed-b'`,
    )
    await assert.rejects(store.usable(b, corporate), { code: 'internal' })
  })

  test('stays when it is left out, and is asked for again for another provider', async () => {
    const tenant = await realm('kept', 'https://other.example')
    await assert.rejects(put(tenant), { code: 'invalid_argument' })
    await put(tenant, { clientSecret: SECRET })
    const second = await put(tenant, { displayName: 'Renamed' })
    assert.equal(second.version, 2)
    const usable = await store.usable(tenant, corporate)
    assert.ok(usable?.secrets.kind === 'oidc' && usable.secrets.clientSecret === SECRET)
    await assert.rejects(put(tenant, { config: { issuer: 'https://other.example' } }), {
      code: 'invalid_argument',
    })
  })

  test('is never listed or shown', async () => {
    const tenant = await realm('shown')
    await put(tenant, { clientSecret: SECRET })
    const shown = [await admin().connections(tenant), await admin().setup(tenant, 'corporate')]
    assert.ok(!JSON.stringify(shown).includes(SECRET))
  })
})

test('a connection with a key of its own shows the public part, and keeps it', async () => {
  const tenant = await realm('keyed')
  await put(tenant, { config: { clientAuth: 'private_key_jwt' } })
  const first = await admin().setup(tenant, 'corporate')
  await put(tenant, { displayName: 'Renamed', config: { clientAuth: 'private_key_jwt' } })
  assert.deepEqual(await admin().setup(tenant, 'corporate'), first)
  assert.ok(first.kind === 'oidc' && first.clientJwk !== undefined)
  assert.equal(first.redirectUri, `${site.issuer(tenant)}/federation/corporate/callback`)
  assert.equal('d' in first.clientJwk, false)
})

test('a connection does not become one of another kind', async () => {
  const tenant = await realm('kinds')
  await put(tenant, { clientSecret: SECRET })
  await assert.rejects(connectSaml(site, tenant, 'corporate', [keys]), { code: 'conflict' })
})

test('a connection of another realm is as absent as none, and removing it does nothing', async () => {
  const [owner, other] = [await realm('conn-owner'), await realm('conn-other')]
  await put(owner, { clientSecret: SECRET })
  await assert.rejects(admin().connection(other, 'corporate'), { code: 'not_found' })
  await assert.rejects(admin().connection(other, 'nobody'), { code: 'not_found' })
  await admin().removeConnection(other, 'corporate')
  assert.equal((await admin().connection(owner, 'corporate')).displayName, 'Corporate')
  assert.equal(await store.usable(other, corporate), undefined)
})

test('pages are offered what is enabled and allowed, by what its users call it', async () => {
  const tenant = await realm('offered')
  await put(tenant, { clientSecret: SECRET, displayName: 'Zeta staff' }, 'zeta')
  await put(tenant, { clientSecret: SECRET, displayName: 'Alpha staff' }, 'alpha')
  await put(tenant, { clientSecret: SECRET, enabled: false }, 'hidden')
  const offered = () => site.federation.choices.all(site.context(tenant), 'an-interaction')
  assert.deepEqual(await offered(), [
    {
      label: 'Alpha staff',
      href: '/realms/offered/interaction/an-interaction/federation/alpha',
    },
    {
      label: 'Zeta staff',
      href: '/realms/offered/interaction/an-interaction/federation/zeta',
    },
  ])
  await admin().disallowSource(tenant, { kind: 'oidc', source: ISSUER })
  assert.deepEqual(await offered(), [])
})

describe('a connection', () => {
  for (const [what, changes] of [
    ['with a field that is not known', { config: { mystery: 1 } }],
    ['that would take unsigned tokens', { config: { algorithms: ['none'] } }],
    ['that would take tokens signed with a secret', { config: { algorithms: ['HS256'] } }],
    ['without algorithms', { config: { algorithms: [] } }],
    ['without openid', { config: { scopes: ['email'] } }],
    ['with an issuer that has spaces', { config: { issuer: 'https://idp.example x' } }],
    ['with a secret that is too short', { clientSecret: 'short' }],
    ['with a name in several lines', { displayName: 'a\nb' }],
  ] as const) {
    test(`${what} is refused, without its values`, async () => {
      const tenant = await site.realm(`refused-${Math.random().toString(36).slice(2)}`)
      await admin().allowSource(tenant, { kind: 'oidc', source: ISSUER })
      await assert.rejects(put(tenant, { clientSecret: SECRET, ...changes }), {
        code: 'invalid_argument',
      })
    })
  }

  test('with a weak or broken certificate is refused', async () => {
    const tenant = await site.realm('weak')
    for (const certificate of ['', 'not a certificate', keys.key]) {
      await assert.rejects(connectSaml(site, tenant, 'saml', [{ ...keys, certificate }]), {
        code: 'invalid_argument',
      })
    }
  })

  test('of SAML has keys that stay the same when it is changed', async () => {
    const tenant = await site.realm('stable')
    await connectSaml(site, tenant, 'saml', [keys])
    const before = await admin().connection(tenant, 'saml')
    await connectSaml(site, tenant, 'saml', [keys], { clockSkewSeconds: 5 })
    const changed = await admin().connection(tenant, 'saml')
    assert.ok(before.kind === 'saml' && changed.kind === 'saml')
    assert.deepEqual(changed.certificates, before.certificates)
    assert.notEqual(before.certificates.signing, before.certificates.encryption)
    assert.equal(changed.config.entityId, ENTITY_ID)
  })
})
