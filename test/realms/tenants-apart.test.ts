import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  describedOperation,
  REALM_OPERATION_NAMES,
  type RealmOperationName,
} from '../../src/administration/operations.ts'
import { pathInputs } from '../../src/administration/operation.ts'
import { parseClientId, parseSubject } from '../../src/core/names.ts'
import { OPERATORS_REALM } from '../../src/core/operators-realm.ts'
import type { TenantId } from '../../src/core/tenant.ts'
import { remoteAdministration } from '../../src/identity/administration/administration-admin.ts'
import { SigningKey } from '../../src/tokens/signing-key.ts'
import { succeeded, jane } from '../../src/control/control-site.test-support.ts'
import { type Answered, good, type RealmGround, realmGround } from './realm-ground.test-support.ts'

/** What is one tenant's, asked for through the path of another. */
let ground: RealmGround
let acme: TenantId
let blue: TenantId
/** One of everything that acme has, by the name that paths have for it. */
let things: Readonly<Record<string, string>>
before(async () => {
  ground = await realmGround()
  acme = await ground.tenant('acme')
  blue = await ground.tenant('blue')
  things = await furnished(acme)
})
after(() => ground.stop())

const call: RealmGround['call'] = (...args) => ground.call(...args)

async function furnished(tenant: TenantId): Promise<Readonly<Record<string, string>>> {
  const at = (path: string) => `/v1/tenants/${tenant}${path}`
  const user = good(await call('POST', at('/users'), { user_name: 'canary' })).id
  const group = good(await call('POST', at('/groups'), { display_name: 'G', members: [user] })).id
  good(await call('PUT', at('/roles/canary-role'), {}))
  good(await call('PUT', at('/bindings'), { user, role: 'canary-role' }))
  good(await call('POST', at('/clients'), { client: 'canary-client' }))
  const source = { kind: 'oidc', source: 'https://idp.example' }
  good(await call('PUT', at('/sources'), source))
  good(
    await call('PUT', at('/connections/canary-idp'), {
      ...{ kind: 'oidc', display_name: 'C', client_secret: 'x'.repeat(20) },
      config: { issuer: source.source, clientId: 'ours' },
    }),
  )
  const claim = { domain: 'canary.example', connection: 'canary-idp' }
  good(await call('POST', at('/domains'), claim))
  const scim = good(await call('POST', at('/scim-tokens'), { name: 'canary' })).token.id
  const key = { label: 'canary', scopes: [], days: 3 }
  const api = await ground.identity.realms.createApiKey(tenant, parseSubject(user), key)
  await ground.site.ask(
    `insert into identity.session
       (tenant, id, subject, cookie, device, started_at, signed_in_at, expires_at)
     values ($1, 'canary-session', $2, 'c', 'Firefox', now(), now(), now() + interval '1 hour')`,
    [tenant, user],
  )
  return {
    ...{ user, group, role: 'canary-role', client: 'canary-client', connection: 'canary-idp' },
    ...{ domain: claim.domain, scim_token: scim, key: api.id, session: 'canary-session' },
  }
}

/** A body or query with which the operation is well-formed, about the thing `ids` name. */
function particulars(
  name: RealmOperationName,
  ids: Readonly<Record<string, string>>,
): { readonly query?: string; readonly body?: object } {
  const { user, group, role, client, connection, domain } = ids
  const bodies: Partial<Record<RealmOperationName, object>> = {
    putRealmSettings: { settings: {} },
    createScimToken: { name: 'x' },
    revoke: { kind: 'user', id: user, why: 'x' },
    createUser: { user_name: 'x' },
    updateUser: { display_name: 'taken over' },
    createGroup: { display_name: 'x', members: [user] },
    updateGroup: { display_name: 'taken over' },
    putRole: { description: 'taken over' },
    bindRole: { user, role },
    createClient: { client },
    putClient: { scopes: ['read', 'write'] },
    createRegistrationToken: { seconds: 60 },
    putConnection: {
      ...{ kind: 'oidc', display_name: 'taken over', client_secret: 'y'.repeat(20) },
      config: { issuer: 'https://idp.example', clientId: 'theirs' },
    },
    testConnection: { claims: { sub: 'x' } },
    allowSource: { kind: 'oidc', source: 'https://idp.example' },
    addDomain: { domain, connection },
    verifyDomain: { connection },
  }
  const queries: Partial<Record<RealmOperationName, string>> = {
    listBindings: `?user=${user}`,
    unbindRole: `?group=${group}&role=${role}`,
    disallowSource: '?kind=oidc&source=https://idp.example',
    removeDomain: `?connection=${connection}`,
    endSessions: `?user=${user}`,
  }
  const [body, query] = [bodies[name], queries[name]]
  return { ...(body && { body }), ...(query && { query }) }
}

function ask(
  name: RealmOperationName,
  tenant: string,
  ids: Readonly<Record<string, string>>,
): Promise<Answered> {
  const { method, path } = describedOperation(name)
  const target = path.replaceAll(/\{(\w+)\}/g, (_all, one: string) => ids[one] ?? 'none')
  const { query = '', body } = particulars(name, ids)
  const headers = { 'x-request-id': 'request-1' }
  return call(method.toUpperCase(), `/v1/tenants/${tenant}${target}${query}`, body, { headers })
}

/** Everything that is kept of a realm, without what a clock changes. */
async function stateOf(tenant: TenantId): Promise<string> {
  const tables = await ground.site.ask<{ name: string }>(
    `select table_name as name from information_schema.columns
      where table_schema = 'identity' and column_name = 'tenant' order by 1`,
  )
  const rows: unknown[] = []
  for (const { name } of tables) {
    const [row] = await ground.site.ask<{ all: string | null }>(
      `select json_agg(t order by t::text)::text as all from identity.${name} t where tenant = $1`,
      [tenant],
    )
    rows.push([name, row?.all])
  }
  const revoked = await ground.site.ask(
    'select kind, id from revocation.entry where tenant = $1 order by seq',
    [tenant],
  )
  return JSON.stringify([rows, revoked])
}

/** They make what is not there, in the realm whose path it is. */
const MAKING: ReadonlySet<RealmOperationName> = new Set(['putRole'])
const NAMED = REALM_OPERATION_NAMES.filter(
  (name) => pathInputs(describedOperation(name)).length > 0,
)

describe('through another tenant’s path', () => {
  for (const name of NAMED.filter((one) => !MAKING.has(one))) {
    test(`${name}: what is another tenant’s is as absent as what never was`, async () => {
      const before = await stateOf(acme)
      const foreign = await ask(name, 'blue', things)
      const nowhere = Object.fromEntries(
        Object.entries(things).map(([one, id]) => [one, id.replace(/^.{4}/, 'zzzz')]),
      )
      const absent = await ask(name, 'blue', nowhere)
      assert.ok([400, 404].includes(foreign.status), `${foreign.status} ${foreign.text}`)
      assert.deepEqual([foreign.status, foreign.text], [absent.status, absent.text])
      assert.equal(await stateOf(acme), before)
    })
  }

  test('what names another tenant’s thing in a body or a query changes nothing of it', async () => {
    const before = await stateOf(acme)
    for (const name of REALM_OPERATION_NAMES.filter((one) => !NAMED.includes(one))) {
      const { text } = await ask(name, 'blue', things)
      assert.ok(!text.includes('canary') || name === 'createClient', `${name}: ${text}`)
    }
    await ask('putRole', 'blue', things)
    assert.equal(await stateOf(acme), before)
  })

  test('no list of one tenant holds anything of another', async () => {
    const third = await ground.tenant('third')
    for (const path of [
      ...['/users', '/groups', '/roles', '/clients', '/connections', '/sources', '/domains'],
      ...['/scim-tokens', '/sessions'],
    ]) {
      const own = good(await call('GET', `/v1/tenants/acme${path}`)).items
      assert.ok(own.length > 0, path)
      assert.deepEqual(good(await call('GET', `/v1/tenants/${third}${path}`)).items, [], path)
    }
  })
})

describe('what belongs to one list, thing or call', () => {
  const users = (tenant: string, query: string) => `/v1/tenants/${tenant}/users?limit=1${query}`

  test('a cursor is good for its tenant, list and filter, and for no other', async () => {
    for (const tenant of [acme, blue]) {
      for (const name of ['first', 'second']) {
        good(await call('POST', `/v1/tenants/${tenant}/users`, { user_name: name }))
      }
    }
    const { next } = good(await call('GET', users('acme', '')))
    const cursor = `&cursor=${encodeURIComponent(next)}`
    good(await call('GET', users('acme', cursor)))
    for (const elsewhere of [
      users('blue', cursor),
      users('acme', `${cursor}&email=a@b.example`),
      `/v1/tenants/acme/groups?limit=1${cursor}`,
      `/v1/tenants/acme/revocations?limit=1${cursor}`,
      users('acme', `&cursor=${next.slice(0, -2)}`),
    ]) {
      assert.equal((await call('GET', elsewhere)).status, 400, elsewhere)
    }
  })

  test('a tag is good for its tenant and its life, also where ids and revisions are the same', async () => {
    const enter = async (tenant: string) => {
      const body = { id: 'same', user_name: 'same' }
      return call('POST', `/v1/tenants/${tenant}/users`, body)
    }
    const change = (tenant: string, tag: string) =>
      call(
        'PATCH',
        `/v1/tenants/${tenant}/users/same`,
        { display_name: 'x' },
        { headers: { 'if-match': tag } },
      )
    const [own, other] = [await enter('acme'), await enter('blue')]
    assert.equal(good(own).revision, good(other).revision)
    const foreign = own.headers.get('etag') ?? ''
    assert.equal((await change('blue', foreign)).status, 412)
    assert.equal((await change('blue', `W/${other.headers.get('etag')}`)).status, 412)
    const tag = other.headers.get('etag') ?? ''
    good(await call('DELETE', '/v1/tenants/blue/users/same'))
    good(await enter('blue'))
    assert.equal((await change('blue', tag)).status, 412)
    const [realm, theirs] = [
      await call('GET', '/v1/tenants/acme/realm'),
      await call('GET', '/v1/tenants/blue/realm'),
    ]
    assert.notEqual(realm.headers.get('etag'), theirs.headers.get('etag'))
  })

  test('an idempotency key of one tenant’s call is refused for another’s', async () => {
    const headers = { 'idempotency-key': 'one-key' }
    const body = { user_name: 'once' }
    const first = await call('POST', '/v1/tenants/acme/users', body, { headers })
    const again = await call('POST', '/v1/tenants/acme/users', body, { headers })
    assert.deepEqual([good(first), again.text], [good(again), first.text])
    const elsewhere = await call('POST', '/v1/tenants/blue/users', body, { headers })
    assert.equal(elsewhere.status, 422)
    const { items } = good(await call('GET', '/v1/tenants/blue/users?user_name=once'))
    assert.deepEqual(items, [])
  })
})

describe('past the control plane', () => {
  test('nobody else administers realms at the identity plane’s own door', async () => {
    const address = `unix:${join(ground.site.directory, 'admin.sock')}`
    const client = parseClientId('control')
    const audience = 'urn:test:identity'
    const before = await stateOf(acme)
    const stranger = remoteAdministration({
      ...{ address, audience, client },
      key: await SigningKey.create('ES256'),
    })
    for (const name of REALM_OPERATION_NAMES) {
      await assert.rejects(stranger(name, acme, {}), { code: 'not_authenticated' }, name)
    }
    assert.equal(await stateOf(acme), before)
  })
})

describe('which tenants', () => {
  test('a suspended one’s realm can be put in order; an erased one’s is as absent as any', async () => {
    const gone = await ground.tenant('gone')
    const { tenants } = ground.plane
    await succeeded(ground.plane, await tenants.suspend(gone, 'unpaid', jane))
    const realm = await call('GET', '/v1/tenants/gone/realm')
    assert.equal(good(realm).open, false)
    good(await call('POST', '/v1/tenants/gone/users', { user_name: 'late' }))
    const how = { purge: true, why: 'over' }
    await succeeded(ground.plane, await tenants.offboard(gone, how, jane))
    const headers = { 'x-request-id': 'request-1' }
    const erased = await call('GET', '/v1/tenants/gone/realm', undefined, { headers })
    const absent = await call('GET', '/v1/tenants/never/realm', undefined, { headers })
    assert.deepEqual([erased.status, erased.text], [404, absent.text])
    assert.equal((await call('POST', '/v1/tenants/gone/users', { user_name: 'x' })).status, 404)
  })

  test('the operators’ realm is nobody’s: no operator makes itself another there', async () => {
    assert.ok(await ground.identity.realms.find(OPERATORS_REALM))
    const before = await stateOf(OPERATORS_REALM)
    for (const name of REALM_OPERATION_NAMES) {
      const answer = await ask(name, OPERATORS_REALM, things)
      assert.equal(answer.status, 404, name)
    }
    assert.equal(await stateOf(OPERATORS_REALM), before)
  })
})
