import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { TenantId } from '../../core/tenant.ts'
import { type FederationSite, startFederationSite } from './federation-site.test-support.ts'
import { assertionXml, goodParts, responseXml, idpKeys } from './saml/hostile-idp.test-support.ts'
import { connectSaml, ENTITY_ID } from './saml/saml-site.test-support.ts'

const ISSUER = 'https://idp.example'
let site: FederationSite
let acme: TenantId
before(async () => {
  site = await startFederationSite()
  acme = await site.realm('acme')
  await site.federation.administration.allowSource(acme, { kind: 'oidc', source: ISSUER })
  await site.federation.administration.putConnection(acme, 'oidc', {
    kind: 'oidc',
    displayName: 'OIDC',
    clientSecret: 'secret-of-this-test',
    config: { issuer: ISSUER, clientId: 'c', provisioning: 'create' },
  })
  await connectSaml(site, acme, 'saml', [await idpKeys('idp')], {
    mapping: {
      email: { claim: 'mail' },
      roles: { claim: 'groups', map: [{ value: 'Doctors', role: 'doctor' }] },
    },
  })
})
after(() => site.stop())

const dryRun = (
  id: string,
  sample: Parameters<FederationSite['federation']['administration']['dryRun']>[2],
) => site.federation.administration.dryRun(acme, id, sample)
const counted = async () => {
  const { rows } = await site.base.admin.query<{ n: number }>(
    `select (select count(*) from identity.account)::int + (select count(*) from identity.federation_link)::int as n`,
  )
  return rows[0]?.n
}

describe('a dry run', () => {
  test('says what claims would become, what would be left out and left behind, and changes nothing', async () => {
    const before = await counted()
    const result = await dryRun('oidc', {
      claims: {
        sub: 'u1',
        email: 'ann@acme.example',
        email_verified: true,
        name: 'Ann\u202e',
        shoe_size: 44,
      },
    })
    assert.deepEqual(result, {
      result: 'created',
      externalSubject: 'u1',
      change: { email: 'ann@acme.example' },
      emailTrusted: false,
      roles: undefined,
      problems: ['displayName has control characters'],
      ignored: ['shoe_size', 'sub'],
    })
    assert.equal(await counted(), before)
  })

  test('says that an existing user would be linked, and why one would not', async () => {
    await site.base.directory.createAccount(acme, {
      email: 'bob@acme.example',
      emailVerified: true,
    })
    const claims = { sub: 'u2', email: 'bob@acme.example', email_verified: true }
    assert.equal((await dryRun('oidc', { claims })).result, 'created')
    await site.prove(acme, 'oidc', 'acme.example')
    const linked = await dryRun('oidc', { claims })
    assert.equal(linked.result, 'linked')
    assert.equal(linked.emailTrusted, true)
    assert.ok(linked.subject)
    await site.base.directory.changeAccount(acme, linked.subject, { active: false })
    const refused = await dryRun('oidc', { claims })
    assert.deepEqual([refused.result, refused.reason], ['refused', 'account_inactive'])
  })

  test('reads an assertion, alone or in its response, without a signature', async () => {
    const parts = {
      ...goodParts({ id: '_r', acs: 'https://sp.example', issuer: 'sp' }, ENTITY_ID),
      attributes: { mail: ['ann@acme.example'], groups: ['Doctors', 'Skiers'], phone: ['1'] },
    }
    for (const assertion of [assertionXml(parts), responseXml(parts, assertionXml(parts))]) {
      const result = await dryRun('saml', { assertion })
      assert.equal(result.result, 'created')
      assert.deepEqual(result.change, { email: 'ann@acme.example' })
      assert.deepEqual(result.roles, ['doctor'])
      assert.deepEqual(result.ignored, ['phone'])
    }
    const transient = {
      ...parts,
      nameIdFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient',
    }
    const refused = await dryRun('saml', { assertion: assertionXml(transient) })
    assert.deepEqual([refused.result, refused.reason], ['refused', 'subject_missing'])
    const broken = await dryRun('saml', { assertion: '<!DOCTYPE x><x/>' })
    assert.deepEqual([broken.result, broken.reason], ['refused', 'response_malformed'])
  })

  test('of another kind of sample, or another realm’s connection, is refused', async () => {
    await assert.rejects(dryRun('saml', { claims: { sub: 'u' } }), { code: 'invalid_argument' })
    await assert.rejects(dryRun('oidc', { assertion: '<x/>' }), { code: 'invalid_argument' })
    await assert.rejects(dryRun('none', { claims: { sub: 'u' } }), { code: 'not_found' })
    const other = await site.realm('other')
    const elsewhere = site.federation.administration.dryRun(other, 'oidc', { claims: { sub: 'u' } })
    await assert.rejects(elsewhere, { code: 'not_found' })
  })
})
