import { type LogName, logOf } from '../../audit/entry.ts'
import { signersOf } from '../../records/log/signing-keys.ts'
import { formatCheckpoint } from '../../transparency/checkpoint.ts'
import { CompactRange } from '../../transparency/compact-range.ts'
import { decodeBundle, encodeBundle } from '../../transparency/entry-bundle.ts'
import { leafHash } from '../../transparency/merkle-hash.ts'
import type { NoteSigner } from '../../transparency/note-signer.ts'
import { signNote } from '../../transparency/signed-note.ts'
import { tilePath } from '../../transparency/tile-path.ts'
import { parseVerifierKey, type VerifierKey } from '../../transparency/verifier-key.ts'
import type { Duel } from '../duel.ts'
import { ORIGIN } from './ground.ts'
import type { Party } from './party.ts'
import type { Site } from './site.ts'
import { bodyOf } from '../../strikes/heard.ts'

const AUDIT = '/ringfence/audit'

/** A log as its owner has fetched it: what a verifier needs, and a verifier has nothing else. */
export interface TakenLog {
  readonly origin: string
  /** The first key, as the owner wrote it down. */
  readonly key: VerifierKey
  readonly entries: readonly Buffer[]
  readonly checkpoint: string
  /** `checkpoint`, `keys`, `tile/0/000.p/7`, … */
  readonly files: ReadonlyMap<string, Buffer>
}

/** Fetches a log through the API, as its owner. Logs of rehearsals have one tile. */
export async function takeLog(duel: Duel, party: Party): Promise<TakenLog> {
  const context = await duel.context(party)
  const get = async (path: string) => {
    const { status, body } = await duel.ownerSays('tenants', `${AUDIT}/${path}`, context)
    if (status !== 200) throw new Error(`the owner could not fetch ${path}`)
    return Buffer.from(body, 'latin1')
  }
  const { keys } = bodyOf(await duel.ownerSays('tenants', AUDIT, context))
  const [vkey] = keys as readonly string[]
  const checkpoint = await get('checkpoint')
  const width = Number(checkpoint.toString('latin1').split('\n')[1])
  const paths = ['keys', hashesAt(width), entriesAt(width)]
  const files = new Map([['checkpoint', checkpoint]])
  for (const path of paths) files.set(path, await get(path))
  const bundle = files.get(entriesAt(width)) ?? Buffer.alloc(0)
  return {
    origin: `${ORIGIN}/${logOf(party.tenant)}`,
    key: parseVerifierKey(vkey ?? ''),
    entries: (decodeBundle(bundle) ?? []).map((entry) => Buffer.from(entry)),
    // The wire has bytes: a note is UTF-8.
    checkpoint: checkpoint.toString('utf8'),
    files,
  }
}

export const hashesAt = (width: number) => tilePath({ level: 0, index: 0, width })
export const entriesAt = (width: number) => tilePath({ level: 'entries', index: 0, width })

/** The same with other entries in the place of its own. Hashes and checkpoint stay. */
export function withEntries(log: TakenLog, entries: readonly Buffer[]): TakenLog {
  const files = new Map(log.files)
  files.set(entriesAt(log.entries.length), encodeBundle(entries))
  return { ...log, entries, files }
}

/** A log that somebody makes whole: entries, their hashes, and a checkpoint. @param note of its text */
export function madeLog(
  log: TakenLog,
  entries: readonly Buffer[],
  note: (text: string) => string,
): TakenLog {
  const range = CompactRange.empty()
  const hashes = entries.map(leafHash)
  for (const hash of hashes) range.append(hash)
  const size = entries.length
  const checkpoint = note(formatCheckpoint({ origin: log.origin, size, root: range.root() }))
  const files = new Map([
    ['checkpoint', Buffer.from(checkpoint)],
    ['keys', log.files.get('keys') ?? Buffer.from('[]')],
    [hashesAt(size), Buffer.concat(hashes)],
    [entriesAt(size), encodeBundle(entries)],
  ])
  return { ...log, entries, checkpoint, files }
}

/** Signs as somebody does. */
export const by = (signer: NoteSigner) => (text: string) => signNote(text, [signer])

/** The log's own signer, which only somebody inside could have. */
export async function ownSigner({ logs }: Site, party: Party): Promise<NoteSigner> {
  const log: LogName = logOf(party.tenant)
  const { database } = logs.parts
  const signers = await database.transaction(({ client }) => signersOf(client, logs.parts, log))
  const [signer] = signers
  if (signer === undefined) throw new Error(`nobody signs ${log}`)
  return signer
}
