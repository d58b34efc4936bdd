import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { TenantId } from '../../../core/tenant.ts'
import { type FederationSite, startFederationSite } from '../federation-site.test-support.ts'
import { connectSaml } from '../saml/saml-site.test-support.ts'
import { type IdpKeys, idpKeys } from '../saml/hostile-idp.test-support.ts'
import { parseConnectionId } from '../connection/connection-id.ts'
import { DomainStore } from './domain-store.ts'
import { domainOfEmail, parseEmailDomain } from './email-domain.ts'

let site: FederationSite
let keys: IdpKeys
before(async () => {
  site = await startFederationSite()
  keys = await idpKeys('idp')
})
after(() => site.stop())

const admin = () => site.federation.administration
const RECORD = '_ringfence-challenge.'

async function realm(name: string): Promise<TenantId> {
  const tenant = await site.realm(name)
  await connectSaml(site, tenant, 'one', [keys])
  await connectSaml(site, tenant, 'two', [keys])
  return tenant
}
const discovered = async (tenant: TenantId, email: string) =>
  (await site.federation.choices.forName(site.context(tenant), 'i', email))?.href

test('a domain leads to its connection only after its proof was seen', async () => {
  const tenant = await realm('first')
  const claim = await admin().claimDomain(tenant, 'one', 'First.Example')
  assert.equal(claim.recordName, `${RECORD}first.example`)
  assert.equal(await discovered(tenant, 'ann@first.example'), undefined)
  await assert.rejects(admin().verifyDomain(tenant, 'one', 'first.example'), {
    code: 'check_failed',
  })
  site.dns.set(claim.recordName, ['v=spf1 -all', `${claim.recordValue}x`])
  await assert.rejects(admin().verifyDomain(tenant, 'one', 'first.example'), {
    code: 'check_failed',
  })
  site.dns.set(claim.recordName, ['v=spf1 -all', claim.recordValue])
  await admin().verifyDomain(tenant, 'one', 'first.example')
  assert.equal(
    await discovered(tenant, 'ANN@FIRST.example'),
    '/realms/first/interaction/i/federation/one',
  )
  for (const other of ['ann@sub.first.example', 'ann@first.example.evil', 'first.example', 'ann']) {
    assert.equal(await discovered(tenant, other), undefined, other)
  }
  assert.equal((await admin().domains(tenant))[0]?.verified, true)
})

test('claimed again, a domain keeps its token; removed, it leads nowhere', async () => {
  const tenant = await realm('again')
  const claim = await admin().claimDomain(tenant, 'one', 'again.example')
  assert.equal(
    (await admin().claimDomain(tenant, 'one', 'again.example')).recordValue,
    claim.recordValue,
  )
  site.dns.set(claim.recordName, [claim.recordValue])
  await admin().verifyDomain(tenant, 'one', 'again.example')
  await admin().removeDomain(tenant, 'one', 'again.example')
  assert.equal(await discovered(tenant, 'ann@again.example'), undefined)
})

test("one tenant's proof is nothing to another tenant", async () => {
  const [owner, other] = [await realm('owner'), await realm('other')]
  await site.prove(owner, 'one', 'owner.example')
  assert.equal(await discovered(other, 'ann@owner.example'), undefined)
  const claim = await admin().claimDomain(other, 'one', 'owner.example')
  await assert.rejects(admin().verifyDomain(other, 'one', 'owner.example'), {
    code: 'check_failed',
  })
  assert.equal(await discovered(other, 'ann@owner.example'), undefined)
  const [ownClaim] = await admin().domains(owner)
  assert.notEqual(ownClaim?.recordValue, claim.recordValue)
  assert.equal(ownClaim?.verified, true)
})

test('a domain that changed hands is no longer the former tenant’s when the new one proves it', async () => {
  const [former, owner] = [await realm('former'), await realm('present')]
  await site.prove(former, 'one', 'sold.example')
  const claim = await admin().claimDomain(owner, 'one', 'sold.example')
  site.dns.set(claim.recordName, [claim.recordValue])
  await admin().verifyDomain(owner, 'one', 'sold.example')
  assert.ok(await discovered(owner, 'ann@sold.example'))
  assert.equal(await discovered(former, 'ann@sold.example'), undefined)
})

test('two tenants that both show their proof both keep it', async () => {
  const [a, b] = [await realm('shared-a'), await realm('shared-b')]
  await site.prove(a, 'one', 'shared.example')
  await site.prove(b, 'one', 'shared.example')
  assert.ok(await discovered(a, 'ann@shared.example'))
  assert.ok(await discovered(b, 'ann@shared.example'))
})

test('a domain of two connections of a realm leads to neither', async () => {
  const tenant = await realm('torn')
  await site.prove(tenant, 'one', 'torn.example')
  await site.prove(tenant, 'two', 'torn.example')
  assert.equal(await discovered(tenant, 'ann@torn.example'), undefined)
})

test('a domain leads to no connection that is off', async () => {
  const tenant = await realm('off')
  await site.prove(tenant, 'one', 'off.example')
  assert.ok(await discovered(tenant, 'ann@off.example'))
  await site.base.admin.query(
    `update identity.federation_connection set enabled = false where tenant = 'off'`,
  )
  assert.equal(await discovered(tenant, 'ann@off.example'), undefined)
})

describe('looked at again,', () => {
  const age = (domain: string, days: number) =>
    site.base.admin.query(
      `update identity.federation_domain set checked_at = now() - make_interval(days => $2),
         verified_at = now() - make_interval(days => $2) where domain = $1`,
      [domain, days],
    )

  test('a proof that is gone is no longer believed, one that is there is', async () => {
    const tenant = await realm('recheck')
    await site.prove(tenant, 'one', 'gone.example')
    await site.prove(tenant, 'one', 'stays.example')
    await age('gone.example', 8)
    await age('stays.example', 8)
    site.dns.delete(`${RECORD}gone.example`)
    await site.federation.maintain()
    assert.equal(await discovered(tenant, 'ann@gone.example'), undefined)
    assert.ok(await discovered(tenant, 'ann@stays.example'))
  })

  test('a proof outlasts a silent DNS for a while, and not for ever', async () => {
    const tenant = await realm('silent')
    await site.prove(tenant, 'one', 'silent.example')
    await age('silent.example', 8)
    const silent = new DomainStore(site.base.database, () => Promise.reject(new Error('SERVFAIL')))
    await silent.recheck()
    assert.ok(await discovered(tenant, 'ann@silent.example'))
    await assert.rejects(
      silent.verify(tenant, parseConnectionId('one'), parseEmailDomain('silent.example')),
      { code: 'check_failed' },
    )
    assert.ok(await discovered(tenant, 'ann@silent.example'))
    await age('silent.example', 31)
    assert.equal(await discovered(tenant, 'ann@silent.example'), undefined)
  })
})

test('a domain of a connection that there is not is not claimed', async () => {
  const tenant = await realm('nothing')
  await assert.rejects(admin().claimDomain(tenant, 'three', 'a.example'), { code: 'not_found' })
  await assert.rejects(admin().verifyDomain(tenant, 'one', 'never.example'), { code: 'not_found' })
})

describe('a domain', () => {
  for (const [text, domain] of [
    ['Acme.Example', 'acme.example'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['a.b.c.example', 'a.b.c.example'],
  ] as const) {
    test(`written ${text} is ${domain}`, () => assert.equal(parseEmailDomain(text), domain))
  }
  for (const text of [
    'localhost',
    'example',
    '',
    '.',
    'a..b',
    '-a.example',
    'a-.example',
    '127.0.0.1',
    '1.2',
    'a b.example',
    'a.example/x',
    'a.example:25',
    'user@a.example',
    '*.a.example',
    '_x.a.example',
    `${'a'.repeat(64)}.example`,
    7,
    undefined,
    'a.example\n',
  ]) {
    test(`written ${JSON.stringify(text)} is refused`, () => {
      assert.throws(() => parseEmailDomain(text), { code: 'invalid_argument' })
    })
  }
})

test('an address that mail systems could read in two ways has no domain', () => {
  for (const address of [
    'a@b@acme.example',
    '"a@evil.example"@acme.example',
    'a@acme.example,b@evil.example',
    'a@[10.0.0.1]',
    'a@acme',
    '@acme.example',
    'a b@acme.example',
    'a@acme.example.',
    'a@аcme.example',
  ]) {
    assert.equal(domainOfEmail(address), undefined, address)
  }
  assert.equal(domainOfEmail('A.b+c@ACME.example'), 'acme.example')
})
