import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ControlSite, jane, operator, startControlSite } from '../control-site.test-support.ts'
import type { OpenControlPlane } from '../open-control-plane.ts'
import { newOperatorToken } from './operator-token.ts'

let site: ControlSite
let plane: OpenControlPlane

before(async () => {
  site = await startControlSite()
  plane = await site.open()
})
after(() => site?.stop())

const refused = { code: 'not_authenticated' }

test('the first operator is made once, however many ask at once, and has every scope', async () => {
  const tokens = await Promise.all([1, 2, 3].map(() => plane.operators.bootstrap()))
  const [token, ...more] = tokens.filter((one) => one !== undefined)
  assert.ok(token)
  assert.deepEqual(more, [])
  const actor = await plane.operators.authenticate(token, 'r1')
  assert.equal(actor.name, 'bootstrap')
  assert.ok(actor.scopes.includes('operators:write'))
  await plane.operators.revoke('bootstrap', actor)
  assert.equal(await plane.operators.bootstrap(), undefined)
})

test('a token works until it is revoked or expires, and the database cannot tell it', async () => {
  const { token } = await plane.operators.create({ name: 'ada', scopes: ['tenants:read'] }, jane)
  assert.deepEqual(await plane.operators.authenticate(token, 'r2'), {
    kind: 'operator',
    name: 'ada',
    scopes: ['tenants:read'],
    requestId: 'r2',
  })
  const everything = JSON.stringify(await site.ask('select * from registry.operator'))
  assert.ok(!everything.includes(token))
  await plane.operators.revoke('ada', jane)
  await assert.rejects(plane.operators.authenticate(token, 'r3'), refused)
  await assert.rejects(plane.operators.create({ name: 'ada', scopes: ['tenants:read'] }, jane), {
    code: 'already_exists',
  })
  const short = await plane.operators.create(
    { name: 'bob', scopes: ['tenants:read'], seconds: 60 },
    jane,
  )
  await plane.operators.authenticate(short.token, 'r4')
  await site.ask(`update registry.operator set expires_at = now() where name = 'bob'`)
  await assert.rejects(plane.operators.authenticate(short.token, 'r5'), refused)
})

test('no other token opens anything', async () => {
  for (const token of ['', 'rfo_', newOperatorToken(), `${newOperatorToken()}x`, "' or true --"]) {
    await assert.rejects(plane.operators.authenticate(token, 'r6'), refused)
  }
})

test('nobody gives scopes that they do not have', async () => {
  const half = operator('half', ['operators:write', 'tenants:read'])
  await assert.rejects(plane.operators.create({ name: 'more', scopes: ['tenants:write'] }, half), {
    code: 'forbidden',
  })
  await plane.operators.create({ name: 'less', scopes: ['tenants:read'] }, half)
  await assert.rejects(
    plane.operators.create(
      { name: 'none', scopes: ['tenants:read'] },
      operator('no', ['tenants:read']),
    ),
    { code: 'forbidden' },
  )
})

test('an operator whose creation was answered by nobody gets a token that works', async () => {
  const work = async () => {
    const { token } = await plane.operators.create(
      { name: 'again', scopes: ['tenants:read'] },
      jane,
    )
    return { status: 201, body: token, headers: {} }
  }
  const lost = await plane.idempotency.once(jane, 'key', 'body', work)
  // The process died between the change and the record of its answer.
  await site.ask(`update registry.idempotency set answer = null, lease_until = now()`)
  const repeated = await plane.idempotency.once(jane, 'key', 'body', work)
  assert.notEqual(repeated.body, lost.body)
  assert.equal((await plane.operators.authenticate(repeated.body, 'r')).name, 'again')
  await assert.rejects(plane.operators.authenticate(lost.body, 'r'), refused)
})
