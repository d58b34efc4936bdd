import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import { loadOrCreateEvidenceKey, PRIVATE_KEY_FILE, PUBLIC_KEY_FILE } from './evidence-key.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ringfence-key-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const refused = (word: RegExp) => (error: unknown) =>
  error instanceof RingfenceError && error.code === 'invalid_evidence' && word.test(error.message)

test('a key is made once, kept from others, and found again', async () => {
  const home = join(directory, 'a new', 'place')
  const first = await loadOrCreateEvidenceKey(home)
  const second = await loadOrCreateEvidenceKey(home)
  assert.equal(first.keyid, second.keyid)
  assert.equal((await stat(join(home, PRIVATE_KEY_FILE))).mode & 0o777, 0o600)
  assert.equal((await stat(home)).mode & 0o777, 0o700)
  assert.equal(await readFile(join(home, PUBLIC_KEY_FILE), 'utf8'), first.publicPem)
  assert.deepEqual((await readdir(home)).sort(), [PRIVATE_KEY_FILE, PUBLIC_KEY_FILE])
  const signature = second.sign(Buffer.from('hello'))
  assert.ok(verify(null, Buffer.from('hello'), createPublicKey(first.publicPem), signature))
})

test('callers at the same time get the same key', async () => {
  const keys = await Promise.all(
    Array.from({ length: 20 }, () => loadOrCreateEvidenceKey(directory)),
  )
  assert.equal(new Set(keys.map(({ keyid }) => keyid)).size, 1)
  assert.deepEqual((await readdir(directory)).sort(), [PRIVATE_KEY_FILE, PUBLIC_KEY_FILE])
})

test('the private key is in no printed form of the key', async () => {
  const key = await loadOrCreateEvidenceKey(directory)
  const secret = (await readFile(join(directory, PRIVATE_KEY_FILE), 'utf8')).split('\n')[1] ?? ''
  assert.ok(secret.length > 40)
  assert.ok(!JSON.stringify(key).includes(secret))
})

test('a key file that others can read is refused', async () => {
  await loadOrCreateEvidenceKey(directory)
  for (const mode of [0o640, 0o604, 0o660]) {
    await chmod(join(directory, PRIVATE_KEY_FILE), mode)
    await assert.rejects(loadOrCreateEvidenceKey(directory), refused(/can be read by others/))
  }
})

test('a lost public key is written again; another’s is refused', async () => {
  const key = await loadOrCreateEvidenceKey(directory)
  const path = join(directory, PUBLIC_KEY_FILE)
  await rm(path)
  await loadOrCreateEvidenceKey(directory)
  assert.equal(await readFile(path, 'utf8'), key.publicPem)
  const other = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' })
  await writeFile(path, other)
  await assert.rejects(loadOrCreateEvidenceKey(directory), refused(/does not belong/))
})

test('anything else in the key’s place is refused without a word of what it holds', async () => {
  const path = join(directory, PRIVATE_KEY_FILE)
  const pkcs8 = { type: 'pkcs8', format: 'pem' } as const
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pkcs8).toString()
  for (const [content, word] of [
    ['planted-secret', /does not hold a private key/],
    ['', /does not hold a private key/],
    [ec, /is not an Ed25519 key/],
  ] as const) {
    await writeFile(path, content, { mode: 0o600 })
    await assert.rejects(loadOrCreateEvidenceKey(directory), (error) => {
      assert.ok(error instanceof RingfenceError)
      assert.doesNotMatch(`${error.stack} ${String(error.cause)}`, /planted-secret/)
      return refused(word)(error)
    })
    await rm(path)
  }
  await symlink(join(directory, 'elsewhere'), path)
  await assert.rejects(loadOrCreateEvidenceKey(directory), refused(/symbolic link/))
  await rm(path)
  await mkdir(path, { mode: 0o700 })
  await assert.rejects(loadOrCreateEvidenceKey(directory), refused(/is not a file/))
})

test('a place that cannot be written to is said to be so', async () => {
  await writeFile(join(directory, 'file'), '')
  await assert.rejects(
    loadOrCreateEvidenceKey(join(directory, 'file', 'below')),
    (error) => error instanceof RingfenceError && error.code === 'not_writable',
  )
})
