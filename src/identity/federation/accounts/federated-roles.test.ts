import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Subject } from '../../../core/names.ts'
import { RoleAdministration } from '../../directory/role-administration.ts'
import { parsePlace, parseRoleName } from '../../directory/role-name.ts'
import { type AccountsSite, person, startAccountsSite } from './accounts-site.test-support.ts'

let site: AccountsSite
before(async () => {
  site = await startAccountsSite()
})
after(() => site.stop())

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
    const to = await site.connection(tenant, { provisioning: 'create', mapping: { roles } })
    const rolesAfter = async (groups: readonly string[]) => {
      const { subject } = await site.accounts.signIn(to, person('u1', { groups }))
      return (await site.base.directory.authority(tenant, subject))?.roles
    }
    assert.deepEqual(await rolesAfter(['Doctors', 'Ghosts', 'auditor']), ['doctor'])
    const { subject } = await site.accounts.signIn(to, person('u1', { groups: ['Doctors'] }))
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
    const one = await site.connection(tenant, { provisioning: 'create', mapping: { roles } })
    const two = await site.connection(
      tenant,
      { provisioning: 'create', mapping: { roles } },
      'corporate-2',
    )
    const first = await site.accounts.signIn(one, person('u1', { groups: ['Doctors'] }))
    const second = await site.accounts.signIn(two, person('u2', { groups: ['Doctors'] }))
    await site.federation.administration.removeConnection(tenant, 'corporate')
    const rolesOf = async (subject: Subject) =>
      (await site.base.directory.authority(tenant, subject))?.roles
    assert.deepEqual(await rolesOf(first.subject), [])
    assert.deepEqual(await rolesOf(second.subject), ['doctor'])
  })
})
