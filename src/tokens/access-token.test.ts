import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSubject } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import { type Access, claimedAccess, signAccessToken, verifyAccessToken } from './access-token.ts'
import { forge } from './forge.test-support.ts'
import { SigningKey } from './signing-key.ts'
import { KeySet } from './verify-token.ts'

const key = await SigningKey.create('ES256')
const keys = new KeySet([key.publicJwk])
const realm = { issuer: 'https://id.example/acme', audience: 'https://api.example' }
const access: Access = {
  tenant: parseTenantId('acme'),
  subject: parseSubject('ann'),
  client: 'web',
  scopes: ['read', 'write'],
  roles: ['nurse'],
}
const now = Math.floor(Date.now() / 1000)
const claims = {
  iss: realm.issuer,
  aud: realm.audience,
  sub: 'ann',
  client_id: 'web',
  tenant_id: 'acme',
  scope: 'read',
  roles: [],
  iat: now,
  exp: now + 300,
  jti: 'one',
}
const header = { alg: 'ES256', typ: 'at+jwt', kid: key.publicJwk.kid }

test('what is signed is what is read, and what it claims', async () => {
  const token = await signAccessToken(key, realm, access)
  const { id, issuedAt, expiresAt, ...read } = await verifyAccessToken(token, keys, realm)
  assert.deepEqual(read, access)
  assert.ok(id.length > 10)
  assert.ok(expiresAt.getTime() > Date.now())
  assert.equal(issuedAt.getTime(), expiresAt.getTime() - 300_000)
  const facts = { id, issuedAt, expiresAt, issuer: realm.issuer }
  assert.deepEqual(claimedAccess(token), { ...access, ...facts })
})

test('of a sign-in is read what was signed: session, time, factors, places, actors, key', async () => {
  const whole: Access = {
    ...access,
    session: 's-1',
    acr: 'urn:ringfence:acr:2',
    amr: ['pwd', 'otp'],
    authenticatedAt: new Date(1_700_000_000_000),
    placedRoles: ['chief@ward-3', '!nurse@ward-4'],
    actor: {
      subject: parseSubject('svc'),
      client: 'batch',
      actor: { subject: parseSubject('support:kim') },
    },
    boundTo: 'A'.repeat(43),
  }
  const token = await signAccessToken(key, realm, whole)
  const {
    id: _,
    issuedAt: __,
    expiresAt: ___,
    ...read
  } = await verifyAccessToken(token, keys, realm)
  assert.deepEqual(read, whole)
})

const chain = (hops: number): object =>
  hops === 1 ? { sub: 'a' } : { sub: 'a', act: chain(hops - 1) }

test('a chain of four actors is read', async () => {
  const token = forge(key, header, { ...claims, act: chain(4) })
  assert.ok((await verifyAccessToken(token, keys, realm)).actor?.actor?.actor?.actor)
})

const wrong: Readonly<Record<string, object>> = {
  'no tenant': { tenant_id: undefined },
  'a tenant in capitals': { tenant_id: 'ACME' },
  'a list of tenants': { tenant_id: ['acme', 'globex'] },
  'a tenant that is a number': { tenant_id: 1 },
  'a subject with a line break': { sub: 'ann\nroot' },
  'a subject in other letters': { sub: 'аnn' },
  'no client': { client_id: undefined },
  'scopes as a list': { scope: ['read'] },
  'no scopes': { scope: undefined },
  'roles as text': { roles: 'admin' },
  'a role that is a number': { roles: [1] },
  'an id that is a number': { jti: 1 },
  'a session that is a list': { sid: ['a'] },
  'a session with a line break': { sid: 'a\nb' },
  'a time of sign-in that is text': { auth_time: '1700000000' },
  'factors as text': { amr: 'pwd' },
  'a level of sign-in that is a list': { acr: ['urn:ringfence:acr:2'] },
  'placed roles as text': { placed_roles: 'chief@ward-3' },
  'more placed roles than a token holds': {
    placed_roles: Array.from({ length: 101 }, (_, n) => `r@${n}`),
  },
  'an actor that is text': { act: 'kim' },
  'an actor without a name': { act: { client_id: 'web' } },
  'an actor with more to it': { act: { sub: 'kim', tenant_id: 'globex' } },
  'a chain of five actors': { act: chain(5) },
  'a key in another way': { cnf: { 'x5t#S256': 'A'.repeat(43) } },
  'a key in two ways': { cnf: { jkt: 'A'.repeat(43), jwk: {} } },
  'a thumbprint that is none': { cnf: { jkt: 'A' } },
  'a key that is nothing': { cnf: null },
  'more roles than anybody has': { roles: Array.from({ length: 51 }, (_, n) => `r${n}`) },
}
for (const [what, change] of Object.entries(wrong)) {
  test(`${what}: refused, and no claim is read`, async () => {
    const token = forge(key, header, { ...claims, ...change })
    await assert.rejects(verifyAccessToken(token, keys, realm), {
      code: 'invalid_token',
      message: 'the token is not valid',
    })
    assert.equal(claimedAccess(token), undefined)
  })
}

test('a realm does not accept the token of another', async () => {
  const token = await signAccessToken(
    key,
    { ...realm, issuer: 'https://id.example/globex' },
    access,
  )
  await assert.rejects(verifyAccessToken(token, keys, realm), { code: 'invalid_token' })
})

test('a token that would live longer than any may is refused', async () => {
  const token = await signAccessToken(key, realm, access, 901)
  await assert.rejects(verifyAccessToken(token, keys, realm), { code: 'invalid_token' })
})

test('nothing is claimed by what is no token', () => {
  for (const text of ['', 'a.b.c', '..', 'null']) assert.equal(claimedAccess(text), undefined)
})
