import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { connect } from 'node:tls'
import { scratch } from '../../src/clusters/scratch.test-support.ts'
import { acmeAuthority } from '../../src/edge/acme/acme-authority.ts'
import { ChallengeDirectory } from '../../src/edge/acme/challenge-directory.ts'
import { Renewals } from '../../src/edge/acme/renewals.ts'
import { CertificateDirectory } from '../../src/edge/certificate-directory.ts'
import { openTestFront } from '../../src/edge/front.test-support.ts'
import { openPlainFront } from '../../src/edge/plain-front.ts'
import { selfSigned } from '../../src/edge/self-signed.ts'
import { freePort } from '../../src/platform/ports.ts'

const programs = process.env['RINGFENCE_TEST_PEBBLE'] ?? ''

/** Pebble, whose names are all of this machine, and who looks for challenges at a port. */
async function pebble(t: TestContext, httpPort: number) {
  const directory = scratch(t)
  const [port, dns] = [await freePort('127.0.0.1'), await freePort('127.0.0.1')]
  const { chain, key } = await selfSigned(['localhost'])
  const [certificate, privateKey] = [join(directory, 'pebble.pem'), join(directory, 'pebble.key')]
  writeFileSync(certificate, chain)
  writeFileSync(privateKey, key)
  const config = join(directory, 'pebble.json')
  const listenAddress = `127.0.0.1:${port}`
  const more = { certificate, privateKey, httpPort, tlsPort: 5001, ocspResponderURL: '' }
  writeFileSync(config, JSON.stringify({ pebble: { listenAddress, ...more } }))
  start(t, 'pebble-challtestsrv', [
    ...['-defaultIPv4', '127.0.0.1', '-defaultIPv6', '', '-dns01', `127.0.0.1:${dns}`],
    ...['-http01', '', '-https01', '', '-tlsalpn01', '', '-doh', '', '-management', ''],
  ])
  start(t, 'pebble', ['-config', config, '-dnsserver', `127.0.0.1:${dns}`])
  const directoryUrl = `https://localhost:${port}/dir`
  for (;;) {
    const isUp = await new Promise((resolve) => {
      request(directoryUrl, { ca: chain }, (response) => {
        response.resume()
        resolve(true)
      })
        .on('error', () => resolve(false))
        .end()
    })
    if (isUp === true) return { directoryUrl, ca: chain }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function start(t: TestContext, program: string, flags: readonly string[]): ChildProcess {
  const child = spawn(join(programs, program), flags, {
    stdio: 'ignore',
    env: { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '10' },
  })
  t.after(() => child.kill('SIGKILL'))
  return child
}

test('a real authority issues certificates for hosts that it finds to be ours, and they are served at once', async (t) => {
  const directory = scratch(t)
  const challenges = new ChallengeDirectory(join(directory, 'challenges'))
  const httpPort = await freePort('127.0.0.1')
  const plain = await openPlainFront({
    listen: { host: '127.0.0.1', port: httpPort },
    challenge: (host, token) => challenges.answer(host, token),
  })
  t.after(() => plain.close())
  const authority = await acmeAuthority({
    ...(await pebble(t, httpPort)),
    accountKeyFile: join(directory, 'account.pem'),
    email: 'operator@ringfence.test',
    pollMs: 100,
  })
  const store = new CertificateDirectory(join(directory, 'certificates'), { freshMs: 0 })
  const troubles: string[] = []
  const hosts = ['acme.ringfence-test.com', 'globex.ringfence-test.com']
  const renewals = new Renewals({
    ...{ store, authority, challenges, lock: join(directory, 'lock'), hosts: () => hosts },
    onTrouble: ({ message }) => troubles.push(message),
  })
  await renewals.look()
  assert.deepEqual(troubles, [])
  const { port } = await openTestFront(t, { certificates: store })
  for (const servername of hosts) {
    const socket = connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false })
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    const { subjectaltname, issuer } = socket.getPeerCertificate()
    socket.destroy()
    assert.equal(subjectaltname, `DNS:${servername}`)
    assert.match(String(issuer.CN), /Pebble/)
  }
  // Renewed by the same account, long before the end.
  await renewals.look(Date.now() + 20 * 365 * 86_400_000)
  assert.deepEqual(troubles, [])
})
