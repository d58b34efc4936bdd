import type { RealmOperationName } from '../../administration/operations.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Call } from './api-client.test-support.ts'
import { MemoryRealm } from './memory-realm.test-support.ts'
import type { MemoryState } from './memory-state.test-support.ts'

const ACME = 'acme' as TenantId
const at = (path: string) => `/v1/tenants/acme${path}`
const MADE = '2026-01-02T03:04:05.000Z'
const WHEN = { created_at: MADE, changed_at: MADE, revision: 1 } as const

/** A realm in which each operation finds what it is about. */
export function furnishRealm(state: MemoryState): void {
  const realm = new MemoryRealm(ACME)
  state.realmsByTenant.set(ACME, realm)
  const nothing = { user_name: null, given_name: null, family_name: null, external_id: null }
  realm.users.put({
    ...{ id: 'alice', email: 'alice@acme.example', email_verified: true, active: true },
    ...{ ...nothing, ...WHEN, display_name: 'Alice' },
  })
  realm.groups.put({ id: 'crew', display_name: 'Crew', external_id: null, members: [], ...WHEN })
  realm.roles.put({ name: 'nurse', description: '', scopes: ['read'], includes: [] })
  realm.bindings.put({ role: 'nurse', place: '', effect: 'grant' })
  realm.handlers.createClient({ client: 'app' })
  const config = { issuer: 'https://idp.example' }
  const connection = { id: 'corporate', kind: 'oidc', display_name: 'Corporate' } as const
  realm.connections.put({ ...connection, enabled: true, config, revision: 1 })
  realm.sources.put({ kind: 'oidc', source: 'https://idp.example' })
  realm.domains.put({
    ...{ domain: 'acme.example', connection: 'corporate', verified: false, checked_at: null },
    ...{ record_name: '_ringfence-challenge.acme.example', record_value: 'x' },
  })
  realm.scimTokens.put({
    ...{ id: 'scim-1', name: 'Entra', emails_verified: false },
    ...{ created_at: MADE, expires_at: MADE, used_at: null },
  })
}

/** One call of each realm operation that succeeds there. */
export const REALM_CALLS: Readonly<
  Record<RealmOperationName | 'listRevocations', () => [string, Call]>
> = {
  getRealm: () => [at('/realm'), {}],
  putRealmSettings: () => [at('/realm/settings'), { body: { settings: { mfa: 'required' } } }],
  listScimTokens: () => [at('/scim-tokens'), {}],
  createScimToken: () => [at('/scim-tokens'), { body: { name: 'Okta' } }],
  revokeScimToken: () => [at('/scim-tokens/scim-1'), {}],
  revoke: () => [at('/revocations'), { body: { kind: 'user', id: 'alice', why: 'stolen' } }],
  listRevocations: () => [at('/revocations'), {}],
  listUsers: () => [at('/users?limit=1'), {}],
  createUser: () => [at('/users'), { body: { email: 'bob@acme.example' } }],
  getUser: () => [at('/users/alice'), {}],
  updateUser: () => [at('/users/alice'), { body: { display_name: null, active: false } }],
  removeUser: () => [at('/users/alice'), {}],
  inviteUser: () => [at('/users/alice/invitation'), {}],
  resetUserPassword: () => [at('/users/alice/password-reset'), {}],
  resetUserFactors: () => [at('/users/alice/factor-reset'), {}],
  getUserAuthority: () => [at('/users/alice/authority'), {}],
  listApiKeys: () => [at('/users/alice/api-keys'), {}],
  revokeApiKey: () => [at('/users/alice/api-keys/key-1'), {}],
  listGroups: () => [at('/groups'), {}],
  createGroup: () => [at('/groups'), { body: { display_name: 'Ward', members: ['alice'] } }],
  getGroup: () => [at('/groups/crew'), {}],
  updateGroup: () => [at('/groups/crew'), { body: { display_name: 'The crew' } }],
  removeGroup: () => [at('/groups/crew'), {}],
  addGroupMember: () => [at('/groups/crew/members/alice'), {}],
  removeGroupMember: () => [at('/groups/crew/members/alice'), {}],
  listRoles: () => [at('/roles'), {}],
  putRole: () => [at('/roles/doctor'), { body: { scopes: ['write'], includes: ['nurse'] } }],
  removeRole: () => [at('/roles/nurse'), {}],
  listBindings: () => [at('/bindings?user=alice'), {}],
  bindRole: () => [at('/bindings'), { body: { user: 'alice', role: 'nurse', place: 'ward/1' } }],
  unbindRole: () => [at('/bindings?user=alice&role=nurse'), {}],
  listClients: () => [at('/clients'), {}],
  getClient: () => [at('/clients/app'), {}],
  createClient: () => [at('/clients'), { body: { client: 'robot' } }],
  putClient: () => [at('/clients/app'), { body: { scopes: ['read', 'write'] } }],
  removeClient: () => [at('/clients/app'), {}],
  createRegistrationToken: () => [at('/registration-tokens'), { body: { seconds: 600 } }],
  listConnections: () => [at('/connections'), {}],
  getConnection: () => [at('/connections/corporate'), {}],
  putConnection: () => [
    at('/connections/corporate'),
    { body: { kind: 'oidc', display_name: 'Corporate', config: { clientId: 'ours' } } },
  ],
  removeConnection: () => [at('/connections/corporate'), {}],
  getConnectionSetup: () => [at('/connections/corporate/setup'), {}],
  testConnection: () => [
    at('/connections/corporate/dry-run'),
    { body: { claims: { sub: 'bob', email: 'bob@acme.example' } } },
  ],
  listSources: () => [at('/sources'), {}],
  allowSource: () => [at('/sources'), { body: { kind: 'saml', source: 'urn:idp' } }],
  disallowSource: () => [at('/sources?kind=oidc&source=https://idp.example'), {}],
  listDomains: () => [at('/domains'), {}],
  addDomain: () => [at('/domains'), { body: { domain: 'b.example', connection: 'corporate' } }],
  verifyDomain: () => [
    at('/domains/acme.example/verification'),
    { body: { connection: 'corporate' } },
  ],
  removeDomain: () => [at('/domains/acme.example?connection=corporate'), {}],
  listSessions: () => [at('/sessions?user=alice'), {}],
  getSession: () => [at('/sessions/session-1'), {}],
  endSession: () => [at('/sessions/session-1'), {}],
  endSessions: () => [at('/sessions?user=alice'), {}],
  listGrantUses: () => [at('/grant-uses'), {}],
}
