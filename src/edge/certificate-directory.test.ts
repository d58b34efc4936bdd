import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import type { RingfenceError } from '../core/errors.ts'
import { CertificateDirectory } from './certificate-directory.ts'
import type { Certificate } from './certificate-store.ts'
import { openTestFront } from './front.test-support.ts'
import { selfSigned } from './self-signed.ts'

async function place(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'rf-certificates-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const troubles: string[] = []
  const store = new CertificateDirectory(directory, {
    freshMs: 0,
    onTrouble: ({ message }: RingfenceError) => troubles.push(message),
  })
  const write = async (host: string, { chain, key }: Partial<Certificate>) => {
    await mkdir(join(directory, host), { recursive: true })
    if (key !== undefined) await writeFile(join(directory, host, 'privkey.pem'), key)
    if (chain !== undefined) await writeFile(join(directory, host, 'fullchain.pem'), chain)
  }
  return { directory, store, troubles, write }
}

test('a host has its own certificate, or the platform’s where that is good for it', async (t) => {
  const { store, write, troubles } = await place(t)
  await write('acme.example', await selfSigned(['acme.example']))
  await write('_default', await selfSigned(['api.example', '*.tenants.example']))
  assert.ok(await store.contextFor('acme.example'))
  assert.equal(await store.contextFor('ACME.example'), await store.contextFor('acme.example'))
  assert.ok(await store.contextFor('globex.tenants.example'))
  assert.notEqual(await store.contextFor('api.example'), await store.contextFor('acme.example'))
  for (const host of ['globex.example', 'a.b.tenants.example', 'tenants.example']) {
    assert.equal(await store.contextFor(host), undefined, host)
  }
  assert.equal(await store.fallback(), await store.fallback())
  assert.deepEqual(troubles, [])
})

test('a name in a handshake is never a way to another place of the disk', async (t) => {
  const { directory, store, write } = await place(t)
  await write('a/acme.example', await selfSigned(['acme.example']))
  await write('_default', await selfSigned(['api.example']))
  const sub = new CertificateDirectory(join(directory, 'a'), { freshMs: 0 })
  assert.ok(await sub.contextFor('acme.example'))
  for (const host of [
    'a/acme.example',
    './a/acme.example',
    '../a/acme.example',
    '..',
    '.',
    '',
    '_default',
    'acme.example\0',
    'a\\acme.example',
    'acme.example/',
    'acme..example',
    '-acme.example',
    'a'.repeat(254),
  ]) {
    assert.equal(await store.contextFor(host), undefined, host)
    assert.equal(await sub.contextFor(host), undefined, host)
    await assert.rejects(store.put(host, await selfSigned(['x'])), { code: 'invalid_argument' })
  }
})

test('one that cannot be used leaves the one before in force, and is told of', async (t) => {
  const { store, write, troubles } = await place(t)
  const [good, other] = [await selfSigned(['acme.example']), await selfSigned(['acme.example'])]
  await write('acme.example', good)
  const before = await store.contextFor('acme.example')
  assert.ok(before)
  await write('acme.example', { chain: other.chain })
  assert.equal(await store.contextFor('acme.example'), before)
  assert.match(troubles.join(), /do not fit/)
  await write('acme.example', { chain: 'nonsense' })
  assert.equal(await store.contextFor('acme.example'), before)
  await write('acme.example', other)
  assert.notEqual(await store.contextFor('acme.example'), before)
})

test('what is put into it is in force at once, with its dates', async (t) => {
  const { store } = await place(t)
  assert.equal(await store.endOf('acme.example'), undefined)
  await store.put('acme.example', await selfSigned(['acme.example'], 10))
  const end = await store.endOf('acme.example')
  assert.ok(end && end.until.getTime() - Date.now() < 11 * 86_400_000)
  const before = await store.contextFor('acme.example')
  await store.put('acme.example', await selfSigned(['acme.example'], 90))
  assert.notEqual(await store.contextFor('acme.example'), before)
})

test('certificates are replaced without a connection lost: old ones stay, new ones get the new one', async (t) => {
  const { directory, store, write } = await place(t)
  await write('acme.example', await selfSigned(['acme.example']))
  await write('_default', await selfSigned(['api.example']))
  const { port } = await openTestFront(t, { certificates: store })
  const open = (servername?: string) =>
    new Promise<TLSSocket>((resolve, reject) => {
      const socket = connect({
        ...{ port, host: '127.0.0.1', rejectUnauthorized: false },
        ...(servername === undefined ? {} : { servername }),
      })
      socket.once('secureConnect', () => resolve(socket))
      socket.once('error', reject)
    })
  const fingerprint = (socket: TLSSocket) => socket.getPeerCertificate().fingerprint256
  const ask = (socket: TLSSocket) =>
    new Promise<string>((resolve) => {
      socket.once('data', (chunk: Buffer) => resolve(chunk.toString()))
      socket.write('GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n')
    })
  const [old, common] = [await open('acme.example'), await open()]
  assert.match(await ask(old), /served/)
  await write('next', await selfSigned(['acme.example']))
  await write('next-default', await selfSigned(['api.example']))
  for (const [from, to] of [
    ['next', 'acme.example'],
    ['next-default', '_default'],
  ] as const) {
    await rename(join(directory, to), join(directory, `${to}.old`))
    await rename(join(directory, from), join(directory, to))
  }
  const young = await open('acme.example')
  assert.notEqual(fingerprint(young), fingerprint(old))
  assert.match(await ask(young), /served/)
  assert.match(await ask(old), /served/)
  for (;;) {
    const socket = await open()
    const isNew = fingerprint(socket) !== fingerprint(common)
    socket.destroy()
    if (isNew) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  for (const socket of [old, young, common]) socket.destroy()
})
