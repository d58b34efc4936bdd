import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import { keyIdOf, openEnvelope, preAuthEncoding, readPublicKey, sealEnvelope } from './dsse.ts'

const TYPE = 'application/vnd.in-toto+json'

/** The first secret key of RFC 8032, section 7.1. */
const SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
/** The seed behind the fixed PKCS#8 header of Ed25519, RFC 8410. */
const privateKey = createPrivateKey({
  key: Buffer.from(`302e020100300506032b657004220420${SEED}`, 'hex'),
  format: 'der',
  type: 'pkcs8',
})
const publicKey = createPublicKey(privateKey)
const signer = {
  keyid: keyIdOf(publicKey),
  sign: (bytes: Uint8Array) => sign(null, bytes, privateKey),
}

const refused = (error: unknown) =>
  error instanceof RingfenceError && error.code === 'invalid_evidence'

test('the encoding that is signed is that of the specification', () => {
  const encoded = preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world'))
  assert.equal(encoded.toString(), 'DSSEv1 29 http://example.com/HelloWorld 11 hello world')
  assert.equal(preAuthEncoding('ä', Buffer.alloc(0)).toString(), 'DSSEv1 2 ä 0 ')
})

test('a known key signs a known payload as the specification’s vector “single-signature” has it', () => {
  const payload = Buffer.from('{"_type":"https://in-toto.io/Statement/v1"}')
  const envelope: unknown = JSON.parse(sealEnvelope(TYPE, payload, signer))
  assert.deepEqual(envelope, {
    payload: 'eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEifQ==',
    payloadType: TYPE,
    signatures: [
      {
        keyid: signer.keyid,
        sig: '2WAfaHm5jluo0w+0rk8uVkluELJYWjSmU9x7EUzx+AyteDGJ4/nqyJXfmAUVFIAoQafWm7AxBZNw5M9ixNHiCA==',
      },
    ],
  })
})

test('what was sealed opens with the public key, whatever the key id claims', () => {
  const text = sealEnvelope(TYPE, Buffer.from('{}'), signer)
  assert.equal(openEnvelope(text, TYPE, publicKey).toString(), '{}')
  const renamed = text.replace(signer.keyid, 'another')
  assert.equal(openEnvelope(renamed, TYPE, publicKey).toString(), '{}')
})

test('URL-safe base64, with and without padding, is read; mixed alphabets are not', () => {
  const payload = Buffer.from([0xfb, 0xff, 0xbf, 0x3e, 0x3f])
  const text = sealEnvelope(TYPE, payload, signer)
  const urlSafe = (pad: string) => text.replace('+/+/Pj8=', `-_-_Pj8${pad}`)
  for (const pad of ['=', '']) {
    assert.deepEqual(openEnvelope(urlSafe(pad), TYPE, publicKey), payload)
  }
  assert.throws(() => openEnvelope(text.replace('+/+/', '+/-_'), TYPE, publicKey), refused)
})

test('one good signature among others is enough', () => {
  const other = generateKeyPairSync('ed25519')
  const text = sealEnvelope(TYPE, Buffer.from('{}'), signer)
  const envelope = JSON.parse(text)
  const bytes = preAuthEncoding(TYPE, Buffer.from('{}'))
  envelope.signatures.unshift({ sig: sign(null, bytes, other.privateKey).toString('base64') })
  assert.ok(openEnvelope(JSON.stringify(envelope), TYPE, publicKey))
  assert.ok(openEnvelope(JSON.stringify(envelope), TYPE, other.publicKey))
})

test('an envelope of another form is refused', () => {
  const good = JSON.parse(sealEnvelope(TYPE, Buffer.from('{}'), signer))
  const [signature] = good.signatures
  const bad: Record<string, string> = {
    'no signatures': JSON.stringify({ ...good, signatures: [] }),
    'no field for signatures': JSON.stringify({ payload: good.payload, payloadType: TYPE }),
    'a signature without bytes': JSON.stringify({ ...good, signatures: [{ sig: '' }] }),
    'a signature cut short': JSON.stringify({
      ...good,
      signatures: [{ sig: Buffer.from(signature.sig, 'base64').subarray(1).toString('base64') }],
    }),
    'too many signatures': JSON.stringify({ ...good, signatures: Array(17).fill(signature) }),
    'another payload type': JSON.stringify({ ...good, payloadType: 'text/plain' }),
    'a payload that is not base64': JSON.stringify({ ...good, payload: '!!!!' }),
    'a payload with spaces': JSON.stringify({ ...good, payload: `${good.payload} ` }),
    'trailing junk': `${JSON.stringify(good)}x`,
    'a second document': `${JSON.stringify(good)}\n${JSON.stringify(good)}`,
    'a repeated key': JSON.stringify(good).replace('{', `{"payload":"${good.payload}",`),
    'a list': JSON.stringify([good]),
    'no JSON': 'evidence',
    nothing: '',
  }
  for (const [what, text] of Object.entries(bad)) {
    assert.throws(() => openEnvelope(text, TYPE, publicKey), refused, what)
  }
})

test('a signature under one payload type is refused under another', () => {
  const envelope = JSON.parse(sealEnvelope('text/plain', Buffer.from('{}'), signer))
  const swapped = JSON.stringify({ ...envelope, payloadType: TYPE })
  assert.throws(() => openEnvelope(swapped, TYPE, publicKey), refused)
})

test('only a public Ed25519 key is taken', () => {
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  assert.equal(keyIdOf(readPublicKey(pem)), signer.keyid)
  assert.equal(keyIdOf(readPublicKey(pem.replaceAll('\n', '\r\n'))), signer.keyid)
  const spki = { type: 'spki', format: 'pem' } as const
  const bad: Record<string, string | Buffer> = {
    'an EC key': generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export(spki),
    'an Ed448 key': generateKeyPairSync('ed448').publicKey.export(spki),
    'a private key': privateKey.export({ type: 'pkcs8', format: 'pem' }),
    'two keys': `${pem}${pem}`,
    'text before the key': `hello\n${pem}`,
    'a broken key': pem.replace('MCow', 'MDow'),
    'no key': 'hello',
    nothing: '',
  }
  for (const [what, text] of Object.entries(bad)) {
    assert.throws(() => readPublicKey(text.toString()), refused, what)
  }
})
