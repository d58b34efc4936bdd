import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDoor } from './door.test-support.ts'
import { viaProxy } from './network-attacks.test-support.ts'

const BLOCKED = '198.51.100.7'
const later = (ms: number) => new Date(Date.now() + ms).toISOString()

test('a block is for its network alone, ends by itself, and says when', async (t) => {
  const door = await openDoor(t)
  const from = (address: string) => viaProxy(door, [`X-Forwarded-For: ${address}`], true)
  door.source.platform({ blocked: [{ network: BLOCKED, until: later(60_000) }] })
  const refused = await from(BLOCKED)
  assert.match(refused, /^HTTP\/1\.1 429 /)
  assert.match(refused, /\r\nretry-after: (?:60|5\d)\r\n/i)
  assert.match(await from('198.51.100.8'), /^HTTP\/1\.1 200 /)
  door.source.platform({ blocked: [{ network: BLOCKED, until: later(-1) }] })
  assert.match(await from(BLOCKED), /^HTTP\/1\.1 200 /)
})
