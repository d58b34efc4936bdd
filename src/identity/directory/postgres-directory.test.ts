import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { parseSubject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Account, AccountChange, AccountFilter, Condition } from './directory.ts'
import { type DirectorySite, startDirectorySite } from './directory-site.test-support.ts'
import { PostgresDirectory } from './postgres-directory.ts'

let site: DirectorySite
let acme: TenantId
let blue: TenantId
before(async () => {
  site = await startDirectorySite()
  acme = await site.realm('acme')
  blue = await site.realm('blue')
})
after(() => site.stop())

const refusal = (code: string) => ({ name: 'RingfenceError', code })
const subjects = (page: { items: readonly { subject: string }[] }) =>
  page.items.map(({ subject }) => subject)

test('one name is two users in two realms, and ids of one realm are nothing in the other', async () => {
  const { directory } = site
  const ana = await directory.createAccount(acme, { userName: 'Ana', email: 'ana@x.example' })
  const other = await directory.createAccount(blue, { userName: 'ana' })
  assert.equal((await directory.findBySignInName(acme, 'ＡＮＡ'))?.subject, ana.subject)
  assert.equal((await directory.findBySignInName(blue, 'ana'))?.subject, other.subject)
  assert.equal(await directory.account(blue, ana.subject), undefined)
  await assert.rejects(
    directory.changeAccount(blue, ana.subject, { active: false }),
    refusal('not_found'),
  )
  await assert.rejects(directory.removeAccount(blue, ana.subject), refusal('not_found'))
  const group = await directory.createGroup(acme, { displayName: 'Ward', members: [ana.subject] })
  assert.equal(await directory.group(blue, group.id), undefined)
  await assert.rejects(directory.removeGroup(blue, group.id), refusal('not_found'))
  await assert.rejects(
    directory.createGroup(blue, { displayName: 'Thieves', members: [ana.subject] }),
    refusal('not_found'),
  )
  assert.equal((await directory.groups(blue, { offset: 0, limit: 10 })).total, 0, 'all or nothing')
  await assert.rejects(
    directory.changeGroup(acme, group.id, { members: [other.subject] }),
    refusal('not_found'),
  )
})

test('a name is taken once, however it is spelled', async () => {
  const { directory } = site
  await directory.createAccount(acme, { userName: 'bea', externalId: 'E1' })
  for (const change of [{ userName: 'ＢＥＡ' }, { externalId: 'E1' }]) {
    await assert.rejects(directory.createAccount(acme, change), refusal('conflict'))
  }
  await directory.createAccount(acme, { externalId: 'e1' })
  assert.equal((await directory.findByExternalId(acme, 'E1'))?.userName, 'bea')
})

test('nobody signs in with an address that was not verified, or takes the name of one that was', async () => {
  const { directory } = site
  const owner = await directory.createAccount(acme, { email: 'Cleo@x.example' })
  assert.equal(await directory.findBySignInName(acme, 'cleo@x.example'), undefined)
  await directory.changeAccount(acme, owner.subject, { emailVerified: true })
  assert.equal((await directory.findBySignInName(acme, 'cleo@x.example'))?.subject, owner.subject)
  await assert.rejects(
    directory.createAccount(acme, { userName: 'CLEO@x.example' }),
    refusal('conflict'),
  )
  await assert.rejects(
    directory.createAccount(acme, { email: 'cleo@X.example', emailVerified: true }),
    refusal('conflict'),
  )
  await directory.createAccount(acme, { email: 'cleo@x.example' })
  const moved = await directory.changeAccount(acme, owner.subject, { email: 'cleo@y.example' })
  assert.equal(moved.emailVerified, false, 'another address has not been verified')
})

test('a client of the realm is nobody among its users', async () => {
  await site.admin.query(
    `insert into identity.client (tenant, client, roles, scopes, secret_sha256)
     values ('acme', 'reports', '{}', '{}', sha256('x'))`,
  )
  await assert.rejects(
    site.directory.createAccount(acme, {}, parseSubject('reports')),
    refusal('conflict'),
  )
  await site.directory.createAccount(blue, {}, parseSubject('reports'))
})

test('versions go up with a change, and a change of another version is refused', async () => {
  const { directory } = site
  const { subject, version } = await directory.createAccount(acme, { displayName: 'Dora' })
  const next = await directory.changeAccount(acme, subject, { displayName: 'Dora D' }, version)
  assert.equal(next.version, version + 1)
  const same = await directory.changeAccount(acme, subject, { displayName: 'Dora D' })
  assert.equal(same.version, next.version, 'nothing was changed')
  await assert.rejects(
    directory.changeAccount(acme, subject, { displayName: 'X' }, version),
    refusal('precondition_failed'),
  )
  const group = await directory.createGroup(acme, { displayName: 'G', members: [subject] })
  await assert.rejects(
    directory.changeGroup(acme, group.id, { members: [] }, group.version + 1),
    refusal('precondition_failed'),
  )
  await directory.removeAccount(acme, subject, next.version)
  const left = await directory.group(acme, group.id)
  assert.deepEqual(left?.members, [])
  assert.equal(left?.version, group.version + 1, 'a group without a member is another version')
})

test('a user made inactive or removed loses what was issued, in the same transaction', async () => {
  const { directory } = site
  const { subject } = await directory.createAccount(acme, { userName: 'eve' })
  const before = (await site.published()).length
  await directory.changeAccount(acme, subject, { displayName: 'Eve' })
  assert.equal((await site.published()).length, before, 'a new name ends nothing')
  await directory.changeAccount(acme, subject, { active: false })
  await directory.removeAccount(acme, subject)
  const published = (await site.published()).slice(before)
  assert.deepEqual(
    published.map((revocation) => ({ ...revocation, at: undefined })),
    [1, 2].map(() => ({ at: undefined, kind: 'subject', tenant: 'acme', id: subject })),
  )
})

test('a user whose access cannot be ended stays active', async () => {
  const { subject } = await site.directory.createAccount(acme, { userName: 'finn' })
  const broken = new PostgresDirectory({
    database: site.database,
    endAccess: () => Promise.reject(new Error('no')),
  })
  await assert.rejects(broken.changeAccount(acme, subject, { active: false }))
  await assert.rejects(broken.removeAccount(acme, subject))
  assert.equal((await site.directory.account(acme, subject))?.active, true)
})

test('filters find what a plain search finds, and values are only values', async () => {
  const realm = await site.realm('filters')
  const letters = fc.string({ unit: fc.constantFrom('a', 'B', '%', '_', '\\', "'"), maxLength: 3 })
  const names = fc.sample(
    fc.record<AccountChange>({ displayName: letters, givenName: letters, externalId: letters }),
    { numRuns: 30, seed: 7 },
  )
  const seen = new Set<string>()
  const all: Account[] = []
  for (const name of names) {
    if (seen.has(name.externalId ?? '')) continue
    seen.add(name.externalId ?? '')
    all.push(await site.directory.createAccount(realm, name))
  }
  type Searched = Condition<'displayName' | 'givenName'>
  const holds = (account: Account, { field, is, value }: Searched) => {
    const has = account[field]?.toLowerCase()
    const wanted = value?.toLowerCase() ?? ''
    if (is === 'present') return has !== undefined
    if (is === 'notEqual') return has !== wanted
    if (has === undefined) return false
    if (is === 'equal') return has === wanted
    if (is === 'contains') return has.includes(wanted)
    return is === 'startsWith' ? has.startsWith(wanted) : has.endsWith(wanted)
  }
  const condition = fc.record({
    field: fc.constantFrom<Searched['field'][]>('displayName', 'givenName'),
    is: fc.constantFrom<Searched['is'][]>(
      'equal',
      'notEqual',
      'contains',
      'startsWith',
      'endsWith',
      'present',
    ),
    value: letters,
  })
  await fc.assert(
    fc.asyncProperty(fc.array(condition, { maxLength: 3 }), async (filter) => {
      const expected = all.filter((account) => filter.every((one) => holds(account, one)))
      const page = await site.directory.accounts(realm, { offset: 0, limit: 100 }, filter)
      assert.deepEqual(subjects(page), expected.map(({ subject }) => subject).sort())
      assert.equal(page.total, expected.length)
    }),
    { numRuns: 150 },
  )
})

test('a filter never leaves its realm, and is bounded', async () => {
  const page = { offset: 0, limit: 10 }
  const hostile = "x' or tenant <> 'blue' --"
  for (const is of ['equal', 'contains', 'startsWith', 'endsWith'] as const) {
    const found = await site.directory.accounts(blue, page, [
      { field: 'userName', is, value: hostile },
    ])
    assert.equal(found.total, 0)
  }
  const everybody = await site.directory.accounts(blue, page, [
    { field: 'subject', is: 'notEqual', value: 'x' },
  ])
  assert.equal(everybody.total, 2)
  const many: AccountFilter = Array.from({ length: 21 }, () => ({ field: 'email', is: 'present' }))
  await assert.rejects(site.directory.accounts(blue, page, many), refusal('invalid_argument'))
  const nul: AccountFilter = [{ field: 'email', is: 'equal', value: 'a\0' }]
  await assert.rejects(site.directory.accounts(blue, page, nul), refusal('invalid_argument'))
  for (const wild of [
    { limit: 1_001, offset: 0 },
    { limit: 1, offset: -1 },
    { limit: 0.5, offset: 0 },
  ]) {
    await assert.rejects(site.directory.accounts(blue, wild), refusal('invalid_argument'))
  }
})

test('groups are found by member, and pages hold together', async () => {
  const { directory } = site
  const realm = await site.realm('groups')
  const one = (await directory.createAccount(realm, {})).subject
  const two = (await directory.createAccount(realm, {})).subject
  const ward = await directory.createGroup(realm, { displayName: 'Ward', members: [one, two, one] })
  const lab = await directory.createGroup(realm, { displayName: 'Lab', members: [two] })
  const find = async (value: string, is: 'equal' | 'notEqual' = 'equal') =>
    (
      await directory.groups(realm, { offset: 0, limit: 9 }, [{ field: 'member', is, value }])
    ).items.map(({ displayName }) => displayName)
  assert.deepEqual((await find(two)).sort(), ['Lab', 'Ward'])
  assert.deepEqual(await find(one), ['Ward'])
  assert.deepEqual(await find(one, 'notEqual'), ['Lab'])
  assert.deepEqual(ward.members, [one, two].sort())
  assert.deepEqual(
    (await directory.groupsOf(realm, two)).map(({ id }) => id),
    [lab.id, ward.id].sort(),
  )
  const seen = []
  for (const offset of [0, 1, 2]) {
    const page = await directory.groups(realm, { offset, limit: 1 })
    assert.equal(page.total, 2)
    seen.push(...page.items.map(({ id }) => id))
  }
  assert.deepEqual(seen, [lab.id, ward.id].sort())
})

test('two who make a user of one name at once make one', async () => {
  const made = await Promise.allSettled(
    Array.from({ length: 6 }, () => site.directory.createAccount(acme, { userName: 'race' })),
  )
  assert.equal(made.filter(({ status }) => status === 'fulfilled').length, 1)
})

test('a realm that there is not has no users, and takes none', async () => {
  const nowhere = 'nowhere' as TenantId
  await assert.rejects(site.directory.createAccount(nowhere, {}), refusal('not_found'))
  await assert.rejects(
    site.directory.createGroup(nowhere, { displayName: 'G' }),
    refusal('not_found'),
  )
  assert.equal((await site.directory.accounts(nowhere, { offset: 0, limit: 1 })).total, 0)
})
