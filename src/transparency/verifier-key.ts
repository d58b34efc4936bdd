import { createPublicKey, hash, type KeyObject } from 'node:crypto'
import { RingfenceError } from '../core/errors.ts'

/** Signature types of C2SP signed-note that are understood here. */
export const ED25519 = 1
export const COSIGNATURE = 4
export type SignatureType = typeof ED25519 | typeof COSIGNATURE

/** A public key under a name, as C2SP signed-note has it: a "vkey". */
export interface VerifierKey {
  readonly name: string
  /** The key id: 32 bits that tell keys of one name apart. */
  readonly id: number
  readonly type: SignatureType
  readonly publicKey: KeyObject
  /** `name+id+key`, as it is written in configurations. */
  readonly text: string
}

const KEY_BYTES = 32
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')
const NAME = /^[^\p{White_Space}\p{Cc}+]+$/u

/** Whether a key may have this name: something, without spaces, plus signs or control characters. */
export const isKeyName = (name: string): boolean => NAME.test(name) && name.isWellFormed()

/** The key id that C2SP signed-note recommends. */
export function keyId(name: string, type: SignatureType, publicKey: Uint8Array): number {
  const text = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(type), publicKey])
  return hash('sha256', text, 'buffer').readUInt32BE()
}

/** @param raw the 32 bytes of an Ed25519 public key @throws RingfenceError `invalid_argument` */
export function verifierKey(name: string, type: SignatureType, raw: Uint8Array): VerifierKey {
  if (!isKeyName(name) || raw.length !== KEY_BYTES) throw notAKey()
  const id = keyId(name, type, raw)
  const material = Buffer.concat([Buffer.of(type), raw]).toString('base64')
  const key = Buffer.concat([SPKI_PREFIX, raw])
  return {
    name,
    id,
    type,
    publicKey: createPublicKey({ key, format: 'der', type: 'spki' }),
    text: `${name}+${hexOf(id)}+${material}`,
  }
}

/** Reads a vkey: a name, its key id and a key of type 1 or 4. @throws RingfenceError `invalid_argument` */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name, id, material] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text) ?? []
  if (name === undefined || id === undefined || material === undefined) throw notAKey()
  const bytes = Buffer.from(material, 'base64')
  const type = bytes[0]
  if (bytes.toString('base64') !== material) throw notAKey()
  if (type !== ED25519 && type !== COSIGNATURE) throw notAKey()
  const key = verifierKey(name, type, bytes.subarray(1))
  if (hexOf(key.id) !== id) throw notAKey()
  return key
}

/** The 32 bytes of an Ed25519 public key. */
export function rawPublicKey(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES)
}

/** How a key id is written. */
export const hexOf = (id: number): string => id.toString(16).padStart(8, '0')

const notAKey = () =>
  new RingfenceError(
    'invalid_argument',
    'a key of a log is name+id+key, as C2SP signed-note says: log.example/a+1a2b3c4d+AX…',
  )
