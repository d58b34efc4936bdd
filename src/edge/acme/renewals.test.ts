import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { RingfenceError } from '../../core/errors.ts'
import { CertificateDirectory } from '../certificate-directory.ts'
import { openPlainFront } from '../plain-front.ts'
import { selfSigned } from '../self-signed.ts'
import { acmeAuthority } from './acme-authority.ts'
import { acmeServer } from './acme-server.test-support.ts'
import { ChallengeDirectory } from './challenge-directory.ts'
import { Renewals, type RenewalsOptions } from './renewals.ts'

const DAY_MS = 86_400_000

/** A platform with hosts that want certificates, and an authority that comes and looks. */
async function site(t: TestContext, hosts: readonly string[]) {
  const directory = await mkdtemp(join(tmpdir(), 'rf-acme-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const challenges = new ChallengeDirectory(join(directory, 'challenges'))
  const plain = await openPlainFront({
    listen: { host: '127.0.0.1', port: 0 },
    challenge: (host, token) => challenges.answer(host, token),
  })
  t.after(() => plain.close())
  let port = Number(new URL(plain.url).port)
  const server = await acmeServer(t, () => port)
  const accountKeyFile = join(directory, 'account.pem')
  const authority = await acmeAuthority({
    directoryUrl: server.directoryUrl,
    accountKeyFile,
    pollMs: 10,
  })
  const store = new CertificateDirectory(join(directory, 'certificates'), { freshMs: 0 })
  const troubles: string[] = []
  const wanted = [...hosts]
  const options: RenewalsOptions = {
    store,
    authority,
    challenges,
    lock: join(directory, 'lock'),
    hosts: () => wanted,
    onTrouble: ({ message }: RingfenceError) => troubles.push(message),
  }
  return {
    ...{ directory, challenges, server, accountKeyFile, store, troubles, wanted, options },
    renewals: new Renewals(options),
    plainPort: () => port,
    /** Where the authority looks from now on. */
    lookAt: (other: number) => {
      port = other
    },
  }
}

const ask = (port: number, path: string, headers: Record<string, string>, method = 'GET') =>
  new Promise<string>((resolve, reject) => {
    const sending = request({ port, host: '127.0.0.1', path, headers, method, agent: false })
    sending.on('response', (response) => {
      response.resume()
      resolve(`${response.statusCode} ${response.headers.location ?? ''}`.trim())
    })
    sending.on('error', reject)
    sending.end()
  })

test('a host without a certificate gets one, once, by an account whose key is ours alone', async (t) => {
  const { renewals, store, server, accountKeyFile, troubles, directory } = await site(t, [
    'acme.example',
  ])
  assert.equal(await renewals.look(), true)
  assert.deepEqual(troubles, [])
  assert.ok(await store.contextFor('acme.example'))
  const place = join(directory, 'certificates', 'acme.example')
  for (const file of [accountKeyFile, join(place, 'privkey.pem')]) {
    assert.equal((await stat(file)).mode & 0o777, 0o600)
  }
  await renewals.look()
  assert.deepEqual(server.ordered, ['acme.example'])
  const key = await readFile(accountKeyFile, 'utf8')
  await acmeAuthority({ directoryUrl: server.directoryUrl, accountKeyFile })
  assert.equal(await readFile(accountKeyFile, 'utf8'), key)
})

test('one is renewed when two thirds of its life are over, not before, and not all at the same time', async (t) => {
  const hosts = Array.from({ length: 12 }, (_, index) => `h${index}.example`)
  const { renewals, server, store } = await site(t, hosts)
  const now = Date.now()
  const kept = await selfSigned(hosts, 90)
  for (const host of hosts) await store.put(host, kept)
  await renewals.look(now + 50 * DAY_MS)
  assert.deepEqual(server.ordered, [])
  await renewals.look(now + 56 * DAY_MS)
  const some = server.ordered.length
  assert.ok(some > 0 && some < hosts.length, String(some))
  await renewals.look(now + 61 * DAY_MS)
  assert.deepEqual([...new Set(server.ordered)].toSorted(), hosts.toSorted())
})

test('a host that the platform’s own certificate is good for needs none', async (t) => {
  const { renewals, server, directory } = await site(t, ['acme.tenants.example'])
  const { chain, key } = await selfSigned(['*.tenants.example'])
  const place = join(directory, 'certificates', '_default')
  await mkdir(place, { recursive: true })
  await writeFile(join(place, 'fullchain.pem'), chain)
  await writeFile(join(place, 'privkey.pem'), key)
  await renewals.look()
  assert.deepEqual(server.ordered, [])
})

test('a host that gets none is tried again after a pause, and does not keep others waiting', async (t) => {
  const { renewals, server, troubles, store, lookAt, plainPort } = await site(t, ['acme.example'])
  const good = plainPort()
  lookAt(1)
  const now = Date.now()
  await renewals.look(now)
  assert.equal(troubles.length, 1)
  assert.match(troubles[0] ?? '', /no certificate for acme\.example/)
  await renewals.look(now + 60_000)
  assert.equal(server.ordered.length, 1)
  lookAt(good)
  await renewals.look(now + 700_000)
  assert.equal(server.ordered.length, 2)
  assert.ok(await store.contextFor('acme.example'))
})

test('of several processes one gets certificates', async (t) => {
  const { options, server } = await site(t, ['acme.example', 'globex.example'])
  const looks = await Promise.all([1, 2, 3].map(() => new Renewals(options).look()))
  assert.equal(looks.filter(Boolean).length, 1)
  assert.equal(server.ordered.length, 2)
})

test('a host that is nobody’s any more is not asked for', async (t) => {
  const { renewals, server, wanted } = await site(t, ['acme.example'])
  wanted.length = 0
  await renewals.look()
  assert.deepEqual(server.ordered, [])
})

test('a challenge is answered at its own host alone, and its token is no way to another file', async (t) => {
  const { challenges, plainPort } = await site(t, [])
  const token = 'a'.repeat(40)
  await challenges.put({ host: 'acme.example', token, answer: 'shown' })
  const at = (host: string, name: string) =>
    ask(plainPort(), `/.well-known/acme-challenge/${name}`, { host })
  assert.equal(await at('acme.example', token), '200')
  assert.equal(await at('ACME.example:80', token), '200')
  for (const [host, name] of [
    ['globex.example', token],
    ['acme.example', 'b'.repeat(40)],
    ['acme.example', '..%2faccount.pem'],
    ['acme.example', '%2e%2e'],
    ['acme.example', `${token}.new`],
  ] as const) {
    assert.match(await at(host, name), /^404/)
  }
  for (const name of ['../account', `${token}/x`, '']) {
    await assert.rejects(challenges.put({ host: 'a', token: name, answer: '' }))
  }
  await challenges.remove(token)
  assert.equal(await at('acme.example', token), '404')
})

test('plain HTTP sends readers to https, whichever host it is, and refuses what has a token', async (t) => {
  const { plainPort } = await site(t, [])
  const port = plainPort()
  assert.equal(
    await ask(port, '/a?b=1', { host: 'acme.example' }),
    '308 https://acme.example/a?b=1',
  )
  assert.equal(await ask(port, '/a', { host: 'nobody.example:80' }), '308 https://nobody.example/a')
  const token = { host: 'acme.example', authorization: 'Bearer x' }
  assert.equal(await ask(port, '/a', token), '403')
  assert.equal(await ask(port, '/a', { host: 'acme.example' }, 'POST'), '403')
  for (const host of ['acme.example@evil.example', 'acme.example/..', 'a b']) {
    assert.equal(await ask(port, '/a', { host }), '403')
  }
  assert.equal(await ask(port, '//evil.example/', { host: 'acme.example' }), '403')
})
