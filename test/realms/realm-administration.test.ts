import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseSubject } from '../../src/core/names.ts'
import type { TenantId } from '../../src/core/tenant.ts'
import { until } from '../../src/control/control-site.test-support.ts'
import { good, type RealmGround, realmGround } from './realm-ground.test-support.ts'

/** Every subject of `src/administration`, from the control API to the tables of the identity plane. */
let ground: RealmGround
let acme: TenantId
before(async () => {
  ground = await realmGround()
  acme = await ground.tenant('acme')
})
after(() => ground.stop())

const at = (path: string) => `/v1/tenants/acme${path}`
const call: RealmGround['call'] = (...args) => ground.call(...args)
const keyed = (key: string) => ({ headers: { 'idempotency-key': key } })
const made = async (path: string, body: object) => good(await call('POST', at(path), body))

async function tokenFor(client: string, secret: string): Promise<number> {
  const { status } = await fetch(`${ground.origin}/realms/acme/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${client}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'read' }),
  })
  return status
}

test('settings are changed whole, by who has seen them as they are', async () => {
  const read = await call('GET', at('/realm'))
  const { settings, issuer } = good(read)
  assert.equal(issuer, `${ground.origin}/realms/acme`)
  const tag = read.headers.get('etag') ?? ''
  const same = await call('GET', at('/realm'), undefined, { headers: { 'if-none-match': tag } })
  assert.deepEqual([same.status, same.text], [304, ''])
  const wanted = { ...settings, mfa: 'required', accessTokenSeconds: 60 }
  const put = (condition: string) =>
    call('PUT', at('/realm/settings'), { settings: wanted }, { headers: { 'if-match': condition } })
  const changed = await put(tag)
  assert.deepEqual(good(changed).settings, wanted)
  assert.equal((await put(tag)).status, 412)
  assert.notEqual(changed.headers.get('etag'), tag)
  const wrong = { settings: { ...settings, nothing: true } }
  const refused = await call('PUT', at('/realm/settings'), wrong)
  assert.equal(refused.status, 400)
  good(await call('PUT', at('/realm/settings'), { settings }))
})

test('a realm on a domain of its own is published under it at once', async () => {
  await ground.tenant('domained')
  const path = '/v1/tenants/domained'
  const domain = 'login.domained.example'
  const put = await call('PUT', `${path}/realm/settings`, { settings: { domain } })
  assert.equal(good(put).issuer, `https://${domain}`)
  assert.equal(good(await call('GET', path)).issuer, `https://${domain}`)
})

test('a user is entered, invited, changed, reset, made inactive and removed', async () => {
  const user = await made('/users', { user_name: 'Ana', email: 'ana@acme.example' })
  const path = at(`/users/${user.id}`)
  const before = await ground.mails()
  good(await call('POST', `${path}/invitation`))
  await until(async () => (await ground.mails()) === before + 1)
  const tag = (await call('GET', path)).headers.get('etag') ?? ''
  const change = (condition: string, body: object) =>
    call('PATCH', path, body, { headers: { 'if-match': condition } })
  assert.equal(good(await change(tag, { display_name: 'Ana A.' })).display_name, 'Ana A.')
  assert.equal((await change(tag, { display_name: 'Other' })).status, 412)
  good(await call('POST', `${path}/password-reset`))
  await until(async () => (await ground.mails()) === before + 2)
  good(await call('POST', `${path}/factor-reset`))
  assert.equal(good(await call('PATCH', path, { active: false, email: null })).email, null)
  assert.equal((await call('POST', `${path}/password-reset`)).status, 409)
  assert.equal((await call('GET', `${path}/authority`)).status, 404)
  const stale = { headers: { 'if-match': tag } }
  assert.equal((await call('DELETE', path, undefined, stale)).status, 412)
  good(await call('DELETE', path))
  assert.equal((await call('GET', path)).status, 404)
  const { items } = good(await call('GET', at('/revocations')))
  const kinds = items.filter(({ id }: { id: string }) => id === user.id)
  // Two resets, made inactive, removed.
  assert.equal(kinds.length, 4)
  for (const { kind } of kinds) assert.equal(kind, 'user')
})

test('users are listed page by page, each once, and found by name', async () => {
  const ids = new Set<string>()
  for (let n = 0; n < 7; n += 1) ids.add((await made('/users', { user_name: `page-${n}` })).id)
  const seen: string[] = []
  let next: string | undefined = at('/users?limit=3')
  while (next !== undefined) {
    const page = await call('GET', next)
    seen.push(...good(page).items.map(({ id }: { id: string }) => id))
    next = /<([^>]+)>/.exec(page.headers.get('link') ?? '')?.[1]
  }
  assert.equal(new Set(seen).size, seen.length)
  for (const id of ids) assert.ok(seen.includes(id))
  const found = good(await call('GET', at('/users?user_name=PAGE-3'))).items
  assert.deepEqual(
    found.map(({ user_name }: { user_name: string }) => user_name),
    ['page-3'],
  )
})

test('what a user may comes from roles, groups and overrides that were bound', async () => {
  const { id: user } = await made('/users', { user_name: 'bea' })
  const { id: group } = await made('/groups', { display_name: 'Ward', members: [user] })
  good(await call('PUT', at('/roles/nurse'), { scopes: ['read'] }))
  good(await call('PUT', at('/roles/doctor'), { scopes: ['write'], includes: ['nurse'] }))
  good(await call('PUT', at('/bindings'), { group, role: 'doctor' }))
  const withheld = { user, role: 'doctor', place: 'ward/north', effect: 'withhold' }
  good(await call('PUT', at('/bindings'), withheld))
  const authority = async () => good(await call('GET', at(`/users/${user}/authority`)))
  assert.deepEqual(await authority(), {
    roles: ['doctor', 'nurse'],
    scopes: ['read', 'write'],
    placed_roles: ['!doctor@ward/north', '!nurse@ward/north'],
  })
  const { items } = good(await call('GET', at(`/bindings?user=${user}`)))
  assert.deepEqual(items, [{ role: 'doctor', place: 'ward/north', effect: 'withhold' }])
  good(await call('DELETE', at(`/bindings?user=${user}&role=doctor&place=ward/north`)))
  good(await call('DELETE', at(`/groups/${group}/members/${user}`)))
  assert.deepEqual((await authority()).roles, [])
  const again = good(await call('PUT', at(`/groups/${group}/members/${user}`)))
  assert.deepEqual(again.members, [user])
  assert.equal((await call('PUT', at('/roles/nurse'), { includes: ['doctor'] })).status, 409)
  assert.equal((await call('PUT', at('/bindings'), { role: 'nurse' })).status, 400)
  assert.equal((await call('PUT', at('/bindings'), { user, group, role: 'nurse' })).status, 400)
  for (const role of ['nurse', 'doctor']) good(await call('DELETE', at(`/roles/${role}`)))
  const tag = (await call('GET', at(`/groups/${group}`))).headers.get('etag') ?? ''
  const rename = { display_name: 'Ward 1' }
  const condition = { headers: { 'if-match': tag } }
  good(await call('PATCH', at(`/groups/${group}`), rename, condition))
  assert.equal((await call('PATCH', at(`/groups/${group}`), rename, condition)).status, 412)
  good(await call('DELETE', at(`/groups/${group}`)))
})

test('a client’s secret is told once, also when it is asked for again, and works', async () => {
  const body = { client: 'robot', scopes: ['read'] }
  const first = await call('POST', at('/clients'), body, keyed('robot'))
  const { secret } = good(first)
  assert.match(secret, /^rfc_/)
  const again = await call('POST', at('/clients'), body, keyed('robot'))
  assert.equal(again.text, first.text)
  const other = await ground.operator('colleague')
  const stolen = await call('POST', at('/clients'), body, { ...keyed('robot'), token: other })
  assert.equal(stolen.status, 409)
  assert.ok(!stolen.text.includes(secret))
  assert.equal(await tokenFor('robot', secret), 200)
  assert.ok(!(await call('GET', at('/clients/robot'))).text.includes(secret))
  const replaced = good(await call('PUT', at('/clients/robot'), { scopes: ['read'] }))
  assert.equal(await tokenFor('robot', secret), 401)
  assert.equal(await tokenFor('robot', replaced.secret), 200)
  good(await call('DELETE', at('/clients/robot')))
  assert.equal(await tokenFor('robot', replaced.secret), 401)
  assert.equal((await call('PUT', at('/clients/robot'), {})).status, 404)
  assert.equal((await call('DELETE', at('/clients/robot'))).status, 404)
})

test('a client that was refused is not replaced by the same call under the same key', async () => {
  const { secret } = await made('/clients', { client: 'taken' })
  for (let turn = 0; turn < 3; turn += 1) {
    const refused = await call('POST', at('/clients'), { client: 'taken' }, keyed('take-it'))
    assert.equal(refused.status, 409)
  }
  assert.equal(await tokenFor('taken', secret), 200)
})

test('clients register themselves only with a token, and where the settings say so', async () => {
  const ask = () => call('POST', at('/registration-tokens'), { seconds: 600 })
  assert.equal((await ask()).status, 409)
  const { settings } = good(await call('GET', at('/realm')))
  const open = { ...settings, registration: { enabled: true, redirectHosts: ['app.acme.example'] } }
  good(await call('PUT', at('/realm/settings'), { settings: open }))
  const { token } = good(await ask())
  const register = (bearer: string) =>
    fetch(`${ground.origin}/realms/acme/reg`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        redirect_uris: ['https://app.acme.example/cb'],
        token_endpoint_auth_method: 'none',
      }),
    })
  assert.equal((await register('nothing')).status, 401)
  const registered = await register(token)
  assert.equal(registered.status, 201, await registered.clone().text())
  const { client_id } = (await registered.json()) as { client_id: string }
  const shown = good(await call('GET', at(`/clients/${client_id}`)))
  assert.equal(shown.registered, true)
  good(await call('DELETE', at(`/clients/${client_id}`)))
  good(await call('PUT', at('/realm/settings'), { settings }))
})

test('a connection is made with an allowed provider, tried with a sample, and removed', async () => {
  const issuer = 'https://idp.example'
  const path = at('/connections/corporate')
  const config = { issuer, clientId: 'ours', provisioning: 'create' }
  const wanted = { kind: 'oidc', display_name: 'Corporate', config, client_secret: 'x'.repeat(20) }
  assert.equal((await call('PUT', path, wanted)).status, 400)
  good(await call('PUT', at('/sources'), { kind: 'oidc', source: issuer }))
  const put = await call('PUT', path, wanted)
  assert.equal(good(put).config.issuer, issuer)
  assert.ok(!put.text.includes(wanted.client_secret))
  const tag = put.headers.get('etag') ?? ''
  const disable = { ...wanted, enabled: false }
  good(await call('PUT', path, disable, { headers: { 'if-match': tag } }))
  assert.equal((await call('PUT', path, disable, { headers: { 'if-match': tag } })).status, 412)
  const setup = good(await call('GET', `${path}/setup`))
  assert.match(setup.redirect_uri, /\/federation\/corporate\/callback$/)
  const claims = { sub: 'x', email: 'cid@acme.example', name: 'Cid', shoe_size: 44 }
  const run = good(await call('POST', `${path}/dry-run`, { claims }))
  assert.equal(run.result, 'created')
  assert.ok(run.ignored.includes('shoe_size'))
  assert.equal((await call('POST', `${path}/dry-run`, {})).status, 400)
  const claim = good(
    await call('POST', at('/domains'), { domain: 'acme.invalid', connection: 'corporate' }),
  )
  assert.match(claim.record_value, /^ringfence-domain-verification=/)
  const verified = await call('POST', at('/domains/acme.invalid/verification'), {
    connection: 'corporate',
  })
  assert.equal(verified.status, 409)
  good(await call('DELETE', at('/domains/acme.invalid?connection=corporate')))
  good(await call('DELETE', path))
  good(await call('DELETE', at(`/sources?kind=oidc&source=${issuer}`)))
  assert.deepEqual(good(await call('GET', at('/connections'))).items, [])
})

test('a token for provisioning opens the realm’s SCIM server until it is taken back', async () => {
  const { token, secret } = await made('/scim-tokens', { name: 'Entra', days: 30 })
  const users = () =>
    fetch(`${ground.origin}/realms/acme/scim/v2/Users`, {
      headers: { authorization: `Bearer ${secret}` },
    })
  assert.equal((await users()).status, 200)
  const listed = await call('GET', at('/scim-tokens'))
  assert.ok(!listed.text.includes(secret))
  good(await call('DELETE', at(`/scim-tokens/${token.id}`)))
  assert.equal((await users()).status, 401)
})

test('API keys of users are listed and taken back', async () => {
  const { id } = await made('/users', { user_name: 'keyholder' })
  const key = { label: 'CI', scopes: [], days: 30 }
  const { id: one, secret } = await ground.identity.realms.createApiKey(acme, parseSubject(id), key)
  const listed = await call('GET', at(`/users/${id}/api-keys`))
  assert.equal(good(listed).items[0].id, one)
  assert.ok(!listed.text.includes(secret))
  good(await call('DELETE', at(`/users/${id}/api-keys/${one}`)))
  assert.deepEqual(good(await call('GET', at(`/users/${id}/api-keys`))).items, [])
})

test('sessions are listed, and ended one by one, by user and device, client, and all', async () => {
  const signedIn = async (id: string, user: string, device: string) => {
    await ground.site.ask(
      `insert into identity.session
         (tenant, id, subject, cookie, device, started_at, signed_in_at, expires_at)
       values ('acme', $1, $2, $1, $3, now(), date_trunc('second', now()), now() + interval '1 hour')`,
      [id, user, device],
    )
    await ground.site.ask(
      `insert into identity.session_client (tenant, session, client, sid)
       values ('acme', $1, 'app', 'sid-of-' || $1)`,
      [id],
    )
  }
  const left = async () =>
    good(await call('GET', at('/sessions'))).items.map(({ id }: { id: string }) => id)
  await signedIn('s1', 'ana', 'Firefox on Linux')
  await signedIn('s2', 'ana', 'Safari on iPhone')
  await signedIn('s3', 'bob', 'Firefox on Linux')
  await signedIn('s4', 'bob', 'Firefox on Linux')
  assert.equal((await left()).length, 4)
  const pages: string[] = []
  for (let next: string | undefined = at('/sessions?limit=1'); next !== undefined; ) {
    const page = await call('GET', next)
    pages.push(...good(page).items.map(({ id }: { id: string }) => id))
    next = /<([^>]+)>/.exec(page.headers.get('link') ?? '')?.[1]
  }
  assert.deepEqual(pages.toSorted(), ['s1', 's2', 's3', 's4'])
  const bySid = good(await call('GET', at('/sessions/sid-of-s3')))
  assert.equal(bySid.user, 'bob')
  good(await call('DELETE', at('/sessions/s3')))
  assert.equal((await call('DELETE', at('/sessions/s3'))).status, 404)
  const device = encodeURIComponent('Firefox on Linux')
  const ended = good(await call('DELETE', at(`/sessions?user=ana&device=${device}`)))
  assert.equal(ended.sessions, 1)
  assert.deepEqual((await left()).toSorted(), ['s2', 's4'])
  for (const query of ['', '?device=x', '?user=a&client=b', '?all=no']) {
    assert.equal((await call('DELETE', at(`/sessions${query}`))).status, 400, query)
  }
  good(await call('DELETE', at('/sessions?user=ana')))
  assert.deepEqual(await left(), ['s4'])
  good(await call('DELETE', at('/sessions?all=true')))
  assert.deepEqual(await left(), [])
})

test('what is revoked is told to every plane, each kind, with who and why recorded', async () => {
  const { id: user } = await made('/users', { user_name: 'revoked' })
  const asked = [
    { kind: 'token', id: 'jti-1' },
    { kind: 'session', id: 'sid-1' },
    { kind: 'user', id: user },
    { kind: 'client', id: 'app' },
    { kind: 'tenant' },
  ]
  for (const what of asked) {
    const { status } = await call('POST', at('/revocations'), { ...what, why: 'stolen laptop' })
    assert.equal(status, 201)
  }
  for (const wrong of [{ kind: 'token' }, { kind: 'tenant', id: 'x' }, { kind: 'everything' }]) {
    const answer = await call('POST', at('/revocations'), { ...wrong, why: 'x' })
    assert.equal(answer.status, 400)
  }
  const { items } = good(await call('GET', at('/revocations?limit=5')))
  assert.deepEqual(
    items.map(({ kind, id }: { kind: string; id: string | null }) => [kind, id]),
    asked.toReversed().map(({ kind, id }) => [kind, id ?? null]),
  )
  const acts = await ground.site.ask<{ detail: object }>(
    "select detail from registry.act where action = 'revocation.create' and subject = 'acme'",
  )
  assert.equal(acts.length, asked.length)
  for (const { detail } of acts) assert.match(JSON.stringify(detail), /stolen laptop/)
})

test('the record says who did what to whom, and holds no name, address or secret', async () => {
  const canary = 'canary-of-a-person'
  const user = { user_name: canary, email: `${canary}@acme.example`, display_name: canary }
  const { id } = await made('/users', user)
  const { secret } = await made('/clients', { client: 'recorded' })
  const acts = await ground.site.ask<{ action: string; actor: string; detail: object }>(
    "select action, actor, detail from registry.act where subject = 'acme' order by id",
  )
  const last = acts.at(-2)
  assert.deepEqual([last?.action, last?.actor], ['user.create', 'bootstrap'])
  assert.deepEqual(last?.detail, { fields: ['display_name', 'email', 'user_name'] })
  const tables = await ground.site.ask<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname in ('registry', 'dbos', 'approvals', 'snapshot')`,
  )
  for (const { name } of tables) {
    for (const secretText of [canary, String(secret)]) {
      const found = await ground.site.ask(
        `select 1 from ${name} t where strpos(t::text, $1) > 0 limit 1`,
        [secretText],
      )
      assert.deepEqual(found, [], name)
    }
  }
  assert.ok(!ground.logged.some((line) => line.includes(canary) || line.includes(String(secret))))
  good(await call('DELETE', at(`/users/${id}`)))
})
