import { RingfenceError } from '../core/errors.ts'
import { openCheckpoint } from './checkpoint.ts'
import { followKeys } from './key-announcement.ts'
import type { LogFinding } from './log-finding.ts'
import { type SignedBy, verifySignatures } from './signed-note.ts'
import type { ReadResource } from './tile-nodes.ts'
import { ED25519, type VerifierKey } from './verifier-key.ts'
import { verifyEntries } from './verify-entries.ts'

export interface VerifyLog {
  /** Finds what is below the log's prefix: `checkpoint`, `keys`, `tile/0/000`. */
  readonly read: ReadResource
  /** The log's own keys that are trusted. Later ones are followed by their announcements. */
  readonly keys: readonly VerifierKey[]
  /** A checkpoint that the log gave out before. */
  readonly since?: string
  readonly witnesses?: readonly VerifierKey[]
  /** How many of the witnesses must have cosigned. Default all. */
  readonly quorum?: number
  readonly onProgress?: (entries: number, size: number) => void
}

export interface LogReport {
  readonly origin: string
  readonly size: number
  /** In base64. */
  readonly root: string
  readonly signedBy: readonly string[]
  readonly cosignedBy: readonly { readonly key: string; readonly time: string }[]
  readonly findings: readonly LogFinding[]
}

/** How an entry begins that announces a key; it is not encrypted. */
const OPEN_ENTRY = Buffer.from('{"v":1,"open":')

/**
 * Verifies a log from what is served of it and its public key alone.
 * @throws RingfenceError `not_found` when there is no checkpoint; `invalid_evidence` when `since` is not
 *   one that the log has signed
 */
export async function verifyLog(options: VerifyLog): Promise<LogReport> {
  const { read, witnesses = [] } = options
  const served = await read('checkpoint')
  if (served === undefined) throw new RingfenceError('not_found', 'there is no checkpoint here')
  const { keys, followed } = followKeys(options.keys, announcements(await read('keys')))
  const checkpoint = opened(textOf(served), keys)
  if ('reason' in checkpoint) return unsigned(options.keys, checkpoint.reason)
  const { origin, size, root, note } = checkpoint
  const since = options.since === undefined ? undefined : openCheckpoint(options.since, keys)
  if (since !== undefined && since.origin !== origin) {
    throw new RingfenceError('invalid_evidence', `the older checkpoint is of ${since.origin}`)
  }
  const announced: string[] = []
  const findings = await verifyEntries({
    read,
    head: checkpoint,
    ...(since === undefined ? {} : { since }),
    onEntry: (entry) => {
      if (OPEN_ENTRY.equals(entry.subarray(0, OPEN_ENTRY.length))) announced.push(textOf(entry))
    },
    onProgress: (entries) => options.onProgress?.(entries, size),
  })
  const signedBy = note.signedBy.filter(({ key }) => key.type === ED25519)
  const unannounced = followed.filter(
    (note) => !announced.some((entry) => entry.includes(JSON.stringify(note))),
  )
  const cosignedBy = verifySignatures(note, witnesses)
  return {
    origin,
    size,
    root: Buffer.from(root).toString('base64'),
    signedBy: signedBy.map(({ key }) => key.text),
    cosignedBy: cosignedBy.map(({ key, time }) => ({ key: key.text, time: timeText(time) })),
    findings: [
      ...findings,
      ...unannounced.map((note): LogFinding => ({ kind: 'key', key: note.split('\n')[2] ?? '' })),
      ...witnessFindings(cosignedBy, options),
    ],
  }
}

function opened(note: string, keys: readonly VerifierKey[]) {
  try {
    const checkpoint = openCheckpoint(note, keys)
    const isOwn = checkpoint.note.signedBy.some(({ key }) => key.name === checkpoint.origin)
    return isOwn ? checkpoint : { reason: `it is of ${checkpoint.origin}` }
  } catch (error) {
    if (error instanceof RingfenceError) return { reason: error.message }
    throw error
  }
}

/** Nothing is believed of a log whose checkpoint is not signed. */
function unsigned(keys: readonly VerifierKey[], reason: string): LogReport {
  const findings: LogFinding[] = [{ kind: 'signature', reason }]
  return { origin: keys[0]?.name ?? '', size: 0, root: '', signedBy: [], cosignedBy: [], findings }
}

function witnessFindings(
  cosignedBy: readonly SignedBy[],
  { witnesses = [], quorum = witnesses.length }: VerifyLog,
): LogFinding[] {
  const found = cosignedBy.length
  return found < quorum ? [{ kind: 'witnesses', found, needed: quorum }] : []
}

/** The list of announcements: a JSON array of notes. Only notes that are signed are believed. */
function announcements(list: Uint8Array | undefined): readonly string[] {
  if (list === undefined) return []
  try {
    const notes: unknown = JSON.parse(textOf(list))
    return Array.isArray(notes) ? notes.filter((note) => typeof note === 'string') : []
  } catch {
    return []
  }
}

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')
const timeText = (seconds = 0) => new Date(seconds * 1_000).toISOString()
