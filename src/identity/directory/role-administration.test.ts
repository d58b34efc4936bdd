import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { type DirectorySite, startDirectorySite } from './directory-site.test-support.ts'
import { RoleAdministration } from './role-administration.ts'
import { EVERYWHERE, parsePlace, parseRoleName } from './role-name.ts'

let site: DirectorySite
let acme: TenantId
let blue: TenantId
let roles: RoleAdministration
before(async () => {
  site = await startDirectorySite()
  acme = await site.realm('acme')
  blue = await site.realm('blue')
  roles = new RoleAdministration(site.database)
})
after(() => site.stop())

const refusal = (code: string) => ({ name: 'RingfenceError', code })
const role = (name: string, includes: readonly string[] = [], scopes: readonly string[] = []) => ({
  name: parseRoleName(name),
  description: '',
  scopes,
  includes: includes.map(parseRoleName),
})
const grant = (name: string, place = '', effect: 'grant' | 'withhold' = 'grant') => ({
  role: parseRoleName(name),
  place: parsePlace(place),
  effect,
})
const someone = async (tenant: TenantId): Promise<Subject> =>
  (await site.directory.createAccount(tenant, {})).subject

test('authority comes of own roles, groups, roles within roles and overrides', async () => {
  await roles.putRole(acme, role('clerk', [], ['read']))
  await roles.putRole(acme, role('nurse', ['clerk'], ['care']))
  await roles.putRole(acme, role('doctor', ['nurse'], ['prescribe']))
  const ana = await someone(acme)
  await site.admin.query(
    `update identity.account set scopes = '{own}', roles = '{old-name}' where subject = $1`,
    [ana],
  )
  const ward = await site.directory.createGroup(acme, { displayName: 'W', members: [ana] })
  await roles.bind(acme, { group: ward.id }, grant('nurse'))
  await roles.bind(acme, { subject: ana }, grant('doctor', 'ward/north'))
  await roles.bind(acme, { subject: ana }, grant('nurse', 'lab', 'withhold'))
  assert.deepEqual(await site.directory.authority(acme, ana), {
    roles: ['clerk', 'nurse', 'old-name'],
    scopes: ['care', 'own', 'read'],
    placedRoles: ['!clerk@lab', '!nurse@lab', 'doctor@ward/north'],
  })
  await site.directory.changeGroup(acme, ward.id, { members: [] })
  assert.deepEqual((await site.directory.authority(acme, ana))?.roles, ['old-name'])
})

test('nobody has authority in a closed realm, when inactive, or in another realm', async () => {
  const realm = await site.realm('closing')
  const ana = await someone(realm)
  assert.ok(await site.directory.authority(realm, ana))
  assert.equal(await site.directory.authority(blue, ana), undefined)
  await site.directory.changeAccount(realm, ana, { active: false })
  assert.equal(await site.directory.authority(realm, ana), undefined)
  await site.directory.changeAccount(realm, ana, { active: true })
  await site.admin.query(`update identity.realm set open = false where tenant = 'closing'`)
  assert.equal(await site.directory.authority(realm, ana), undefined)
})

test('a role never includes itself, not even when two writers try it together', async () => {
  for (const name of ['a', 'b', 'c']) await roles.putRole(acme, role(name))
  await roles.putRole(acme, role('a', ['b']))
  await roles.putRole(acme, role('b', ['c']))
  await assert.rejects(roles.putRole(acme, role('c', ['a'])), refusal('conflict'))
  await assert.rejects(roles.putRole(acme, role('c', ['c'])), refusal('conflict'))
  assert.deepEqual((await roles.roles(acme)).find(({ name }) => name === 'c')?.includes, [])
  for (const name of ['x', 'y']) await roles.putRole(acme, role(name))
  const both = await Promise.allSettled([
    roles.putRole(acme, role('x', ['y'])),
    roles.putRole(acme, role('y', ['x'])),
  ])
  assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1)
})

test('roles and bindings of one realm name nothing of another', async () => {
  await roles.putRole(acme, role('only-acme'))
  await roles.putRole(blue, role('only-blue'))
  const ana = await someone(acme)
  const bob = await someone(blue)
  await assert.rejects(roles.bind(blue, { subject: ana }, grant('only-blue')), refusal('not_found'))
  await assert.rejects(roles.bind(acme, { subject: ana }, grant('only-blue')), refusal('not_found'))
  await assert.rejects(roles.putRole(blue, role('mine', ['only-acme'])), refusal('not_found'))
  await assert.rejects(roles.removeRole(blue, parseRoleName('only-acme')), refusal('not_found'))
  await roles.bind(blue, { subject: bob }, grant('only-blue'))
  assert.deepEqual(await roles.bindings(acme, { subject: bob }), [])
  assert.deepEqual((await site.directory.authority(blue, bob))?.roles, ['only-blue'])
})

test('what is said last about a role and a place counts, and unbinding ends it', async () => {
  await roles.putRole(acme, role('porter'))
  const ana = await someone(acme)
  const holder = { subject: ana }
  await roles.bind(acme, holder, grant('porter'))
  await roles.bind(acme, holder, grant('porter', '', 'withhold'))
  assert.deepEqual(
    (await roles.bindings(acme, holder)).map(({ effect }) => effect),
    ['withhold'],
  )
  assert.deepEqual((await site.directory.authority(acme, ana))?.roles, [])
  await roles.unbind(acme, holder, parseRoleName('porter'), EVERYWHERE)
  assert.deepEqual(await roles.bindings(acme, holder), [])
})

test('more roles by place than a token carries are refused, not cut off', async () => {
  await roles.putRole(acme, role('visitor'))
  const ana = await someone(acme)
  await site.admin.query(
    `insert into identity.role_binding (tenant, id, subject, role, place)
     select 'acme', 'b' || n, $1, 'visitor', 'p' || n from generate_series(1, 101) n`,
    [ana],
  )
  await assert.rejects(site.directory.authority(acme, ana), refusal('too_large'))
})
