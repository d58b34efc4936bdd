import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { before, test } from 'node:test'
import * as fc from 'fast-check'
import { RingfenceError } from '../core/errors.ts'
import { keyIdOf, sealEnvelope } from './dsse.ts'
import { PREDICATE_TYPE, signEvidence, verifyEvidence } from './evidence.ts'
import { fakeBoundary, RUN } from './fake-boundary.test-support.ts'
import type { ProofReport } from './proof-report.ts'
import { renderJson } from './report-json.ts'
import { runProof } from './run-proof.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
const signer = {
  keyid: keyIdOf(publicKey),
  sign: (bytes: Uint8Array) => sign(null, bytes, privateKey),
}
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const refused = (error: unknown) =>
  error instanceof RingfenceError && error.code === 'invalid_evidence'

let report: ProofReport
let evidence: string
let statement: { predicate: Record<string, unknown>; [field: string]: unknown }

before(async () => {
  report = await runProof({ ...RUN, boundaries: [fakeBoundary()], environment: { fake: '1.0' } })
  evidence = signEvidence(report, [{ name: 'report.html', content: '<p>' }], signer)
  statement = JSON.parse(Buffer.from(JSON.parse(evidence).payload, 'base64').toString())
})

const reseal = (value: unknown) =>
  sealEnvelope('application/vnd.in-toto+json', Buffer.from(JSON.stringify(value)), signer)

test('evidence is an in-toto statement whose subjects are the subject and the reports', () => {
  assert.equal(statement['_type'], 'https://in-toto.io/Statement/v1')
  assert.equal(statement['predicateType'], PREDICATE_TYPE)
  assert.deepEqual(statement['subject'], [
    { name: 'clinic', digest: { sha256: 'c'.repeat(64) } },
    { name: 'report.json', digest: { sha256: sha256(renderJson(report)) } },
    { name: 'report.html', digest: { sha256: sha256('<p>') } },
  ])
  assert.equal(statement.predicate['verdict'], 'proven')
  assert.deepEqual(statement.predicate['counts'], report.counts)
})

test('evidence is verified with nothing but its text and the public key', () => {
  const verified = verifyEvidence(evidence, pem)
  assert.deepEqual(verified.report, report)
  assert.deepEqual([verified.verdict, verified.keyid], ['proven', signer.keyid])
  assert.equal(verified.subjects.length, 3)
})

test('evidence under another key is refused', () => {
  const other = generateKeyPairSync('ed25519').publicKey
  const otherPem = other.export({ type: 'spki', format: 'pem' }).toString()
  assert.throws(() => verifyEvidence(evidence, otherPem), refused)
})

test('a single flipped byte in the payload or in the signature is refused', () => {
  const envelope = JSON.parse(evidence)
  const payload = Buffer.from(envelope.payload, 'base64')
  const signature = Buffer.from(envelope.signatures[0].sig, 'base64')
  const flip = (bytes: Buffer, at: number, mask: number) => {
    const copy = Buffer.from(bytes)
    copy[at] = (copy[at] ?? 0) ^ mask
    return copy.toString('base64')
  }
  fc.assert(
    fc.property(fc.nat(payload.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const forged = JSON.stringify({ ...envelope, payload: flip(payload, at, mask) })
      assert.throws(() => verifyEvidence(forged, pem), refused)
    }),
  )
  fc.assert(
    fc.property(fc.nat(signature.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const sig = flip(signature, at, mask)
      const forged = JSON.stringify({ ...envelope, signatures: [{ sig }] })
      assert.throws(() => verifyEvidence(forged, pem), refused)
    }),
  )
})

test('a single other character in the payload’s or the signature’s base64 is refused', () => {
  const envelope = JSON.parse(evidence)
  // Without - and _, which may only write the same bytes in the other alphabet.
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \n'
  const character = fc.constantFrom(...alphabet.split(''))
  const replaced = (text: string, at: number, by: string) =>
    text.slice(0, at) + by + text.slice(at + 1)
  fc.assert(
    fc.property(fc.boolean(), fc.nat(), character, (inPayload, where, by) => {
      const text: string = inPayload ? envelope.payload : envelope.signatures[0].sig
      const forged = replaced(text, where % text.length, by)
      fc.pre(forged !== text)
      const next = inPayload
        ? { ...envelope, payload: forged }
        : { ...envelope, signatures: [{ sig: forged }] }
      assert.throws(() => verifyEvidence(JSON.stringify(next), pem), refused)
    }),
  )
})

test('a signed payload that is no statement of a proof is refused', () => {
  const { predicate } = statement
  const bad: Record<string, unknown> = {
    'another type': { ...statement, _type: 'https://in-toto.io/Statement/v0.1' },
    'another predicate': { ...statement, predicateType: 'https://slsa.dev/provenance/v1' },
    'no subject': { ...statement, subject: [] },
    'a subject without digest': { ...statement, subject: [{ name: 'clinic' }] },
    'no report': { ...statement, predicate: { ...predicate, report: undefined } },
    'another verdict': { ...statement, predicate: { ...predicate, verdict: 'leak' } },
    'a report with another verdict': {
      ...statement,
      predicate: { ...predicate, report: { ...report, verdict: 'leak' } },
    },
    'a report whose digest is not named': {
      ...statement,
      predicate: { ...predicate, report: { ...report, milliseconds: 1 } },
    },
    'a report of another version': {
      ...statement,
      predicate: { ...predicate, report: { ...report, apiVersion: 'ringfence.dev/v2' } },
    },
    nothing: null,
  }
  for (const [what, value] of Object.entries(bad)) {
    assert.throws(() => verifyEvidence(reseal(value), pem), refused, what)
  }
})

test('a signed payload with a repeated key or broken UTF-8 is refused', () => {
  const text = JSON.stringify(statement)
  const twice = text.replace('{', '{"predicateType":"x",')
  const broken = Buffer.from(text)
  broken[text.indexOf('clinic')] = 0xff
  for (const bytes of [Buffer.from(twice), broken, Buffer.from(`\ufeff${text}`)]) {
    const sealed = sealEnvelope('application/vnd.in-toto+json', bytes, signer)
    assert.throws(() => verifyEvidence(sealed, pem), refused)
  }
})

test('fields that a later version adds do not make evidence unreadable', () => {
  const laterReport = { ...report, later: [{ more: 1 }] }
  const { subject, predicate } = statement
  assert.ok(Array.isArray(subject))
  const digest = { sha256: sha256(`${JSON.stringify(laterReport, null, 2)}\n`) }
  const later = {
    ...statement,
    subject: [...subject, { name: 'report.json', digest }],
    predicate: { ...predicate, more: 1, report: laterReport },
  }
  assert.deepEqual(verifyEvidence(reseal(later), pem).report, report)
})
