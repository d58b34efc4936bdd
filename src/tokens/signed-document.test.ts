import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forge, unsigned } from './forge.test-support.ts'
import { openDocument, signDocument } from './signed-document.ts'
import { SigningKey } from './signing-key.ts'
import { KeySet } from './verify-token.ts'

const key = await SigningKey.create('EdDSA')
const es = await SigningKey.create('ES256')
const stranger = await SigningKey.create('EdDSA')
const keys = new KeySet([key.publicJwk, es.publicJwk])
const header = { alg: 'EdDSA', typ: 'rf-test+jws', kid: key.publicJwk.kid }
const refusal = { code: 'invalid_token', message: 'the document is not signed by this platform' }

test('a document is read as it was signed', async () => {
  const text = await signDocument(key, 'rf-test+jws', { a: [1, 'ü'] })
  assert.deepEqual(await openDocument(text, keys, 'rf-test+jws'), { a: [1, 'ü'] })
})

test('documents are signed with EdDSA only', async () => {
  await assert.rejects(signDocument(es, 'rf-test+jws', {}), { code: 'invalid_argument' })
  const { kid } = es.publicJwk
  const text = forge(es, { ...header, alg: 'ES256', kid }, {})
  await assert.rejects(openDocument(text, keys, 'rf-test+jws'), refusal)
})

test('another type, key, or content is refused', async () => {
  const text = await signDocument(key, 'rf-test+jws', { a: 1 })
  const [head = '', , signature = ''] = text.split('.')
  for (const other of [
    await signDocument(key, 'rf-other+jws', { a: 1 }),
    await signDocument(key, 'application/rf-test+jws', { a: 1 }),
    await signDocument(stranger, 'rf-test+jws', { a: 1 }),
    forge(stranger, header, { a: 1 }),
    `${head}.${Buffer.from('{"a":2}').toString('base64url')}.${signature}`,
    forge(key, header, '{"a":1,"a":2}'),
    forge(key, header, '{'),
    unsigned({ ...header, alg: 'none' }, { a: 1 }),
    '',
  ]) {
    await assert.rejects(openDocument(other, keys, 'rf-test+jws'), refusal)
  }
})
