import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import { readOrMakeSigningKey, SigningKey } from './signing-key.ts'

function scratch(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'rf-test-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('the key of a file is the same every time, and only we may read it', async (t) => {
  const path = join(scratch(t), 'key.json')
  const made = await readOrMakeSigningKey(path, 'ES256')
  const read = await readOrMakeSigningKey(path, 'ES256')
  assert.deepEqual(read.publicJwk, made.publicJwk)
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('callers at the same moment get one key, and nothing else is left', async (t) => {
  const directory = scratch(t)
  const path = join(directory, 'key.json')
  const keys = await Promise.all(
    Array.from({ length: 8 }, () => readOrMakeSigningKey(path, 'EdDSA')),
  )
  assert.equal(new Set(keys.map((key) => key.publicJwk.kid)).size, 1)
  assert.deepEqual(readdirSync(directory), ['key.json'])
})

test('a key file that others can read, or that is none, is refused without its content', async (t) => {
  const path = join(scratch(t), 'key.json')
  await readOrMakeSigningKey(path, 'ES256')
  chmodSync(path, 0o644)
  await assert.rejects(readOrMakeSigningKey(path, 'ES256'), { code: 'invalid_argument' })
  const other = join(scratch(t), 'key.json')
  writeFileSync(other, 'hunter2', { mode: 0o600 })
  await assert.rejects(readOrMakeSigningKey(other, 'ES256'), (error) => {
    assert.ok(!inspect(error).includes('hunter2'))
    return true
  })
})

test('a key of another algorithm than is asked for is refused', async (t) => {
  const path = join(scratch(t), 'key.json')
  await readOrMakeSigningKey(path, 'ES256')
  await assert.rejects(readOrMakeSigningKey(path, 'EdDSA'), { code: 'invalid_argument' })
})

test('the public half holds nothing private, and printing a key shows none of it', async () => {
  const key = await SigningKey.create('ES256')
  assert.ok(!('d' in key.publicJwk))
  assert.ok(!inspect(key, { depth: 5 }).includes(String(key.privateJwk.d)))
})

test('only a private key with a name and an algorithm of ours is taken', async () => {
  const { privateJwk } = await SigningKey.create('ES256')
  const misuse = { code: 'invalid_argument' }
  const { d, ...open } = privateJwk
  assert.ok(d)
  await assert.rejects(SigningKey.fromJwk(open), misuse)
  await assert.rejects(SigningKey.fromJwk({ ...privateJwk, alg: 'RS256' }), misuse)
  await assert.rejects(SigningKey.fromJwk({ ...privateJwk, kid: undefined } as object), misuse)
  await assert.rejects(SigningKey.fromJwk({ ...privateJwk, x: 'AA' }), misuse)
  await assert.rejects(
    SigningKey.fromJwk({ kty: 'oct', k: 'AAAA', d: 'AA', alg: 'ES256', kid: 'k' }),
    misuse,
  )
})
