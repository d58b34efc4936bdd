import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { parse, stringify } from 'yaml'
import { furnishRealm } from '../control/api/realm-calls.test-support.ts'
import type { TenantId } from '../core/tenant.ts'
import { type ServedControl, servedControl } from './served-control.test-support.ts'

const json = (text: string) => JSON.parse(text)

/** The control API with a tenant that has one of everything. */
async function acme(t: TestContext): Promise<ServedControl> {
  const control = await servedControl(t)
  const create = ['tenants', 'create', 'acme', '--region', 'eu-west', '--wait']
  assert.equal((await control.run(...create)).code, 0)
  furnishRealm(control.plane)
  return control
}

async function good(control: ServedControl, ...args: readonly string[]) {
  const { code, out, err } = await control.run(...args, '-o', 'json')
  assert.equal(code, 0, `${args.join(' ')}: ${err}`)
  return json(out)
}

describe('ringfence realms', () => {
  test('set changes what it names and keeps the rest, from the settings as they are', async (t) => {
    const control = await acme(t)
    await good(control, 'realms', 'set', 'acme', 'accessTokenSeconds=60', 'session.idleSeconds=600')
    const { settings } = await good(control, 'realms', 'get', 'acme')
    const wanted = { mfa: 'optional', accessTokenSeconds: 60, session: { idleSeconds: 600 } }
    assert.deepEqual(settings, wanted)
    const hosts = 'registration.redirectHosts=[a.example, b.example]'
    await good(control, 'realms', 'set', 'acme', hosts, 'accessTokenSeconds=')
    const after = (await good(control, 'realms', 'get', 'acme')).settings
    assert.deepEqual(after.registration, { redirectHosts: ['a.example', 'b.example'] })
    assert.ok(!('accessTokenSeconds' in after))
    const long = `registration.scopes=[${'scope-of-some-length, '.repeat(8)}x]`
    await good(control, 'realms', 'set', 'acme', long)
    assert.doesNotMatch((await control.run('realms', 'get', 'acme')).out, /\ufffd/)
    const file = join(control.state, 'settings.yaml')
    writeFileSync(file, stringify({ mfa: 'required' }))
    assert.deepEqual((await good(control, 'realms', 'set', 'acme', '-f', file)).settings, {
      mfa: 'required',
    })
    for (const args of [[], ['mfa'], ['=x'], ['a..b=1'], ['a=[']]) {
      assert.equal((await control.run('realms', 'set', 'acme', ...args)).code, 2, args.join())
    }
  })

  test('set writes over nothing that somebody else changed meanwhile', async (t) => {
    const control = await acme(t)
    control.instead.push(async (_request, answer) => {
      const before = await answer()
      const realm = control.plane.realmsByTenant.get('acme' as TenantId)
      realm?.handlers.putRealmSettings({ settings: { mfa: 'required' } })
      return before
    })
    const { code, err } = await control.run('realms', 'set', 'acme', 'mfa=optional')
    assert.equal(code, 2)
    assert.match(err, /changed since it was read/)
  })

  test('rotate-keys asks first, and says whether keys are replaced', async (t) => {
    const control = await acme(t)
    const acts = () => control.plane.acts.filter(({ what }) => what === 'keys acme').length
    const refused = await control.runAs({ answer: 'no' }, 'realms', 'rotate-keys', 'acme')
    assert.deepEqual([refused.code, acts()], [2, 0])
    const rotate = ['realms', 'rotate-keys', 'acme', '--compromised']
    assert.equal((await control.runAs({ answer: 'acme' }, ...rotate)).code, 0)
    assert.equal(acts(), 1)
  })
})

describe('ringfence users, groups and roles', () => {
  test('a user is entered and invited, changed, reset and removed', async (t) => {
    const control = await acme(t)
    const create = ['users', 'create', 'acme', '--email', 'bob@acme.example', '--name', 'Bob']
    const { id } = await good(control, ...create, '--invite')
    assert.ok(control.plane.acts.some(({ what }) => what === 'user.invite acme'))
    const changed = await good(
      control,
      'users',
      'update',
      'acme',
      id,
      '--name',
      '',
      '--active',
      'no',
    )
    assert.deepEqual([changed.display_name, changed.active], [null, false])
    assert.equal((await control.run('users', 'update', 'acme', id)).code, 2)
    assert.equal((await control.run('users', 'reset', 'acme', id)).code, 2)
    await good(control, 'users', 'reset', 'acme', id, '--password', '--factors')
    assert.equal((await good(control, 'users', 'list', 'acme')).length, 2)
    const refused = await control.runAs({ answer: 'yes' }, 'users', 'remove', 'acme', id)
    assert.equal(refused.code, 2)
    await good(control, 'users', 'remove', 'acme', id)
    const gone = await control.run('users', 'get', 'acme', id)
    assert.equal(gone.code, 2)
    assert.equal(gone.err.trimEnd().split('\n').length, 1)
    assert.match((await control.run('users', 'authority', 'acme', 'alice')).out, /roles +nurse/)
  })

  test('what others wrote into a name moves no cursor of a terminal', async (t) => {
    const control = await acme(t)
    const realm = control.plane.realmsByTenant.get('acme' as TenantId)
    const alice = realm?.users.get('alice')
    assert.ok(realm && alice)
    realm.users.put({ ...alice, display_name: 'A\u001b[2J\u202egnp.exe' })
    const { out } = await control.run('users', 'list', 'acme')
    // oxlint-disable-next-line no-control-regex
    assert.doesNotMatch(out, /[\u001b\u202e]/)
  })

  test('lists are read to their end, or as far as --limit says', async (t) => {
    const control = await acme(t)
    const realm = control.plane.realmsByTenant.get('acme' as TenantId)
    for (let n = 0; n < 499; n += 1) realm?.handlers.createUser({ id: `u${n}`, user_name: `u${n}` })
    assert.equal((await good(control, 'users', 'list', 'acme')).length, 500)
    assert.equal((await good(control, 'users', 'list', 'acme', '--limit', '3')).length, 3)
  })

  test('groups and their members, roles and where they hold', async (t) => {
    const control = await acme(t)
    const { id } = await good(control, 'groups', 'create', 'acme', 'Ward 1', '--member', 'alice')
    assert.deepEqual((await good(control, 'groups', 'get', 'acme', id)).members, ['alice'])
    assert.deepEqual((await good(control, 'groups', 'drop', 'acme', id, 'alice')).members, [])
    assert.deepEqual((await good(control, 'groups', 'add', 'acme', id, 'bob')).members, ['bob'])
    const renamed = await good(control, 'groups', 'update', 'acme', id, '--name', 'Ward 2')
    assert.equal(renamed.display_name, 'Ward 2')
    await good(control, 'groups', 'remove', 'acme', id)
    const put = ['roles', 'put', 'acme', 'doctor', '--scope', 'write', '--include', 'nurse']
    assert.deepEqual((await good(control, ...put)).includes, ['nurse'])
    const bind = ['roles', 'bind', 'acme', 'doctor', '--user', 'alice', '--place', 'ward/1']
    assert.equal((await good(control, ...bind, '--withhold')).effect, 'withhold')
    assert.equal((await control.run('roles', 'bind', 'acme', 'doctor')).code, 2)
    assert.equal((await good(control, 'roles', 'bindings', 'acme', '--user', 'alice')).length, 2)
    const unbind = ['roles', 'unbind', 'acme', 'doctor', '--user', 'alice', '--place', 'ward/1']
    await good(control, ...unbind)
    await good(control, 'roles', 'remove', 'acme', 'doctor')
  })
})

describe('ringfence clients', () => {
  test('a secret is written once, to standard output', async (t) => {
    const control = await acme(t)
    const made = await control.run('clients', 'create', 'acme', 'robot', '--scope', 'read')
    assert.match(made.out, /secret +rfc_/)
    assert.match(made.err, /this once/)
    assert.doesNotMatch((await control.run('clients', 'get', 'acme', 'robot')).out, /rfc_/)
    assert.equal((await control.run('clients', 'create', 'acme', 'robot')).code, 2)
    const app = ['clients', 'replace', 'acme', 'app', '--grant', 'authorization_code']
    const uri = 'https://app.acme.example/cb'
    const { client } = await good(control, ...app, '--redirect-uri', uri, '--third-party')
    assert.deepEqual([client.redirect_uris, client.first_party], [[uri], false])
    const file = join(control.state, 'keys.json')
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), kid: 'k', alg: 'EdDSA' }
    writeFileSync(file, JSON.stringify({ keys: [jwk] }))
    const keyed = await good(control, 'clients', 'create', 'acme', 'signer', '--keys', file)
    assert.equal(keyed.secret, null)
    await good(control, 'clients', 'remove', 'acme', 'robot')
    const token = ['clients', 'registration-token', 'acme', '--for', '12h']
    assert.match((await good(control, ...token)).token, /^token-/)
  })
})

describe('ringfence connections and domains', () => {
  const manifest = (spec: object, more: object = {}) =>
    stringify({
      apiVersion: 'ringfence.dev/v1',
      kind: 'Connection',
      metadata: { name: 'partner' },
      spec,
      ...more,
    })
  const SPEC = { kind: 'oidc', config: { issuer: 'https://p.example' }, clientSecretFrom: 'SECRET' }

  test('apply takes a manifest, with its secret from the environment and nowhere else', async (t) => {
    const control = await acme(t)
    const file = join(control.state, 'partner.yaml')
    writeFileSync(file, manifest(SPEC))
    const apply = ['connections', 'apply', 'acme', '-f', file]
    const missing = await control.run(...apply)
    assert.equal(missing.code, 2)
    assert.match(missing.err, /SECRET is not set/)
    const environment = { SECRET: 'planted-secret-1' }
    const applied = await control.runAs({ environment }, ...apply, '-o', 'yaml')
    assert.equal(applied.code, 0, applied.err)
    assert.equal(parse(applied.out)[0].id, 'partner')
    assert.doesNotMatch(applied.out + applied.err, /planted-secret/)
    for (const bad of [
      manifest({ ...SPEC, clientSecret: 'planted-secret-2' }),
      manifest(SPEC, { kind: 'Application' }),
      manifest(SPEC, { metadata: {} }),
      '',
      'a: [',
    ]) {
      writeFileSync(file, bad)
      const { code, err } = await control.runAs({ environment }, ...apply)
      assert.equal(code, 2, bad)
      assert.equal(err.trimEnd().split('\n').length, 1)
      assert.doesNotMatch(err, /planted-secret/)
    }
  })

  test('a connection is listed, tried with a sample, and removed', async (t) => {
    const control = await acme(t)
    assert.match((await control.run('connections', 'list', 'acme')).out, /https:\/\/idp\.example/)
    const file = join(control.state, 'claims.json')
    writeFileSync(file, JSON.stringify({ sub: 'x' }))
    const tried = ['connections', 'test', 'acme', 'corporate']
    assert.equal((await good(control, ...tried, '--claims', file)).result, 'refused')
    assert.equal((await control.run(...tried)).code, 2)
    const setup = await control.run('connections', 'setup', 'acme', 'corporate')
    assert.match(setup.out, /redirect_uri +https:/)
    const allow = ['connections', 'allow', 'acme', 'saml', 'urn:idp']
    assert.equal((await good(control, ...allow)).length, 2)
    assert.equal((await good(control, 'connections', 'sources', 'acme')).length, 2)
    await good(control, 'connections', 'disallow', 'acme', 'saml', 'urn:idp')
    assert.equal((await control.run('connections', 'allow', 'acme', 'ldap', 'x')).code, 2)
    await good(control, 'connections', 'remove', 'acme', 'corporate')
  })

  test('a domain is claimed with the record that proves it, verified, and given up', async (t) => {
    const control = await acme(t)
    const of = ['acme', 'b.example', '--connection', 'corporate']
    assert.match(
      (await control.run('domains', 'add', ...of)).out,
      /_ringfence-challenge\.b\.example/,
    )
    assert.equal((await good(control, 'domains', 'verify', ...of)).verified, true)
    assert.equal((await good(control, 'domains', 'list', 'acme')).length, 2)
    await good(control, 'domains', 'remove', ...of)
  })
})

describe('ringfence scim-tokens, sessions, api-keys and revoke', () => {
  test('a token for provisioning is written once, and taken back', async (t) => {
    const control = await acme(t)
    const made = await good(control, 'scim-tokens', 'create', 'acme', 'Okta', '--days', '30')
    assert.match(made.secret, /^rfs_/)
    assert.doesNotMatch((await control.run('scim-tokens', 'list', 'acme')).out, /rfs_/)
    await good(control, 'scim-tokens', 'revoke', 'acme', made.token.id)
  })

  test('sessions are ended one by one or all of one kind, and never by a slip', async (t) => {
    const control = await acme(t)
    assert.match((await control.run('sessions', 'list', 'acme')).out, /Firefox on Linux/)
    for (const args of [[], ['--device', 'x'], ['s', '--user', 'a'], ['--user', 'a', '--all']]) {
      const { code } = await control.run('sessions', 'end', 'acme', ...args)
      assert.equal(code, 2, args.join(' '))
    }
    const refused = await control.runAs({ answer: 'y' }, 'sessions', 'end', 'acme', '--all')
    assert.equal(refused.code, 2)
    assert.equal((await good(control, 'sessions', 'end', 'acme', '--user', 'alice')).sessions, 1)
    const gone = await control.run('sessions', 'end', 'acme', 'session-1')
    assert.match(gone.err, /no such/)
  })

  test('API keys of a user are listed and taken back', async (t) => {
    const control = await acme(t)
    assert.equal((await good(control, 'api-keys', 'list', 'acme', 'alice')).length, 1)
    await good(control, 'api-keys', 'revoke', 'acme', 'alice', 'key-1')
  })

  test('each kind is revoked for a reason, after the word for it', async (t) => {
    const control = await acme(t)
    const before = control.plane.acts.length
    for (const kind of ['token', 'session', 'user', 'client']) {
      await good(control, 'revoke', kind, 'acme', 'x', '--why', 'stolen')
      assert.equal((await control.run('revoke', kind, 'acme', 'x')).code, 2)
      const args = ['revoke', kind, 'acme', 'x', '--why', 'stolen']
      assert.equal((await control.runAs({ answer: '' }, ...args)).code, 2)
    }
    await good(control, 'revoke', 'tenant', 'acme', '--why', 'stolen')
    await good(control, 'revoke', 'everything', '--why', 'stolen')
    assert.equal(control.plane.acts.length, before + 6)
    assert.match((await control.run('revoke', 'list', 'acme')).out, /user +alice/)
  })

  test('a name that would leave its place in the path is one name', async (t) => {
    const control = await acme(t)
    for (const name of ['..', '.', '../../blue/users/alice', 'a?b', 'a#b', '%2e%2e']) {
      await control.run('users', 'get', 'acme', name)
    }
    for (const line of control.requests.filter((one) => one.includes('/users/'))) {
      assert.match(line, /^GET \/v1\/tenants\/acme\/users\/[^/]+ (?:400|404)$/)
    }
  })
})
