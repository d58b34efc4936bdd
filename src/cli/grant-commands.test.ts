import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wireGrantSchema } from '../control/api/operations/grants.ts'
import { servedControl } from './served-control.test-support.ts'

test('a grant is offered, read, accepted and revoked', async (t) => {
  const control = await servedControl(t)
  const run = (...args: readonly string[]) => control.run(...args)
  const offer = ['grants', 'offer', '--to', 'globex', '--subject', 'kim', '--api', 'clinic']
  const offered = await run(...offer, '--resource', '/patients', '--for', '2d', '-o', 'json')
  assert.equal(offered.code, 0, offered.err)
  const grant = wireGrantSchema.parse(JSON.parse(offered.out))
  assert.deepEqual(
    [grant.state, grant.scopes, grant.actions, grant.resources],
    ['offered', ['read'], ['read'], ['/patients']],
  )
  assert.equal(Date.parse(grant.expires) - Date.parse(grant.not_before), 2 * 86_400_000)
  assert.match((await run('grants', 'list')).out, /kim of globex/)
  assert.match((await run('grants', 'accept', grant.id)).out, /active/)
  assert.match((await run('grants', 'revoke', grant.id)).out, /revoked/)
  assert.match((await run('grants', 'get', grant.id)).out, /revoked/)
})

test('what came of a grant is listed, page by page', async (t) => {
  const control = await servedControl(t)
  const grant = `gr-${'o'.repeat(20)}`
  const all = JSON.parse((await control.run('grants', 'uses', grant, '-o', 'json')).out)
  assert.deepEqual(
    all.map(({ token }: { token: string }) => token),
    ['use-1', 'use-2'],
  )
  const one = await control.run('grants', 'uses', grant, '--limit', '1')
  assert.match(one.out, /use-1/)
  assert.doesNotMatch(one.out, /use-2/)
})

test('what is no grant, and no duration, is refused before anything is asked', async (t) => {
  const control = await servedControl(t)
  const run = (...args: readonly string[]) => control.run(...args)
  assert.equal((await run('grants', 'accept', 'mine')).code, 2)
  const offer = ['grants', 'offer', '--to', 'globex', '--subject', 'kim', '--api', 'clinic']
  assert.equal((await run(...offer, '--for', 'ever')).code, 2)
  assert.deepEqual(control.requests, [])
})
