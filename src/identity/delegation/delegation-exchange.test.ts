import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as client from 'openid-client'
import { type GrantConfig, grantSchema } from '../../contracts/grant.ts'
import { parseSubject } from '../../core/names.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import { BASE } from '../identity-site.test-support.ts'
import { API_KEY_CLIENT, DELEGATION_CLIENT } from '../provider/built-in-clients.ts'
import { usesOf } from './grants.ts'
import { exchange, service } from '../provider/exchange.test-support.ts'
import {
  type ProviderSite,
  refused,
  startProviderSite,
} from '../provider/provider-site.test-support.ts'

const HOUR_MS = 3_600_000
const given = new Map<string, GrantConfig>()
const key = (tenant: string, id: string) => `${tenant} ${id}`

let site: ProviderSite
let acme: TenantId
let globex: TenantId
let globexApp: client.Configuration
/** The client for grants in acme's realm. */
let door: client.Configuration
before(async () => {
  site = await startProviderSite({
    grants: { find: async (tenant, id) => given.get(key(tenant, id)) },
  })
  const [one, other] = [await site.realm('acme'), await site.realm('globex')]
  acme = one.tenant
  globex = other.tenant
  globexApp = await site.app(globex, other.secret)
  door = await site.app(acme, client.None(), { client_id: DELEGATION_CLIENT })
})
after(() => site.stop())

let made = 0
/** Acme lets somebody of globex in. Returns the grant's id. */
function grant(change: Readonly<Record<string, unknown>> = {}): string {
  made += 1
  const id = `gr-${String(made).padStart(20, 'a')}`
  const one = grantSchema.parse({
    id,
    grantee: globex,
    subject: 'alice',
    scopes: ['read'],
    apis: ['clinic'],
    actions: ['read'],
    resources: ['/'],
    notBefore: new Date(Date.now() - HOUR_MS).toISOString(),
    expires: new Date(Date.now() + HOUR_MS).toISOString(),
    bills: 'grantor',
    ...change,
  })
  given.set(key(acme, id), one)
  return id
}
const homeToken = async () => (await site.signIn(globexApp)).access_token
const use = (token: string, grant_id: string, more: Readonly<Record<string, string>> = {}) =>
  exchange(door, token, { grant_id, ...more })
const denied = (work: Promise<unknown>) => assert.rejects(work, refused('invalid_grant'))

test('a principal gets a token of the grantor for no more than both go to, which says who acts', async () => {
  const id = grant()
  const own = await homeToken()
  const home = await site.verify(globex, own)
  const tokens = await use(own, id)
  const access = await site.verify(acme, tokens.access_token)
  assert.deepEqual(
    [access.tenant, access.subject, access.session, access.client],
    [acme, `grant:${id}`, id, DELEGATION_CLIENT],
  )
  assert.deepEqual([access.scopes, access.roles], [['read'], []])
  assert.deepEqual(access.actor, { issuer: `${BASE}/realms/globex`, subject: 'alice' })
  assert.equal(access.delegation?.grant, id)
  assert.equal(access.delegation.grantee, globex)
  assert.equal(access.delegation.source.id, home.id)
  assert.equal(access.delegation.source.session, home.session)
  assert.ok(access.expiresAt <= home.expiresAt)
  assert.equal(tokens.refresh_token, undefined)
  const { rows } = await site.admin.query(
    'select tenant, side, jti from identity.grant_use where grant_id = $1 order by side',
    [id],
  )
  assert.deepEqual(rows, [
    { tenant: globex, side: 'grantee', jti: access.id },
    { tenant: acme, side: 'grantor', jti: access.id },
  ])
})

test('each tenant lists what came of its grants, the newest first, page by page', async () => {
  const [first, second] = [grant(), grant({ scopes: ['read', 'write'] })]
  const own = await homeToken()
  const ids: string[] = []
  for (const id of [first, second, second]) {
    const { access_token } = await use(own, id)
    ids.unshift((await site.verify(acme, access_token)).id)
  }
  // Within one millisecond their order is that of their names.
  const set = (all: readonly { readonly token: string }[]) => all.map(({ token }) => token).sort()
  const list = (tenant: TenantId, query: object = {}) =>
    usesOf(site.identity.parts.database, tenant, {
      ...{ grant: undefined, limit: 100, after: undefined },
      ...query,
    })
  for (const [tenant, side] of [
    [acme, 'grantor'],
    [globex, 'grantee'],
  ] as const) {
    const all = await list(tenant)
    assert.deepEqual(set(all.slice(0, 3)), [...ids].sort())
    assert.ok(all.every((one) => one.side === side))
    assert.ok(all.every(({ at }, index) => index === 0 || at <= (all[index - 1]?.at ?? at)))
    const paged = [...(await list(tenant, { limit: 2 }))]
    for (let page = paged; page.length > 0; ) {
      page = [...(await list(tenant, { limit: 2, after: paged.at(-1) }))]
      paged.push(...page)
    }
    assert.deepEqual(paged, all)
    const ofOne = await list(tenant, { grant: second })
    assert.deepEqual(set(ofOne), ids.slice(0, 2).sort())
    assert.deepEqual(ofOne[0]?.scopes, ['read', 'write'])
  }
  assert.deepEqual(await list(parseTenantId('initech')), [])
})

test('no scope is won: neither one that the grant has not, nor one that the token has not', async () => {
  const own = await homeToken()
  await assert.rejects(use(own, grant(), { scope: 'read write' }), refused('invalid_scope'))
  const wide = grant({ scopes: ['read', 'write'] })
  const reads = (await site.signIn(globexApp, undefined, { scope: 'openid read' })).access_token
  const tokens = await use(reads, wide)
  assert.deepEqual((await site.verify(acme, tokens.access_token)).scopes, ['read'])
})

test('a token ends with its grant', async () => {
  const id = grant({ expires: new Date(Date.now() + 20_000).toISOString() })
  const { expires_in } = await use(await homeToken(), id)
  assert.ok(expires_in !== undefined && expires_in <= 20)
})

test('whatever is amiss, the answer is the same: guessed, expired, early, another’s, another realm’s', async () => {
  const own = await homeToken()
  const second = (ms: number) => new Date(Date.now() + ms).toISOString()
  await denied(use(own, 'gr-aaaaaaaaaaaaaaaaaaaaaaaaa'))
  await denied(use(own, 'nothing'))
  await denied(use(own, grant({ expires: second(-1_000) })))
  await denied(use(own, grant({ notBefore: second(HOUR_MS / 2) })))
  await denied(use(own, grant({ subject: 'bob' })))
  await denied(use(own, grant({ grantee: acme })))
  await denied(use(own, grant({ grantee: 'nobody-at-all' })))
  await denied(use(`${own}x`, grant()))
  // Acme's grant is nothing in globex' realm.
  const there = await site.app(globex, client.None(), { client_id: DELEGATION_CLIENT })
  await denied(exchange(there, own, { grant_id: grant() }))
})

test('what was got under a grant is passed on to nobody', async () => {
  const id = grant()
  const { access_token } = await use(await homeToken(), id)
  await denied(use(access_token, id))
  await denied(use(access_token, grant({ grantee: acme, subject: `grant:${id}` })))
  const reports = await service(site, acme, 'reports')
  await denied(exchange(reports, access_token))
})

test('a token in which another acts, at home, is not the principal’s own', async () => {
  const agent = await service(site, globex, 'agent')
  const acted = await exchange(agent, await homeToken())
  await denied(use(acted.access_token, grant()))
})

test('a grant is named with the client for grants, and with no other', async () => {
  const own = await homeToken()
  await assert.rejects(exchange(door, own), refused('invalid_request'))
  const keys = await site.app(acme, client.None(), { client_id: API_KEY_CLIENT })
  await assert.rejects(exchange(keys, own, { grant_id: grant() }), refused('invalid_request'))
})

test('a token that is bound to a key is exchanged with a proof of that key alone, and stays bound', async () => {
  const DPoP = client.getDPoPHandle(globexApp, await client.randomDPoPKeyPair('ES256'))
  const id = grant({ subject: 'app' })
  const bound = await client.clientCredentialsGrant(globexApp, {}, { DPoP })
  await denied(use(bound.access_token, id))
  const proven = await exchange(door, bound.access_token, { grant_id: id }, { DPoP })
  assert.ok((await site.verify(acme, proven.access_token)).boundTo !== undefined)
})

test('the grantor’s clients are told that a token is good while the grant is there', async () => {
  const id = grant()
  const { access_token } = await use(await homeToken(), id)
  const reports = await service(site, acme, 'introspector')
  assert.equal((await client.tokenIntrospection(reports, access_token)).active, true)
  given.delete(key(acme, id))
  assert.equal((await client.tokenIntrospection(reports, access_token)).active, false)
})

test('a principal that was taken away at home, or whose tenant is suspended, gets nothing', async () => {
  const id = grant({ subject: 'gone' })
  const { realms } = site.identity
  const gone = parseSubject('gone')
  await realms.putUser(globex, gone, { roles: [], scopes: ['read'] })
  const { access_token } = await realms.issueFor(globex, gone)
  assert.ok((await use(access_token, id)).access_token)
  await realms.removeUser(globex, gone)
  await denied(use(access_token, id))
  const own = await homeToken()
  await realms.setOpen(globex, false)
  await denied(use(own, grant()))
})
