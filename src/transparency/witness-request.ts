import { RingfenceError } from '../core/errors.ts'
import { HASH_BYTES } from './merkle-hash.ts'

/** C2SP tlog-witness: what a log sends to a witness with `add-checkpoint`. */
export interface WitnessRequest {
  /** The size that the witness cosigned last. 0 when none. */
  readonly oldSize: number
  readonly proof: readonly Uint8Array[]
  /** The signed checkpoint. */
  readonly checkpoint: string
}

const PROOF_LINES_MAX = 63
const OLD = /^old (0|[1-9]\d{0,15})$/

export function encodeWitnessRequest({ oldSize, proof, checkpoint }: WitnessRequest): string {
  const lines = proof.map((hash) => `${Buffer.from(hash).toString('base64')}\n`)
  return `old ${oldSize}\n${lines.join('')}\n${checkpoint}`
}

/** @throws RingfenceError `invalid_argument` */
export function parseWitnessRequest(body: string): WitnessRequest {
  const split = body.indexOf('\n\n')
  const [first, ...lines] = body.slice(0, Math.max(split, 0)).split('\n')
  const old = OLD.exec(first ?? '')?.[1]
  if (old === undefined || lines.length > PROOF_LINES_MAX) throw malformed()
  const oldSize = Number(old)
  if (!Number.isSafeInteger(oldSize)) throw malformed()
  const proof = lines.map((line) => {
    const hash = Buffer.from(line, 'base64')
    if (hash.length !== HASH_BYTES || hash.toString('base64') !== line) throw malformed()
    return hash
  })
  return { oldSize, proof, checkpoint: body.slice(split + 2) }
}

const malformed = () =>
  new RingfenceError('invalid_argument', 'this is not a request as C2SP tlog-witness has it')
