import { messageOf } from '../core/errors.ts'
import { parseCheckpoint, type Checkpoint } from './checkpoint.ts'
import { sameHash } from './merkle-hash.ts'
import { type TreeHead, verifyConsistency } from './merkle-proofs.ts'
import type { NoteSigner } from './note-signer.ts'
import { parseNote, signatureLine, verifySignatures } from './signed-note.ts'
import type { VerifierKey } from './verifier-key.ts'
import { parseWitnessRequest } from './witness-request.ts'

/** What a witness answers: C2SP tlog-witness; 503 when it cannot cosign now. */
export interface WitnessAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422 | 503
  readonly contentType: 'text/plain; charset=utf-8' | 'text/x.tlog.size'
  readonly body: string
  /** To be kept, durably, before the answer is given. */
  readonly remember?: TreeHead
}

/** What a witness knows. Whoever asks for it holds the log's record until the answer is remembered. */
export interface WitnessKnowledge {
  /** Keys of the log with this origin. Undefined when the witness does not know it. */
  readonly keysOf: (origin: string) => readonly VerifierKey[] | undefined
  /** The tree head that it cosigned last for the origin. */
  readonly last: (origin: string) => Promise<TreeHead | undefined>
}

const plain = (status: WitnessAnswer['status'], body: string): WitnessAnswer => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body: `${body}\n`,
})

/** Judges an `add-checkpoint`: cosigns only what continues what it cosigned before. */
export async function judgeCheckpoint(
  body: string,
  knowledge: WitnessKnowledge,
  signer: NoteSigner,
): Promise<WitnessAnswer> {
  let request: ReturnType<typeof readRequest>
  try {
    request = readRequest(body)
  } catch (error) {
    return plain(400, messageOf(error))
  }
  const { checkpoint, note, oldSize, proof } = request
  const keys = knowledge.keysOf(checkpoint.origin)
  if (keys === undefined) return plain(404, 'this log is not known here')
  if (!isSigned(note, keys)) return plain(403, 'no known key of this log has signed')
  if (oldSize > checkpoint.size) return plain(400, 'the old size is above the size')
  const last = (await knowledge.last(checkpoint.origin)) ?? { size: 0, root: new Uint8Array() }
  if (oldSize !== last.size) return conflict(last)
  const isSame = oldSize === checkpoint.size && oldSize > 0
  if (isSame && !sameHash(last.root, checkpoint.root)) return conflict(last)
  if (!verifyConsistency(last, checkpoint, proof)) return plain(422, 'the proof does not hold')
  const line = signatureLine(signer.sign(note.text))
  const { size, root } = checkpoint
  return { ...plain(200, line), remember: { size, root } }
}

function readRequest(body: string) {
  const request = parseWitnessRequest(body)
  const note = parseNote(request.checkpoint)
  const checkpoint: Checkpoint = parseCheckpoint(note.text)
  return { ...request, note, checkpoint }
}

function isSigned(note: ReturnType<typeof parseNote>, keys: readonly VerifierKey[]): boolean {
  try {
    return verifySignatures(note, keys).length > 0
  } catch {
    return false
  }
}

const conflict = ({ size }: TreeHead): WitnessAnswer => ({
  status: 409,
  contentType: 'text/x.tlog.size',
  body: `${size}\n`,
})
