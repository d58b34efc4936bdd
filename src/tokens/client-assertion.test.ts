import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseClientId } from '../core/names.ts'
import { signClientAssertion, UsedAssertions, verifyClientAssertion } from './client-assertion.ts'
import { forge } from './forge.test-support.ts'
import { SigningKey } from './signing-key.ts'
import { KeySet } from './verify-token.ts'

const AUDIENCE = 'ringfence-vending'
const web = parseClientId('clinic-web')
const worker = parseClientId('clinic-worker')
const webKey = await SigningKey.create('ES256')
const workerKey = await SigningKey.create('ES256')
const sets = new Map([
  [web, new KeySet([webKey.publicJwk])],
  [worker, new KeySet([workerKey.publicJwk])],
])
const verify = (assertion: string, used = new UsedAssertions(), audience = AUDIENCE) =>
  verifyClientAssertion(assertion, audience, (client) => sets.get(client), used)
const invalid = { code: 'invalid_token', message: 'the token is not valid' }

test('a workload shows who it is once with each assertion', async () => {
  const used = new UsedAssertions()
  const assertion = await signClientAssertion(webKey, web, AUDIENCE)
  assert.equal(await verify(assertion, used), web)
  await assert.rejects(verify(assertion, used), invalid)
  assert.equal(await verify(await signClientAssertion(webKey, web, AUDIENCE), used), web)
})

test('of two uses at the same moment one is refused', async () => {
  const used = new UsedAssertions()
  const assertion = await signClientAssertion(webKey, web, AUDIENCE)
  const results = await Promise.allSettled([verify(assertion, used), verify(assertion, used)])
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
})

test('a clock that was set forward, and right again, lets no assertion be used twice', async (t) => {
  const now = Date.now()
  t.mock.timers.enable({ apis: ['Date'], now })
  const used = new UsedAssertions()
  const assertion = await signClientAssertion(webKey, web, AUDIENCE)
  assert.equal(await verify(assertion, used), web)
  t.mock.timers.setTime(now + 3_600_000)
  assert.equal(await verify(await signClientAssertion(webKey, web, AUDIENCE), used), web)
  t.mock.timers.setTime(now + 1_000)
  await assert.rejects(verify(assertion, used), invalid)
  assert.equal(await verify(await signClientAssertion(webKey, web, AUDIENCE), used), web)
})

test('an assertion that was refused is not used up', async () => {
  const used = new UsedAssertions()
  const assertion = await signClientAssertion(webKey, web, AUDIENCE)
  await assert.rejects(verify(assertion, used, 'elsewhere'), invalid)
  assert.equal(await verify(assertion, used), web)
})

test('the key of one workload does not speak for another, and neither for none', async () => {
  await assert.rejects(verify(await signClientAssertion(webKey, worker, AUDIENCE)), invalid)
  const nobody = parseClientId('nobody')
  await assert.rejects(verify(await signClientAssertion(webKey, nobody, AUDIENCE)), invalid)
})

test('an assertion for another audience is refused', async () => {
  await assert.rejects(verify(await signClientAssertion(webKey, web, 'ringfence-control')), invalid)
})

test('issuer and subject are the same, and one client', async () => {
  const now = Math.floor(Date.now() / 1000)
  const header = { alg: 'ES256', typ: 'client-authentication+jwt', kid: webKey.publicJwk.kid }
  const claims = { iss: web, sub: web, aud: AUDIENCE, iat: now, exp: now + 30, jti: 'one' }
  assert.equal(await verify(forge(webKey, header, claims)), web)
  for (const change of [
    { sub: worker },
    { iss: worker },
    { iss: [web] },
    { iss: 'https://clinic-web' },
    { exp: now + 61 },
    { jti: undefined },
  ]) {
    await assert.rejects(verify(forge(webKey, header, { ...claims, ...change })), invalid)
  }
  await assert.rejects(verify(forge(webKey, { ...header, typ: 'JWT' }, claims)), invalid)
})

test('what is no token is refused alike', async () => {
  for (const text of ['', 'a', 'a.b.c', '..', 'e30.bnVsbA.e30']) {
    await assert.rejects(verify(text), invalid)
  }
})
