import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGrantId, parseSubject } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import { grantSubject, sourceOf } from './delegation.ts'
import { type SignIn, signInClaims, signInIn, signInOf } from './sign-in-claims.ts'

const grant = parseGrantId('gr-aaaaaaaaaaaaaaaaaaaa')
const whole: SignIn = {
  session: grant,
  actor: { issuer: 'https://id.example/globex', subject: parseSubject('kim') },
  delegation: {
    grant,
    grantee: parseTenantId('globex'),
    source: { id: 'home-1', client: 'web', session: 's-1', issuedAt: new Date(1_700_000_000_000) },
  },
}

test('what is said of a delegation is what is read, in tokens and in contexts', () => {
  const claims = signInClaims(whole)
  assert.deepEqual(signInOf(claims), whole)
  assert.deepEqual(signInIn(signInOf(claims)), whole)
  assert.deepEqual(claims['act'], { iss: 'https://id.example/globex', sub: 'kim' })
  assert.equal(claims['grant_id'], grant)
})

test('half of one is refused, whichever half', () => {
  const claims = signInClaims(whole)
  for (const name of ['act', 'grant_id', 'grantee']) {
    assert.throws(() => signInOf({ ...claims, [name]: undefined }), name)
  }
  assert.throws(() => signInOf({ ...claims, act: { sub: 'kim' } }))
  assert.throws(() => signInOf({ ...claims, grant_id: 'gr-short' }))
  assert.throws(() => signInOf({ ...claims, grantee: { tenant_id: 'globex' } }))
})

test('it goes on being good only as long as what it came of at home', () => {
  assert.deepEqual(sourceOf(whole), {
    tenant: 'globex',
    subject: 'kim',
    ...whole.delegation?.source,
  })
  assert.equal(sourceOf({}), undefined)
  assert.equal(grantSubject(grant), `grant:${grant}`)
})
