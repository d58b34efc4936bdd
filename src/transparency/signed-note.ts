import { verify } from 'node:crypto'
import { RingfenceError } from '../core/errors.ts'
import { cosignedText, decodeCosignature } from './cosignature.ts'
import type { NoteSigner } from './note-signer.ts'
import { ED25519, isKeyName, type VerifierKey } from './verifier-key.ts'

export interface NoteSignature {
  readonly name: string
  readonly id: number
  /** Without the key id before it. */
  readonly signature: Uint8Array
}

/** A note whose signatures nobody has looked at. */
export interface UnverifiedNote {
  /** Ends with a newline. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** A note, and which of the known keys have signed it. */
export interface OpenedNote extends UnverifiedNote {
  readonly signedBy: readonly SignedBy[]
}

export interface SignedBy {
  readonly key: VerifierKey
  /** Seconds since the epoch, as a witness says. */
  readonly time?: number
}

const BYTES_MAX = 1_000_000
const SIGNATURES_MAX = 100
const ID_BYTES = 4
const DASH = '\u2014'
/** A control character of ASCII other than a newline. */
const CONTROL = /[^\P{Cc}\n\u007f-\u009f]/u

/** Reads a note in the one form that C2SP signed-note allows. @throws RingfenceError `invalid_evidence` */
export function parseNote(note: string): UnverifiedNote {
  const split = note.lastIndexOf('\n\n')
  const isText = note.isWellFormed() && !CONTROL.test(note) && note.length <= BYTES_MAX
  if (!isText || split < 0 || !note.endsWith('\n')) throw malformed()
  const lines = note.slice(split + 2, -1).split('\n')
  if (lines.length > SIGNATURES_MAX) throw malformed()
  return { text: note.slice(0, split + 1), signatures: lines.map(parseSignatureLine) }
}

/** @throws RingfenceError `invalid_evidence` */
export function parseSignatureLine(line: string): NoteSignature {
  const [dash, name, base64, ...more] = line.split(' ')
  const isLine = dash === DASH && name !== undefined && isKeyName(name) && more.length === 0
  if (!isLine || base64 === undefined) throw malformed()
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.length <= ID_BYTES || bytes.toString('base64') !== base64) throw malformed()
  return { name, id: bytes.readUInt32BE(), signature: bytes.subarray(ID_BYTES) }
}

/** Without a newline at its end. */
export function signatureLine({ name, id, signature }: NoteSignature): string {
  const head = Buffer.alloc(ID_BYTES)
  head.writeUInt32BE(id)
  return `${DASH} ${name} ${Buffer.concat([head, signature]).toString('base64')}`
}

export function formatNote({ text, signatures }: UnverifiedNote): string {
  return `${text}\n${signatures.map((one) => `${signatureLine(one)}\n`).join('')}`
}

/** @param text ends with a newline */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  return formatNote({ text, signatures: signers.map((signer) => signer.sign(text)) })
}

/**
 * Reads a note and verifies the signatures of known keys; those of others are as if they were not there.
 *
 * @throws RingfenceError `invalid_evidence` when a known key's signature is wrong, or no known key has
 *   signed
 */
export function openNote(note: string, keys: readonly VerifierKey[]): OpenedNote {
  const parsed = parseNote(note)
  const signedBy = verifySignatures(parsed, keys)
  if (signedBy.length === 0) {
    throw new RingfenceError('invalid_evidence', 'no known key has signed this note')
  }
  return { ...parsed, signedBy }
}

/** `openNote` for when nobody need have signed. @throws RingfenceError `invalid_evidence` */
export function verifySignatures(
  { text, signatures }: UnverifiedNote,
  keys: readonly VerifierKey[],
): readonly SignedBy[] {
  const signedBy = new Map<VerifierKey, SignedBy>()
  for (const signature of signatures) {
    const key = keys.find(({ name, id }) => name === signature.name && id === signature.id)
    if (key === undefined || signedBy.has(key)) continue
    const signed = check(text, signature.signature, key)
    if (signed === undefined) {
      throw new RingfenceError('invalid_evidence', `the signature of ${key.name} is wrong`)
    }
    signedBy.set(key, signed)
  }
  return [...signedBy.values()]
}

function check(text: string, signature: Uint8Array, key: VerifierKey): SignedBy | undefined {
  if (key.type === ED25519) {
    return verify(null, Buffer.from(text), key.publicKey, signature) ? { key } : undefined
  }
  const stamped = decodeCosignature(signature)
  if (stamped === undefined) return undefined
  const message = Buffer.from(cosignedText(stamped.time, text))
  return verify(null, message, key.publicKey, stamped.signature)
    ? { key, time: stamped.time }
    : undefined
}

const malformed = () =>
  new RingfenceError('invalid_evidence', 'this is not a signed note as C2SP signed-note has it')
