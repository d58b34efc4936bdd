import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { scramVerifier } from '../../src/clusters/scram.ts'
import { ScramKeys } from '../../src/sdk/postgres/scram-keys.ts'

const hmac = (key: Uint8Array, text: string) => createHmac('sha256', key).update(text).digest()

/** Checks a client's answer as a server does that holds the verifier (RFC 5802, section 3). */
async function exchange(keys: ScramKeys, verifier: string, nonce: string) {
  const [, iterations = '', salt = '', stored = '', server = ''] =
    /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)$/.exec(verifier) ?? []
  const first = `r=${nonce}server,s=${salt},i=${iterations}`
  const { response, serverSignature } = await keys.answer(nonce, first)
  const [withoutProof = '', proof = ''] = response.split(',p=')
  const message = `n=*,r=${nonce},${first},${withoutProof}`
  const signature = hmac(Buffer.from(stored, 'base64'), message)
  const clientKey = Buffer.from(proof, 'base64').map((byte, i) => byte ^ (signature[i] ?? 0))
  return {
    proven: createHash('sha256').update(clientKey).digest('base64') === stored,
    trusted: hmac(Buffer.from(server, 'base64'), message).toString('base64') === serverSignature,
  }
}

test('proves the password to who holds the verifier, and knows a server that does', async () => {
  const verifier = await scramVerifier('secret')
  const keys = new ScramKeys('secret')
  for (const nonce of ['first', 'second']) {
    assert.deepEqual(await exchange(keys, verifier, nonce), { proven: true, trusted: true })
  }
})

test('derives its keys anew for another verifier of the same password', async () => {
  const keys = new ScramKeys('secret')
  for (const iterations of [4096, 100, 4096]) {
    const verifier = await scramVerifier('secret', undefined, iterations)
    assert.deepEqual(await exchange(keys, verifier, 'nonce'), { proven: true, trusted: true })
  }
})

test('a wrong password proves nothing', async () => {
  const verifier = await scramVerifier('secret')
  assert.equal((await exchange(new ScramKeys('guess'), verifier, 'nonce')).proven, false)
})

for (const [name, first] of [
  ['a nonce that is not a continuation of its own', 'r=other,s=c2FsdA==,i=4096'],
  ['its own nonce with nothing added', 'r=mine,s=c2FsdA==,i=4096'],
  ['no salt', 'r=mine-and-more,i=4096'],
  ['no iterations', 'r=mine-and-more,s=c2FsdA==,i=0'],
  ['iterations that would keep it busy', 'r=mine-and-more,s=c2FsdA==,i=100000000'],
] as const) {
  test(`refuses to answer a server that sends ${name}`, async () => {
    await assert.rejects(new ScramKeys('secret').answer('mine', first), /^Error: SCRAM: /)
  })
}
