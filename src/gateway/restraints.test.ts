import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGrantId } from '../core/names.ts'
import { type Door, openDoor, tokenOf } from './door.test-support.ts'
import { delegated, grantOf, PATIENTS, restrained } from './grant-attacks.test-support.ts'

const ask = (door: Door, token = delegated()) => door.ask({ path: PATIENTS, token })
const at = (ms: number) => new Date(Date.now() + ms).toISOString()
const seconds = (ms: number) => Math.floor((Date.now() + ms) / 1000)

test('a challenge asks for a later sign-in, of whoever acts under that grant and of nobody else', async (t) => {
  const door = await openDoor(t)
  const challenge = { kind: 'challenge', ...restrained, since: at(-60_000) } as const
  door.source.change('acme', { grants: [grantOf()], restraints: [challenge] })
  const refused = await ask(door, delegated({ auth_time: seconds(-61_000) }))
  assert.equal(refused.status, 401)
  assert.match(
    String(refused.headers['www-authenticate']),
    /^Bearer realm="ringfence", error="insufficient_user_authentication", max_age="6\d"$/,
  )
  assert.equal((await ask(door, delegated({ auth_time: seconds(-10_000) }))).status, 200)
  assert.equal((await ask(door, tokenOf('acme'))).status, 200)
  door.source.change('acme', { grants: [grantOf()], restraints: [{ ...challenge, until: at(-1) }] })
  assert.equal((await ask(door)).status, 200)
})

test('a limit is for its grant alone, says when to come again, and ends by itself', async (t) => {
  const door = await openDoor(t)
  const limit = { kind: 'limit', ...restrained, requests: 5 } as const
  door.source.change('acme', { grants: [grantOf()], restraints: [limit] })
  assert.equal((await ask(door)).status, 200)
  const refused = await ask(door)
  assert.equal(refused.status, 429)
  // One in a minute, spread by a little.
  assert.ok(Number(refused.headers['retry-after']) >= 50, String(refused.headers['retry-after']))
  assert.equal((await ask(door, tokenOf('acme'))).status, 200)
  const other = parseGrantId('gr-bbbbbbbbbbbbbbbbbbbb')
  door.source.change('acme', { grants: [grantOf()], restraints: [{ ...limit, grant: other }] })
  assert.equal((await ask(door)).status, 200)
  door.source.change('acme', { grants: [grantOf()], restraints: [{ ...limit, until: at(-1) }] })
  assert.equal((await ask(door)).status, 200)
})

test('what one tenant’s grant is restrained to, another tenant’s of the same name is not', async (t) => {
  const door = await openDoor(t)
  const until = at(60_000)
  const restraints = [{ kind: 'challenge', grant: restrained.grant, since: at(0), until } as const]
  door.source.change('globex', { grants: [grantOf({ grantee: 'acme' })], restraints })
  door.source.change('acme', { grants: [grantOf()] })
  assert.equal((await ask(door)).status, 200)
})
