import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { RingfenceError } from '../../../core/errors.ts'
import { parseSubject, type Subject } from '../../../core/names.ts'
import type { TenantId } from '../../../core/tenant.ts'
import type { Directory } from '../../directory/directory.ts'
import { RoleAdministration } from '../../directory/role-administration.ts'
import { parsePlace, parseRoleName } from '../../directory/role-name.ts'
import type { Connection } from '../connection/connection.ts'
import { DomainStore } from '../domains/domain-store.ts'
import type { ExternalUser } from '../external-user.ts'
import { type FederationSite, startFederationSite } from '../federation-site.test-support.ts'
import type { RefusalReason } from '../refusal.ts'
import { FederatedAccounts } from './federated-accounts.ts'
import { LinkStore } from './link-store.ts'

const ISSUER = 'https://idp.example'
let site: FederationSite
let accounts: FederatedAccounts

before(async () => {
  site = await startFederationSite()
  accounts = accountsOn(site.base.directory)
})
after(() => site.stop())

function accountsOn(directory: Directory): FederatedAccounts {
  const { database } = site.base
  return new FederatedAccounts({
    database,
    directory,
    links: new LinkStore(database),
    domains: new DomainStore(database, () => Promise.resolve([])),
  })
}

async function connection(
  tenant: TenantId,
  config: Readonly<Record<string, unknown>> = {},
  id = 'corporate',
): Promise<Connection> {
  const { administration } = site.federation
  await administration.allowSource(tenant, { kind: 'oidc', source: ISSUER })
  return administration.putConnection(tenant, id, {
    kind: 'oidc',
    displayName: 'Corporate',
    clientSecret: 'secret-of-this-test',
    config: { issuer: ISSUER, clientId: 'c', ...config },
  })
}

const person = (subject: string, claims: Readonly<Record<string, unknown>> = {}): ExternalUser => ({
  source: ISSUER,
  subject,
  claims: { sub: subject, ...claims },
  amr: [],
})
const verified = (email: string) => ({ email, email_verified: true })
const refusal = (reason: RefusalReason) => ({ name: 'FederationRefusal', reason })

test('a person is the same user each time, and another person another user', async () => {
  const to = await connection(await site.realm('same'), { provisioning: 'create' })
  const first = await accounts.signIn(to, person('u1', { name: 'Ann' }))
  const again = await accounts.signIn(to, person('u1', { name: 'Ann Able' }))
  const other = await accounts.signIn(to, person('u2'))
  assert.deepEqual([first.isNew, again.isNew, other.isNew], [true, false, true])
  assert.equal(again.subject, first.subject)
  assert.notEqual(other.subject, first.subject)
  const account = await site.base.directory.account(to.tenant, first.subject)
  assert.equal(account?.displayName, 'Ann Able')
})

test("a person of a provider that two realms use is a user of one realm's only", async () => {
  const [a, b] = [await site.realm('both-a'), await site.realm('both-b')]
  const [toA, toB] = [
    await connection(a, { provisioning: 'create' }),
    await connection(b, { provisioning: 'off' }),
  ]
  const { subject } = await accounts.signIn(toA, person('u1', verified('ann@both.example')))
  await assert.rejects(accounts.signIn(toB, person('u1')), refusal('not_linked'))
  assert.equal(await site.base.directory.account(b, subject), undefined)
  const inB = await accounts.signIn(
    await connection(b, { provisioning: 'create' }),
    person('u1', verified('ann@both.example')),
  )
  assert.notEqual(inB.subject, subject)
  const { rows } = await site.base.admin.query(
    `select tenant, subject from identity.federation_link where tenant like 'both-%' order by tenant`,
  )
  assert.deepEqual(rows, [
    { tenant: 'both-a', subject },
    { tenant: 'both-b', subject: inB.subject },
  ])
})

test('a person of one connection is nobody at another, also with the same name there', async () => {
  const tenant = await site.realm('two')
  const one = await connection(tenant, { provisioning: 'create' })
  const two = await connection(tenant, { provisioning: 'off' }, 'second')
  await accounts.signIn(one, person('u1'))
  await assert.rejects(accounts.signIn(two, person('u1')), refusal('not_linked'))
})

test('a connection that is pointed at another provider finds nobody', async () => {
  const tenant = await site.realm('moved')
  const to = await connection(tenant, { provisioning: 'create' })
  const { subject } = await accounts.signIn(to, person('u1'))
  const elsewhere = { ...person('u1'), source: 'https://other.example' }
  const found = await accounts.signIn(to, elsewhere)
  assert.notEqual(found.subject, subject)
})

describe('an existing user is linked', () => {
  async function existing(name: string, provisioning: string, email = `ann@${name}.example`) {
    const tenant = await site.realm(name)
    const to = await connection(tenant, { provisioning })
    const { subject } = await site.base.directory.createAccount(tenant, {
      userName: 'ann',
      email,
      emailVerified: true,
    })
    return { tenant, to, subject, email }
  }

  test('by a verified address in a domain that the tenant has proven', async () => {
    for (const provisioning of ['link', 'create']) {
      const { to, tenant, subject, email } = await existing(`linked-${provisioning}`, provisioning)
      await site.prove(tenant, 'corporate', email.split('@')[1] ?? '')
      const signedIn = await accounts.signIn(to, person('u1', verified(email.toUpperCase())))
      assert.deepEqual(signedIn, { subject, isNew: false })
    }
  })

  test('never without proof of the domain', async () => {
    const { to, email, subject } = await existing('unproven', 'link')
    const attempt = accounts.signIn(to, person('u1', verified(email)))
    await assert.rejects(attempt, refusal('domain_not_verified'))
    const creating = await connection(to.tenant, { provisioning: 'create' })
    assert.notEqual(
      (await accounts.signIn(creating, person('u1', verified(email)))).subject,
      subject,
    )
  })

  test('never by the proof of another connection', async () => {
    const { tenant, to, email } = await existing('elsewhere', 'link')
    await connection(tenant, {}, 'second')
    await site.prove(tenant, 'second', 'elsewhere.example')
    const attempt = accounts.signIn(to, person('u1', verified(email)))
    await assert.rejects(attempt, refusal('domain_not_verified'))
  })

  test('never by an address that the provider does not vouch for', async () => {
    const { to, tenant, email } = await existing('unvouched', 'link')
    await site.prove(tenant, 'corporate', 'unvouched.example')
    for (const claims of [
      { email },
      { email, email_verified: false },
      { email, email_verified: 1 },
    ]) {
      const attempt = accounts.signIn(to, person('u1', claims))
      await assert.rejects(attempt, refusal('email_not_verified'))
    }
  })

  test('never by a user name, or an address that the user has not proven', async () => {
    const tenant = await site.realm('by-name')
    const to = await connection(tenant, {
      provisioning: 'link',
      mapping: {
        userName: { claim: 'preferred_username' },
        email: { claim: 'email' },
        emailVerified: { claim: 'email_verified' },
      },
    })
    await site.prove(tenant, 'corporate', 'by-name.example')
    await site.base.directory.createAccount(tenant, { userName: 'bob@by-name.example' })
    await site.base.directory.createAccount(tenant, {
      userName: 'eve',
      email: 'eve@by-name.example',
    })
    for (const email of ['bob@by-name.example', 'eve@by-name.example']) {
      const attempt = accounts.signIn(
        to,
        person('u1', { ...verified(email), preferred_username: 'eve' }),
      )
      await assert.rejects(attempt, refusal('not_linked'))
    }
  })

  test('not to a second person: an address that was given on takes nothing over', async () => {
    const { to, tenant, email, subject } = await existing('given-on', 'create')
    await site.prove(tenant, 'corporate', 'given-on.example')
    assert.equal((await accounts.signIn(to, person('u1', verified(email)))).subject, subject)
    const attempt = accounts.signIn(to, person('u2', verified(email)))
    await assert.rejects(attempt, refusal('already_linked'))
  })
})

describe('a user that is not active', () => {
  test('is not signed in, not linked and not made active', async () => {
    const tenant = await site.realm('inactive')
    const to = await connection(tenant, { provisioning: 'create' })
    await site.prove(tenant, 'corporate', 'inactive.example')
    const { subject } = await accounts.signIn(to, person('u1'))
    await site.base.directory.changeAccount(tenant, subject, { active: false })
    await assert.rejects(accounts.signIn(to, person('u1')), refusal('account_inactive'))
    const { subject: second } = await site.base.directory.createAccount(tenant, {
      ...{ email: 'bob@inactive.example', emailVerified: true },
      active: false,
    })
    const attempt = accounts.signIn(to, person('u2', verified('bob@inactive.example')))
    await assert.rejects(attempt, refusal('account_inactive'))
    for (const one of [subject, second]) {
      assert.equal((await site.base.directory.account(tenant, one))?.active, false)
    }
  })
})

describe('a new user', () => {
  test('has a verified address only when the domain is proven', async () => {
    const tenant = await site.realm('fresh')
    const to = await connection(tenant, { provisioning: 'create' })
    const { subject } = await accounts.signIn(to, person('u1', verified('ann@fresh.example')))
    assert.equal((await site.base.directory.account(tenant, subject))?.emailVerified, false)
    await site.prove(tenant, 'corporate', 'fresh.example')
    await accounts.signIn(to, person('u1', verified('ann@fresh.example')))
    assert.equal((await site.base.directory.account(tenant, subject))?.emailVerified, true)
    await accounts.signIn(to, person('u1', verified('ann@elsewhere.example')))
    const moved = await site.base.directory.account(tenant, subject)
    assert.deepEqual([moved?.email, moved?.emailVerified], ['ann@elsewhere.example', false])
  })

  test('does not take a name that is taken; a known one signs in and keeps its own', async () => {
    const tenant = await site.realm('taken')
    const mapping = { userName: { claim: 'preferred_username' }, displayName: { claim: 'name' } }
    const to = await connection(tenant, { provisioning: 'create', mapping })
    await site.base.directory.createAccount(tenant, { userName: 'Ann' })
    const asAnn = { preferred_username: 'ann', name: 'Ann B.' }
    await assert.rejects(accounts.signIn(to, person('u1', asAnn)), refusal('name_taken'))
    const { subject } = await accounts.signIn(to, person('u1', { preferred_username: 'annb' }))
    await accounts.signIn(to, person('u1', asAnn))
    const account = await site.base.directory.account(tenant, subject)
    assert.deepEqual([account?.userName, account?.displayName], ['annb', 'Ann B.'])
  })

  test('is one and not two when it signs in many times at once', async () => {
    const to = await connection(await site.realm('crowd'), { provisioning: 'create' })
    const all = await Promise.all(
      Array.from({ length: 8 }, () => accounts.signIn(to, person('u1', { name: 'Ann' }))),
    )
    assert.equal(new Set(all.map(({ subject }) => subject)).size, 1)
    assert.equal((await site.base.directory.accounts(to.tenant, { offset: 0, limit: 10 })).total, 1)
  })

  test('is the same one when a process is killed before it was linked', async () => {
    const to = await connection(await site.realm('killed'), { provisioning: 'create' })
    const { directory } = site.base
    let made: Subject | undefined
    const dying: Directory = Object.assign(Object.create(directory) as Directory, {
      account: directory.account.bind(directory),
      accounts: directory.accounts.bind(directory),
      createAccount: async (...parameters: Parameters<Directory['createAccount']>) => {
        made = (await directory.createAccount(...parameters)).subject
        throw new RingfenceError('engine_unavailable', 'killed')
      },
    })
    await assert.rejects(accountsOn(dying).signIn(to, person('u1')), { code: 'engine_unavailable' })
    assert.ok(made)
    assert.deepEqual(await accounts.signIn(to, person('u1')), { subject: made, isNew: true })
  })

  test('comes back after it was removed, as nobody that it was', async () => {
    const tenant = await site.realm('removed')
    const to = await connection(tenant, { provisioning: 'create' })
    const { subject } = await accounts.signIn(to, person('u1'))
    await site.base.directory.removeAccount(tenant, subject)
    assert.deepEqual(await site.federation.administration.links(tenant, subject), [])
    await assert.rejects(
      accounts.signIn(await connection(tenant, { provisioning: 'off' }), person('u1')),
      refusal('not_linked'),
    )
  })
})

describe('roles', () => {
  const roles = {
    claim: 'groups',
    map: [
      { value: 'Doctors', role: 'doctor' },
      { value: 'Admins', role: 'tenant-admin' },
      { value: 'Ghosts', role: 'no-such-role' },
    ],
  }

  test('follow the groups at each sign-in, and touch no role from elsewhere', async () => {
    const tenant = await site.realm('roles')
    const administration = new RoleAdministration(site.base.database)
    for (const name of ['doctor', 'tenant-admin', 'auditor']) {
      const role = { name: parseRoleName(name), description: '', scopes: [], includes: [] }
      await administration.putRole(tenant, role)
    }
    const to = await connection(tenant, { provisioning: 'create', mapping: { roles } })
    const rolesAfter = async (groups: readonly string[]) => {
      const { subject } = await accounts.signIn(to, person('u1', { groups }))
      return (await site.base.directory.authority(tenant, subject))?.roles
    }
    assert.deepEqual(await rolesAfter(['Doctors', 'Ghosts', 'auditor']), ['doctor'])
    const { subject } = await accounts.signIn(to, person('u1', { groups: ['Doctors'] }))
    const everywhere = { place: parsePlace(''), effect: 'grant' } as const
    await administration.bind(
      tenant,
      { subject },
      { role: parseRoleName('auditor'), ...everywhere },
    )
    assert.deepEqual(await rolesAfter(['Doctors', 'Admins']), ['auditor', 'doctor', 'tenant-admin'])
    assert.deepEqual(await rolesAfter([]), ['auditor'])
    assert.deepEqual(await rolesAfter(['Admins']), ['auditor', 'tenant-admin'])
    await administration.bind(
      tenant,
      { subject },
      {
        role: parseRoleName('tenant-admin'),
        place: parsePlace(''),
        effect: 'withhold',
      },
    )
    assert.deepEqual(await rolesAfter(['Admins']), ['auditor'])
    assert.deepEqual(await rolesAfter(['Doctors']), ['auditor', 'doctor'])
    await site.federation.administration.unlink(tenant, 'corporate', subject)
    assert.deepEqual((await site.base.directory.authority(tenant, subject))?.roles, ['auditor'])
  })

  test('go with the connection; those of another connection stay', async () => {
    const tenant = await site.realm('leaving')
    const role = { name: parseRoleName('doctor'), description: '', scopes: [], includes: [] }
    await new RoleAdministration(site.base.database).putRole(tenant, role)
    const one = await connection(tenant, { provisioning: 'create', mapping: { roles } })
    const two = await connection(
      tenant,
      { provisioning: 'create', mapping: { roles } },
      'corporate-2',
    )
    const first = await accounts.signIn(one, person('u1', { groups: ['Doctors'] }))
    const second = await accounts.signIn(two, person('u2', { groups: ['Doctors'] }))
    await site.federation.administration.removeConnection(tenant, 'corporate')
    const rolesOf = async (subject: Subject) =>
      (await site.base.directory.authority(tenant, subject))?.roles
    assert.deepEqual(await rolesOf(first.subject), [])
    assert.deepEqual(await rolesOf(second.subject), ['doctor'])
  })
})

test('links are listed for a user, of its realm alone', async () => {
  const [tenant, other] = [await site.realm('listed'), await site.realm('listed-2')]
  const to = await connection(tenant, { provisioning: 'create' })
  const { subject } = await accounts.signIn(to, person('u1'))
  const [link] = await site.federation.administration.links(tenant, subject)
  assert.deepEqual(
    [link?.connection, link?.source, link?.externalSubject],
    ['corporate', ISSUER, 'u1'],
  )
  assert.deepEqual(await site.federation.administration.links(other, parseSubject(subject)), [])
})
