import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSubject } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import { verifyContext } from '../tokens/tenant-context.ts'
import { KeySet } from '../tokens/verify-token.ts'
import { parseServiceName } from '../core/names.ts'
import { contextKey, type Door, openDoor, tokenOf, until } from './door.test-support.ts'
import { delegated, GRANT, grantOf, PATIENTS } from './grant-attacks.test-support.ts'
import { storeOf } from './policy-attacks.test-support.ts'

const globex = parseTenantId('globex')
const ask = (door: Door, token = delegated(), path = PATIENTS) => door.ask({ path, token })

test('a principal of another tenant does what a grant names, and services are told who it is', async (t) => {
  const door = await openDoor(t)
  door.source.change('acme', { grants: [grantOf()] })
  assert.equal((await ask(door)).status, 200)
  const text = String(door.upstream.seen[0]?.headers['ringfence-context'])
  const keys = new KeySet([contextKey.publicJwk])
  const context = await verifyContext(
    text,
    { request: keys, job: new KeySet([]) },
    parseServiceName('clinic'),
  )
  assert.equal(context.tenant, 'acme')
  assert.deepEqual(context.scopes, ['read'])
  assert.equal(context.delegation?.grant, GRANT)
  assert.equal(context.delegation.grantee, globex)
  assert.deepEqual(context.actor, {
    issuer: 'https://id.example/realms/globex',
    subject: parseSubject('kim'),
  })
})

test('what is done under a grant is billed once, to the side that the grant says', async (t) => {
  const door = await openDoor(t)
  for (const [bills, payer] of [
    ['grantee', 'globex'],
    ['grantor', 'acme'],
  ]) {
    door.source.change('acme', { grants: [grantOf({ bills })] })
    await ask(door)
    await until(() => door.lines.some((line) => line.includes(`"billed_tenant":"${payer}"`)))
  }
  await ask(door, tokenOf('acme'))
  await until(() => door.lines.length === 3)
  assert.equal(door.lines.filter((line) => line.includes('billed_tenant')).length, 2)
  assert.ok(door.lines.slice(0, 2).every((line) => line.includes(`"grant":"${GRANT}"`)))
})

test('a grant ends with the configuration that has it no more', async (t) => {
  const door = await openDoor(t)
  door.source.change('acme', { grants: [grantOf()] })
  const token = delegated()
  assert.equal((await ask(door, token)).status, 200)
  door.source.change('acme', {})
  assert.equal((await ask(door, token)).status, 401)
})

test('what is taken back at home is void here too: the token, its session, the principal, its client', async (t) => {
  const revoked = [
    { kind: 'token', id: 'home-1' },
    { kind: 'session', id: 's-1' },
    { kind: 'subject', id: parseSubject('kim') },
    { kind: 'client', id: 'web' },
  ] as const
  for (const what of revoked) {
    const door = await openDoor(t)
    door.source.change('acme', { grants: [grantOf()] })
    const token = delegated()
    assert.equal((await ask(door, token)).status, 200)
    door.revocations.revoke({ ...what, tenant: globex, at: new Date() })
    assert.equal((await ask(door, token)).status, 401, what.kind)
  }
})

test('a request under way ends when its grant is taken back', async (t) => {
  const door = await openDoor(t)
  door.source.change('acme', { grants: [grantOf({ resources: ['/'] })] })
  const asking = ask(door, delegated(), '/t/acme/clinic/hang').catch(() => 'cut off')
  await until(() => door.upstream.hanging.length === 1)
  const tenant = parseTenantId('acme')
  door.revocations.revoke({ kind: 'session', tenant, id: GRANT, at: new Date() })
  await asking
  assert.ok(door.lines.some((line) => line.includes('revoked meanwhile')))
  for (const response of door.upstream.hanging) response.end()
})

test('half a delegation is no token: neither a grant without an actor, nor the other way round', async (t) => {
  const door = await openDoor(t)
  door.source.change('acme', { grants: [grantOf()] })
  for (const half of [{ act: undefined }, { grant_id: undefined }, { grantee: undefined }]) {
    assert.equal((await ask(door, delegated(half))).status, 401)
  }
  const act = { iss: 'https://id.example/realms/globex', sub: 'kim' }
  assert.equal((await ask(door, tokenOf('acme', { act }))).status, 401)
})

test('the tenant’s policies decide about delegates as such, and no role makes one of its own people', async (t) => {
  const door = await openDoor(t)
  const grants = [grantOf()]
  const status = async (text: string) => {
    door.source.change('acme', { grants, policy: storeOf({ one: text }) })
    return (await ask(door, delegated({ roles: ['doctor'] }))).status
  }
  assert.equal(await status('permit(principal in Role::"acme/doctor", action, resource);'), 403)
  assert.equal(await status('permit(principal in Tenant::"acme", action, resource);'), 403)
  assert.equal(
    await status(
      'permit(principal, action, resource) when { principal.tenant == resource.owner };',
    ),
    403,
  )
  assert.equal(
    await status(
      `permit(principal == Delegate::"acme/${GRANT}", action == Action::"GET", resource);`,
    ),
    200,
  )
})
