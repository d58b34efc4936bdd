import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseServiceName, parseSubject } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import { forge } from './forge.test-support.ts'
import { SigningKey } from './signing-key.ts'
import { signContext, type TenantContext, verifyContext } from './tenant-context.ts'
import { KeySet } from './verify-token.ts'

const gatewayKey = await SigningKey.create('ES256')
const controlKey = await SigningKey.create('ES256')
const keys = {
  request: new KeySet([gatewayKey.publicJwk]),
  job: new KeySet([controlKey.publicJwk]),
}
const clinic = parseServiceName('clinic')
const context: TenantContext = {
  kind: 'request',
  tenant: parseTenantId('acme'),
  service: clinic,
  subject: parseSubject('ann'),
  scopes: ['read'],
  roles: [],
  requestId: 'r-1',
}
const invalid = { code: 'invalid_token', message: 'the token is not valid' }

test('a context says to its service what was signed, for requests and for jobs', async () => {
  for (const [kind, key] of [
    ['request', gatewayKey],
    ['job', controlKey],
  ] as const) {
    const token = await signContext(key, { ...context, kind }, 60)
    const { id, issuedAt, expiresAt, ...read } = await verifyContext(token, keys, clinic)
    assert.deepEqual(read, { ...context, kind })
    assert.ok(issuedAt.getTime() <= Date.now())
    assert.ok(id.length > 10 && expiresAt.getTime() > Date.now())
  }
})

test('a context says of session, sign-in, actor and token what the access token said', async () => {
  const whole: TenantContext = {
    ...context,
    session: 's-1',
    acr: 'urn:ringfence:acr:2',
    amr: ['pwd', 'otp'],
    authenticatedAt: new Date(1_700_000_000_000),
    placedRoles: ['chief@ward-3', '!nurse@ward-4'],
    actor: { subject: parseSubject('support:kim'), client: 'console' },
    origin: { id: 't-1', client: 'web', issuedAt: new Date(1_700_000_001_000) },
  }
  const token = await signContext(gatewayKey, whole, 60)
  const { id: _, issuedAt: __, expiresAt: ___, ...read } = await verifyContext(token, keys, clinic)
  assert.deepEqual(read, whole)
})

test('a context that has long ended still says what it allowed when it was issued, if that is asked', async () => {
  const now = Math.floor(Date.now() / 1000)
  const at = (iat: number, seconds = 60, change: object = {}) =>
    forge(
      gatewayKey,
      { alg: 'ES256', typ: 'rf-context+jwt', kid: gatewayKey.publicJwk.kid },
      {
        ...{ iss: 'ringfence-gateway', aud: 'clinic', sub: 'ann', tenant_id: 'acme', roles: [] },
        ...{ scope: 'read', request_id: 'r-1', iat, exp: iat + seconds, jti: 'j', ...change },
      },
    )
  const long = at(now - 86_400)
  await assert.rejects(verifyContext(long, keys, clinic), invalid)
  const { tenant, expiresAt } = await verifyContext(long, keys, clinic, 'issue')
  assert.equal(tenant, 'acme')
  assert.equal(expiresAt.getTime(), (now - 86_400 + 60) * 1000)
  for (const wrong of [
    at(now + 60),
    at(now - 86_400, 61),
    at(now - 86_400, 60, { aud: 'shop' }),
    at(now - 86_400, 60, { iat: undefined }),
    `${long.slice(0, -6)}AAAAAA`,
  ]) {
    await assert.rejects(verifyContext(wrong, keys, clinic, 'issue'), invalid)
  }
})

test('a context is refused by another service', async () => {
  const token = await signContext(gatewayKey, context, 60)
  await assert.rejects(verifyContext(token, keys, parseServiceName('billing')), invalid)
})

test('neither key signs the other kind', async () => {
  const job = await signContext(gatewayKey, { ...context, kind: 'job' }, 60)
  await assert.rejects(verifyContext(job, keys, clinic), invalid)
  const request = await signContext(controlKey, context, 60)
  await assert.rejects(verifyContext(request, keys, clinic), invalid)
})

test('a context cannot be signed for longer than its kind may live', async () => {
  for (const seconds of [0, -1, 61, Number.NaN]) {
    await assert.rejects(signContext(gatewayKey, context, seconds), { code: 'invalid_argument' })
  }
  await assert.rejects(signContext(controlKey, { ...context, kind: 'job' }, 3_601), {
    code: 'invalid_argument',
  })
})

const now = Math.floor(Date.now() / 1000)
const header = { alg: 'ES256', typ: 'rf-context+jwt', kid: gatewayKey.publicJwk.kid }
const claims = {
  iss: 'ringfence-gateway',
  aud: 'clinic',
  sub: 'ann',
  tenant_id: 'acme',
  scope: 'read',
  roles: [],
  request_id: 'r-1',
  iat: now,
  exp: now + 60,
  jti: 'one',
}
const wrong: Readonly<Record<string, readonly [object, object]>> = {
  'a request that lives like a job': [header, { exp: now + 3_600 }],
  'the issuer of jobs': [header, { iss: 'ringfence-control' }],
  'a header that names both types': [{ ...header, also: 'rf-job+jwt' }, {}],
  'an access token': [{ ...header, typ: 'at+jwt' }, {}],
  'an unknown scope': [header, { scope: 'read admin' }],
  'a scope twice': [header, { scope: 'read read' }],
  'no scope': [header, { scope: '' }],
  'two tenants': [header, { tenant_id: ['acme', 'globex'] }],
  'no request id': [header, { request_id: '' }],
  'an origin without a time': [header, { origin: { jti: 't', client_id: 'web' } }],
  'an origin of its own making': [
    header,
    { origin: { jti: 't', client_id: 'web', iat: 1, also: 1 } },
  ],
  'a session that is a list': [header, { sid: ['a', 'b'] }],
  'an actor without a name': [header, { act: {} }],
  'several services': [header, { aud: ['clinic', 'billing'] }],
}
for (const [what, [head, change]] of Object.entries(wrong)) {
  test(`${what}: refused`, async () => {
    const token = forge(gatewayKey, head, { ...claims, ...change })
    await assert.rejects(verifyContext(token, keys, clinic), invalid)
  })
}
