import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { parseServiceName, parseSubject } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import type { Revocation } from '../revocation/revocation.ts'
import { verifyContext } from '../tokens/tenant-context.ts'
import { KeySet } from '../tokens/verify-token.ts'
import type { GatewayCheck } from './check.ts'
import { GATEWAY_CHECKS } from './checks.ts'
import { contextKey, type Door, openDoor, tokenOf, until } from './door.test-support.ts'

const ACME = parseTenantId('acme')
const PATH = '/t/acme/clinic/x'
const claims = { jti: 'token-1', sid: 'session-1', iat: Math.floor(Date.now() / 1000) - 10 }
const statusOf = async (door: Door, token: string, path = PATH) =>
  (await door.ask({ path, token })).status

const at = () => new Date()
const kinds: Readonly<Record<string, () => Revocation>> = {
  'the token': () => ({ kind: 'token', tenant: ACME, id: 'token-1', at: at() }),
  'its session': () => ({ kind: 'session', tenant: ACME, id: 'session-1', at: at() }),
  'its subject': () => ({ kind: 'subject', tenant: ACME, id: parseSubject('ann'), at: at() }),
  'its client': () => ({ kind: 'client', tenant: ACME, id: 'web', at: at() }),
  'its tenant': () => ({ kind: 'tenant', tenant: ACME, at: at() }),
  everything: () => ({ kind: 'everything', at: at() }),
}
for (const [what, revocation] of Object.entries(kinds)) {
  test(`once ${what} is revoked a token is refused, though it was verified a moment ago`, async (t) => {
    const door = await openDoor(t)
    const token = tokenOf('acme', claims)
    assert.equal(await statusOf(door, token), 200)
    door.revocations.revoke(revocation())
    const [revoked, forged] = await Promise.all([
      door.ask({ path: PATH, token }),
      door.ask({ path: PATH, token: 'nonsense' }),
    ])
    assert.equal(revoked.status, 401)
    const { 'x-request-id': _, date: __, ...headers } = revoked.headers
    const { 'x-request-id': ___, date: ____, ...others } = forged.headers
    assert.deepEqual([headers, revoked.body], [others, forged.body])
    assert.equal(door.upstream.seen.length, 1)
  })
}

test('nobody else is touched: other tenants’ namesakes, other sessions, and what is issued later', async (t) => {
  const door = await openDoor(t)
  for (const [what, revocation] of Object.entries(kinds)) {
    if (what !== 'everything') door.revocations.revoke(revocation())
  }
  const twin = tokenOf('globex', claims)
  assert.equal(await statusOf(door, twin, '/t/globex/clinic/x'), 200)
  const later = { iat: Math.floor(Date.now() / 1000) + 1, jti: 'token-2', sid: 'session-2' }
  assert.equal(await statusOf(door, tokenOf('acme', later)), 200)
  assert.equal(await statusOf(door, tokenOf('acme', { ...later, sid: 'session-1' })), 401)
})

test('what a token does not prove it cannot have revoked: forged claims end nobody’s request', async (t) => {
  const door = await openDoor(t)
  const own = tokenOf('acme', { sub: 'eve', sid: 'session-2' })
  door.revocations.revoke({ kind: 'session', tenant: ACME, id: 'session-1', at: at() })
  assert.equal(await statusOf(door, own), 200)
})

test('while it cannot be known what was revoked nobody is served, of whichever tenant', async (t) => {
  const door = await openDoor(t)
  const tokens = ['acme', 'globex'].map((tenant) => [tenant, tokenOf(tenant)] as const)
  for (const [tenant, token] of tokens) {
    assert.equal(await statusOf(door, token, `/t/${tenant}/clinic/x`), 200)
  }
  door.revocations.known = false
  const replies = await Promise.all(
    tokens.map(([tenant, token]) => door.ask({ path: `/t/${tenant}/clinic/x`, token })),
  )
  for (const { status, headers, body } of replies) {
    assert.equal(status, 503)
    assert.ok(Number(headers['retry-after']) >= 1)
    assert.match(body, /revocations_unknown/)
  }
  assert.equal(await statusOf(door, tokenOf('acme'), '/t/none/clinic/x'), 401)
  door.revocations.known = true
  assert.equal(await statusOf(door, tokens[0]?.[1] ?? ''), 200)
})

for (const [path, end] of [
  ['drip', 'cut off'],
  ['hang', '401'],
] as const) {
  test(`a request under way (/${path}) ends when its token is revoked, at both ends, and another's goes on`, async (t) => {
    const door = await openDoor(t)
    const begin = (token: string) =>
      new Promise<string>((resolve) => {
        const sending = request({
          ...{ port: door.port, host: '127.0.0.1', path: `/t/acme/clinic/${path}`, agent: false },
          headers: { host: 'api.example', authorization: `Bearer ${token}` },
        })
        sending.on('error', () => resolve('cut off'))
        sending.on('response', (response) => {
          let text = ''
          response.on('data', (chunk: Buffer) => {
            text += chunk.toString()
          })
          response.on('end', () => resolve(response.statusCode === 200 ? text : '401'))
          response.on('error', () => resolve('cut off'))
        })
        sending.end()
      })
    const revoked = begin(tokenOf('acme', claims))
    await until(() => door.upstream.hanging.length === 1)
    const kept = begin(tokenOf('acme', { sid: 'session-2' }))
    await until(() => door.upstream.hanging.length === 2)
    door.revocations.revoke({ kind: 'session', tenant: ACME, id: 'session-1', at: at() })
    assert.equal(await revoked, end)
    await until(() => door.upstream.seen[0]?.aborted === true)
    door.upstream.hanging[1]?.end('last')
    assert.match(await kept, /last$/)
    await until(() => door.lines.some((line) => line.includes('it was revoked meanwhile')))
  })
}

test('services are told of session, sign-in, actor and token', async (t) => {
  const door = await openDoor(t)
  const token = tokenOf('acme', {
    ...claims,
    acr: 'urn:ringfence:acr:2',
    amr: ['pwd', 'otp'],
    auth_time: 1_700_000_000,
    placed_roles: ['chief@ward-3'],
    act: { sub: 'support:kim' },
  })
  assert.equal(await statusOf(door, token), 200)
  const context = await verifyContext(
    door.upstream.seen[0]?.headers['ringfence-context'] ?? '',
    { request: new KeySet([contextKey.publicJwk]), job: new KeySet([]) },
    parseServiceName('clinic'),
  )
  const { session, acr, amr, authenticatedAt, placedRoles, actor, origin } = context
  assert.deepEqual(
    { session, acr, amr, authenticatedAt, placedRoles, actor, origin },
    {
      session: 'session-1',
      acr: 'urn:ringfence:acr:2',
      amr: ['pwd', 'otp'],
      authenticatedAt: new Date(1_700_000_000_000),
      placedRoles: ['chief@ward-3'],
      actor: { subject: 'support:kim' },
      origin: { id: 'token-1', client: 'web', issuedAt: new Date(claims.iat * 1000) },
    },
  )
})

test('what is revoked while a request is being looked at takes no seat, and reaches no service', async (t) => {
  const gate = Promise.withResolvers<void>()
  let looking = 0
  const slow: GatewayCheck = {
    name: 'slow',
    async run() {
      looking += 1
      await gate.promise
    },
  }
  const at = GATEWAY_CHECKS.findIndex(({ name }) => name === 'rate')
  const checks = GATEWAY_CHECKS.toSpliced(at, 0, slow)
  const door = await openDoor(t, { checks, limits: { concurrentPerTenant: 1 } })
  const asking = door.ask({ path: PATH, token: tokenOf('acme', claims) })
  await until(() => looking === 1)
  door.revocations.revoke({ kind: 'session', tenant: ACME, id: 'session-1', at: new Date() })
  assert.equal((await asking).status, 401)
  gate.resolve()
  // The only seat of the tenant is free.
  assert.equal(await statusOf(door, tokenOf('acme', { sid: 'session-2' })), 200)
  assert.equal(await statusOf(door, tokenOf('acme', { sid: 'session-2' })), 200)
  assert.equal(door.upstream.seen.length, 2)
})
