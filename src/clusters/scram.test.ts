import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { test } from 'node:test'
import { newPassword, scramVerifier } from './scram.ts'

/** The example exchange of RFC 7677, section 3. */
const RFC = {
  password: 'pencil',
  salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
  iterations: 4096,
  authMessage:
    'n=user,r=rOprNGfwEbeRWgbNEkqO,' +
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,' +
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  clientProof: 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverSignature: '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
}

test('a verifier checks the client and proves the server as in the exchange of RFC 7677', async () => {
  const verifier = await scramVerifier(RFC.password, RFC.salt, RFC.iterations)
  const [, iterations, salt, storedKey = '', serverKey = ''] =
    /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)$/.exec(verifier) ?? []
  assert.equal(iterations, '4096')
  assert.equal(salt, 'W22ZaJ0SNY7soEsUEjb6gQ==')
  const hmac = (key: string) =>
    createHmac('sha256', Buffer.from(key, 'base64')).update(RFC.authMessage).digest()
  assert.equal(hmac(serverKey).toString('base64'), RFC.serverSignature)
  // RFC 5802: the client's key is its proof, less the signature, and its hash is the stored key.
  const proof = Buffer.from(RFC.clientProof, 'base64')
  const clientKey = hmac(storedKey).map((byte, index) => byte ^ (proof[index] ?? 0))
  assert.equal(createHash('sha256').update(clientKey).digest('base64'), storedKey)
})

test('a verifier is the one that PostgreSQL makes of the same password and salt', async () => {
  const salt = Buffer.from('0123456789abcdef')
  const salted = pbkdf2Sync('secret', salt, 4096, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  const stored = createHash('sha256').update(clientKey).digest('base64')
  const server = createHmac('sha256', salted).update('Server Key').digest('base64')
  assert.equal(
    await scramVerifier('secret', salt),
    `SCRAM-SHA-256$4096:${salt.toString('base64')}$${stored}:${server}`,
  )
})

test('two verifiers of one password have nothing in common', async () => {
  const [one, other] = await Promise.all([scramVerifier('x'), scramVerifier('x')])
  const parts = (verifier: string) => verifier.split(/[$:]/).slice(2)
  for (const part of parts(one)) assert.ok(!parts(other).includes(part))
})

test('passwords have 256 random bits in characters that need no quoting', () => {
  const many = Array.from({ length: 1000 }, newPassword)
  assert.equal(new Set(many).size, many.length)
  for (const password of many) assert.match(password, /^[A-Za-z0-9_-]{43}$/)
})
