import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { parseServiceName, parseSubject } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import { type PublicJwk, SigningKey } from '../tokens/signing-key.ts'
import { signContext, verifyContext } from '../tokens/tenant-context.ts'
import { fixedKeys, KeyFile } from './context-keys.ts'

async function fileOf(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'rf-keys-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const path = join(directory, 'keys.json')
  const replace = async (text: string) => {
    await writeFile(`${path}.new`, text)
    await rename(`${path}.new`, path)
  }
  const put = (request: readonly object[], job: readonly object[] = []) =>
    replace(JSON.stringify({ request, job }))
  return { path, replace, put }
}

/** Whether a context that the key signs is accepted. */
async function accepts(file: KeyFile, key: SigningKey): Promise<boolean> {
  const service = parseServiceName('clinic')
  const who = { tenant: parseTenantId('harbor'), subject: parseSubject('ada'), requestId: 'r' }
  const context = { kind: 'request', service, scopes: ['read'], roles: [], ...who } as const
  const keys = await file.current()
  return verifyContext(await signContext(key, context, 60), keys, service).then(
    () => true,
    () => false,
  )
}

test('a file is read again when it was replaced, and an old key is gone then', async (t) => {
  const { path, put } = await fileOf(t)
  const [old, next] = [await SigningKey.create('ES256'), await SigningKey.create('ES256')]
  await put([old.publicJwk])
  const file = new KeyFile(path)
  assert.equal(await accepts(file, old), true)
  assert.equal(await file.refresh(), false)
  await put([next.publicJwk])
  assert.equal(await file.refresh(), true)
  assert.equal(await accepts(file, next), true)
  assert.equal(await accepts(file, old), false)
})

test('a file that cannot be understood verifies nothing until it is mended', async (t) => {
  const { path, put, replace } = await fileOf(t)
  const key = await SigningKey.create('ES256')
  await put([key.publicJwk])
  const file = new KeyFile(path)
  assert.equal(await accepts(file, key), true)
  for (const text of [
    '',
    '{"request": [',
    '{"request": []}',
    JSON.stringify({ request: [key.publicJwk, key.publicJwk], job: [] }),
    JSON.stringify({ request: [key.privateJwk], job: [] }),
    JSON.stringify({ request: [{ ...key.publicJwk, alg: 'HS256' }], job: [] }),
  ]) {
    await replace(text)
    await assert.rejects(file.refresh(), { code: 'engine_unavailable' }, text)
    await assert.rejects(file.current(), { code: 'engine_unavailable' }, text)
  }
  await put([key.publicJwk])
  assert.equal(await accepts(file, key), true)
})

test('a file that is not there verifies nothing', async () => {
  await assert.rejects(new KeyFile('/nowhere/keys.json').current(), { code: 'engine_unavailable' })
})

test('a private key is not taken for a public one', async () => {
  const key = await SigningKey.create('ES256')
  const leaked = key.privateJwk as PublicJwk
  assert.throws(() => fixedKeys({ request: [leaked], job: [] }), { code: 'invalid_argument' })
})
