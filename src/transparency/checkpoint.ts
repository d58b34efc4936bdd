import { RingfenceError } from '../core/errors.ts'
import { HASH_BYTES } from './merkle-hash.ts'
import type { TreeHead } from './merkle-proofs.ts'
import { openNote, type OpenedNote } from './signed-note.ts'
import type { VerifierKey } from './verifier-key.ts'

/** What a log says of itself at one size: C2SP tlog-checkpoint. */
export interface Checkpoint extends TreeHead {
  /** Which log: `audit.example/tenant/acme`. */
  readonly origin: string
  readonly extensions: readonly string[]
}

const SIZE = /^(?:0|[1-9]\d{0,15})$/

/** The text of the note. */
export function formatCheckpoint({ origin, size, root }: Omit<Checkpoint, 'extensions'>): string {
  return `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`
}

/** @throws RingfenceError `invalid_evidence` */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin, size, root, ...rest] = text.split('\n')
  const last = rest.pop()
  const isWhole = origin !== undefined && origin !== '' && last === '' && !rest.includes('')
  if (!isWhole || size === undefined || !SIZE.test(size) || root === undefined) throw malformed()
  const hash = Buffer.from(root, 'base64')
  if (hash.length !== HASH_BYTES || hash.toString('base64') !== root) throw malformed()
  if (!Number.isSafeInteger(Number(size))) throw malformed()
  return { origin, size: Number(size), root: hash, extensions: rest }
}

/**
 * Reads a checkpoint that one of the log's keys has signed.
 * @param keys of the log, and of witnesses whose signatures are to be known
 * @throws RingfenceError `invalid_evidence`
 */
export function openCheckpoint(
  note: string,
  keys: readonly VerifierKey[],
): Checkpoint & { readonly note: OpenedNote } {
  const opened = openNote(note, keys)
  return { ...parseCheckpoint(opened.text), note: opened }
}

const malformed = () =>
  new RingfenceError('invalid_evidence', 'this is not a checkpoint as C2SP tlog-checkpoint has it')
