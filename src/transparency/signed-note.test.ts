import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatCheckpoint, openCheckpoint, parseCheckpoint } from './checkpoint.ts'
import { cosigner, logSigner, newSeed } from './note-signer.ts'
import { openNote, parseNote, parseSignatureLine, signatureLine, signNote } from './signed-note.ts'
import { parseVerifierKey } from './verifier-key.ts'

/** The keys and the note of golang.org/x/mod/sumdb/note. */
const VKEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const SEED = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1)
const TEXT =
  'If you think cryptography is the answer to your problem,\n' +
  "then you don't know what your problem is.\n"
const NOTE = `${TEXT}
— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`

const invalid = { code: 'invalid_evidence' }

test('a note is signed to the byte as the first implementation signs it', () => {
  const signer = logSigner('PeterNeumann', SEED)
  assert.equal(signer.key.text, VKEY)
  assert.equal(signNote(TEXT, [signer]), NOTE)
  assert.equal(openNote(NOTE, [parseVerifierKey(VKEY)]).text, TEXT)
})

test('a key with a letter changed or cut off is no key', () => {
  for (let at = 0; at < VKEY.length; at += 1) {
    const next = String.fromCharCode(VKEY.charCodeAt(at) + 1)
    const spoiled = VKEY.slice(0, at) + next + VKEY.slice(at + 1)
    assert.throws(() => parseVerifierKey(spoiled), { code: 'invalid_argument' }, spoiled)
    assert.throws(() => parseVerifierKey(VKEY.slice(at + 1)))
    assert.throws(() => parseVerifierKey(VKEY.slice(0, at)))
  }
  // Of another length, and of a type that is not known, each with the right key id.
  for (const key of [
    'PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==',
    'PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  ]) {
    assert.throws(() => parseVerifierKey(key), { code: 'invalid_argument' })
  }
})

test('a note that was changed anywhere is not opened', () => {
  const keys = [parseVerifierKey(VKEY)]
  const bytes = Buffer.from(NOTE)
  for (let at = 0; at < bytes.length; at += 1) {
    const spoiled = Buffer.from(bytes)
    spoiled[at] = (spoiled[at] ?? 0) ^ 1
    assert.throws(() => openNote(spoiled.toString('utf8'), keys), invalid, `byte ${at}`)
  }
})

test('what is not in the form of a note is not read', () => {
  const [line = ''] = NOTE.split('\n').slice(-2)
  for (const note of [
    '',
    TEXT,
    `${TEXT}\n`,
    `${TEXT}\n${line}`,
    `${TEXT}\n${line}\nmore\n`,
    `${TEXT}\n${line}\r\n`,
    `a\tb\n\n${line}\n`,
    `a\u0000\n\n${line}\n`,
    `a\ud800\n\n${line}\n`,
    `${TEXT}\n${line.replace('—', '-')}\n`,
    `${TEXT}\n${line.replace('PeterNeumann', 'Peter+Neumann')}\n`,
    `${TEXT}\n${line.replace('PeterNeumann', '')}\n`,
    `${TEXT}\n— PeterNeumann x08g\n`,
    `${TEXT}\n— PeterNeumann x08go_\n`,
    `${TEXT}\n${`${line}\n`.repeat(101)}`,
  ]) {
    assert.throws(() => parseNote(note), invalid, JSON.stringify(note))
  }
  assert.equal(parseNote(`${TEXT}\n${`${line}\n`.repeat(16)}`).signatures.length, 16)
  assert.equal(signatureLine(parseSignatureLine(line)), line)
})

test('signatures of unknown keys are passed over, and one wrong signature of a known key spoils a note', () => {
  const [a, b] = [logSigner('a.example', newSeed()), logSigner('b.example', newSeed())]
  const stranger = logSigner('a.example', newSeed())
  const note = signNote('text\n', [stranger, b, a])
  assert.deepEqual(
    openNote(note, [a.key]).signedBy.map(({ key }) => key.text),
    [a.key.text],
  )
  assert.throws(() => openNote(signNote('text\n', [stranger]), [a.key, b.key]), invalid)
  const other = parseNote(signNote('other\n', [a])).signatures.map(signatureLine)
  assert.throws(() =>
    openNote(`${note}${other[0]}\n`.replace(/— a[^\n]*\n(?=— a)/, ''), [b.key, a.key]),
  )
})

test('a cosignature says when, and holds for that time and text alone', () => {
  let now = 1_679_315_147
  const witness = cosigner('witness.example.com/w1', newSeed(), () => now)
  const log = logSigner('example.com/behind-the-sofa', newSeed())
  const text =
    'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n'
  const note = signNote(text, [log, witness])
  const opened = openCheckpoint(note, [log.key, parseVerifierKey(witness.key.text)])
  assert.deepEqual(
    opened.note.signedBy.map(({ time }) => time),
    [undefined, now],
  )
  assert.equal(opened.size, 20_852_163)
  assert.equal(formatCheckpoint(opened), text)
  const bytes = parseNote(note).signatures[1]?.signature ?? assert.fail()
  assert.equal(bytes.length, 72)
  assert.equal(Buffer.from(bytes).readBigUInt64BE(), 1_679_315_147n)
  now += 1
  const later = parseNote(signNote(text, [witness])).signatures[0]?.signature ?? assert.fail()
  const mixed = Buffer.concat([later.subarray(0, 8), bytes.subarray(8)])
  const { name, id } = witness.key
  const line = signatureLine({ name, id, signature: mixed })
  assert.throws(() => openNote(`${text}\n${line}\n`, [witness.key]), invalid)
})

test('a checkpoint has one way to be written', () => {
  const root = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I='
  assert.deepEqual(parseCheckpoint(`o\n0\n${root}\nmore\n`).extensions, ['more'])
  for (const text of [
    `\n1\n${root}\n`,
    `o\n01\n${root}\n`,
    `o\n-1\n${root}\n`,
    `o\n1.0\n${root}\n`,
    `o\n9999999999999999\n${root}\n`,
    `o\n1\n${root.slice(4)}\n`,
    `o\n1\n${root}`,
    `o\n1\n${root}\n\n`,
    `o\n1\n${root.replace('I=', 'J=')}\n`,
    `o\n1\n`,
  ]) {
    assert.throws(() => parseCheckpoint(text), invalid, JSON.stringify(text))
  }
})
