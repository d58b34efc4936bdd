import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OPERATOR_SCOPES } from '../control-plane.ts'
import { TestApi } from '../api/api-client.test-support.ts'
import { OPERATOR_ROLES, READING_SCOPES, SCOPES_OF_ROLE, scopesOfRoles, widens } from './roles.ts'

/** What each role may do, operation by operation: a change of the table has to be made here, too. */
const MATRIX: Readonly<Record<string, string>> = {
  // operation: viewer, operator, approver, security; `-` may not.
  listTenants: 'voas',
  createTenant: '-o--',
  getTenant: 'voas',
  updateTenant: '-o--',
  getTenantHistory: 'voas',
  suspendTenant: '-o--',
  resumeTenant: '-o--',
  moveTenant: '-o--',
  exportTenant: '-o--',
  cancelTenantWorkflow: '-o--',
  deleteTenant: '-o--',
  getReceipt: 'voas',
  listLeases: 'voas',
  revokeTenantLeases: '-o-s',
  revokeLease: '-o-s',
  revokeWorkloadLeases: '-o-s',
  listWorkflows: 'voas',
  getWorkflow: 'voas',
  watchWorkflow: 'voas',
  listApprovals: 'voas',
  getApproval: 'voas',
  decideApproval: '--as',
  listCells: 'voas',
  putCell: '-o--',
  listPlans: 'voas',
  putPlan: '-o--',
  listOperators: '---s',
  createOperator: '---s',
  revokeOperator: '---s',
  listPeople: '---s',
  getPerson: '---s',
  invitePerson: '---s',
  setPersonRoles: '---s',
  removePerson: '---s',
  getFourEyes: 'voas',
  replaceKeys: '---s',
  revokeEverything: '---s',
  listSupport: 'voas',
  getSupport: 'voas',
  requestSupport: '-o--',
  endSupport: '-o--',
  revokeSupport: '--as',
  issueSupportContext: '-o--',
  issueSupportToken: '-o--',
  getSupportPolicy: 'voas',
  putSupportPolicy: '---s',
  issueJobContexts: '----',
  getRealm: '-o-s',
  putRealmSettings: '-o-s',
  listScimTokens: '-o-s',
  createScimToken: '-o-s',
  revokeScimToken: '-o-s',
  revoke: '-o-s',
  listUsers: '-o-s',
  createUser: '-o-s',
  getUser: '-o-s',
  updateUser: '-o-s',
  removeUser: '-o-s',
  inviteUser: '-o-s',
  resetUserPassword: '-o-s',
  resetUserFactors: '-o-s',
  getUserAuthority: '-o-s',
  listApiKeys: '-o-s',
  revokeApiKey: '-o-s',
  listGroups: '-o-s',
  createGroup: '-o-s',
  getGroup: '-o-s',
  updateGroup: '-o-s',
  removeGroup: '-o-s',
  addGroupMember: '-o-s',
  removeGroupMember: '-o-s',
  listRoles: '-o-s',
  putRole: '-o-s',
  removeRole: '-o-s',
  listBindings: '-o-s',
  bindRole: '-o-s',
  unbindRole: '-o-s',
  listClients: '-o-s',
  getClient: '-o-s',
  createClient: '-o-s',
  putClient: '-o-s',
  removeClient: '-o-s',
  createRegistrationToken: '-o-s',
  listConnections: '-o-s',
  getConnection: '-o-s',
  putConnection: '-o-s',
  removeConnection: '-o-s',
  getConnectionSetup: '-o-s',
  testConnection: '-o-s',
  listSources: '-o-s',
  allowSource: '-o-s',
  disallowSource: '-o-s',
  listDomains: '-o-s',
  addDomain: '-o-s',
  verifyDomain: '-o-s',
  removeDomain: '-o-s',
  listSessions: '-o-s',
  getSession: '-o-s',
  endSession: '-o-s',
  endSessions: '-o-s',
  listRevocations: '-o-s',
  listGrantUses: '-o-s',
  applyObjects: '-o--',
  listObjects: 'voas',
  getDrift: 'voas',
  getPlatformObject: 'voas',
  getPlatformObjectHistory: 'voas',
  putPlatformObject: '-o--',
  deletePlatformObject: '-o--',
  getTenantObject: 'voas',
  getTenantObjectHistory: 'voas',
  putTenantObject: '-o--',
  deleteTenantObject: '-o--',
  listGrants: 'voas',
  getGrant: 'voas',
  listUsesOfGrant: 'voas',
  // By this door; that consent is a tenant's own to give the plane says itself.
  offerGrant: '-o--',
  acceptGrant: '-o--',
  refuseGrant: '-o--',
  revokeGrant: '-o--',
}

const READING = new Set(
  Object.entries(MATRIX).flatMap(([operation, row]) => (row === 'voas' ? [operation] : [])),
)

interface Document {
  readonly paths: Record<
    string,
    Record<string, { operationId: string; security: { operator?: string[] }[] }>
  >
}

const api = new TestApi()
const document: Document = JSON.parse((await api.call('GET', '/v1/openapi.json')).text)
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).flatMap(([method, { operationId, security }]) => {
    const scopes = security.flatMap(({ operator = [] }) => operator)
    return scopes.length === 0 ? [] : [{ path, method: method.toUpperCase(), operationId, scopes }]
  }),
)

test('every operation that needs a scope has its row in the matrix, and no other', () => {
  assert.deepEqual(
    operations.map(({ operationId }) => operationId).toSorted(),
    Object.keys(MATRIX).toSorted(),
  )
})

for (const { path, method, operationId } of operations) {
  const row = MATRIX[operationId] ?? ''
  for (const [index, role] of OPERATOR_ROLES.entries()) {
    const may = row[index] === role[0]
    test(`${role} ${may ? 'passes' : 'does not pass'} at ${operationId}`, async () => {
      api.plane.signedIn.set(`token-of-${role}`, {
        kind: 'operator',
        name: `person:${role}`,
        scopes: SCOPES_OF_ROLE[role],
      })
      const target = path.replaceAll(/\{\w+\}/g, 'none')
      const { status } = await api.call(method, target, {
        token: `token-of-${role}`,
        ...(method === 'GET' || method === 'DELETE' ? {} : { body: {} }),
      })
      // Past the door it fails in other ways, or not at all: there is nothing of that name.
      assert.equal(status === 403, !may, `${status}`)
    })
  }
  test(`one factor is ${READING.has(operationId) ? '' : 'not '}enough at ${operationId}`, async () => {
    const all = scopesOfRoles(OPERATOR_ROLES)
    api.plane.signedIn.set('one-factor', {
      kind: 'operator',
      name: 'person:weak',
      scopes: READING_SCOPES,
      signedIn: {
        roles: OPERATOR_ROLES,
        twoFactors: false,
        beyond: all.filter((scope) => !READING_SCOPES.includes(scope)),
      },
    })
    const target = path.replaceAll(/\{\w+\}/g, 'none')
    const { status, headers } = await api.call(method, target, {
      token: 'one-factor',
      ...(method === 'GET' || method === 'DELETE' ? {} : { body: {} }),
    })
    const challenge = headers.get('www-authenticate') ?? ''
    const asks = /insufficient_user_authentication.*acr_values="urn:ringfence:acr:2"/.test(
      challenge,
    )
    if (READING.has(operationId)) return assert.ok(status !== 401 && status !== 403, `${status}`)
    // What no role may is refused whatever the sign-in was.
    if (operationId === 'issueJobContexts') return assert.equal(status, 403)
    assert.equal(status, 401)
    assert.ok(asks, challenge)
  })
}

test('no role has what is for automation alone, and together they have all the rest', () => {
  assert.deepEqual(
    OPERATOR_SCOPES.filter((scope) => !scopesOfRoles(OPERATOR_ROLES).includes(scope)),
    ['jobs:write'],
  )
})

test('a role widens somebody only by what it adds', () => {
  assert.equal(widens(['security'], ['security', 'viewer']), false)
  assert.equal(widens(['viewer'], ['approver']), true)
  assert.equal(widens(['operator', 'approver'], ['operator']), false)
})
