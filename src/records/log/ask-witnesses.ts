import type { LogName } from '../../audit/entry.ts'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { call } from '../../http/call.ts'
import { parseCheckpoint } from '../../transparency/checkpoint.ts'
import { consistencyProof } from '../../transparency/prove.ts'
import {
  parseNote,
  parseSignatureLine,
  signatureLine,
  verifySignatures,
} from '../../transparency/signed-note.ts'
import type { VerifierKey } from '../../transparency/verifier-key.ts'
import { encodeWitnessRequest } from '../../transparency/witness-request.ts'
import { logNodes } from './log-nodes.ts'
import type { PostgresLogStore } from './postgres-log-store.ts'

/** A witness that serves C2SP tlog-witness. */
export interface Witness {
  /** Its submission prefix, without a slash at the end: `https://witness.example`. */
  readonly url: string
  readonly key: VerifierKey
}

/** How far the witnesses are with a log. */
export interface WitnessState {
  readonly log: LogName
  readonly size: number
  /** The newest size that as many as are asked for have cosigned. */
  readonly witnessedSize: number
  /** When that was. Undefined when it never was. */
  readonly witnessedAt: Date | undefined
}

const TIMEOUT_MS = 10_000
/** A first question tells the size that the witness knows; the second is answered, unless the log raced. */
const TRIES = 3

/**
 * Asks witnesses to cosign a log's newest checkpoint, all at once, and keeps what they answer. Nothing
 * waits for it: a log goes on without witnesses, and `witnessState` shows how far they are.
 * @returns what went wrong, for each witness that did not cosign
 */
export async function askWitnesses(
  store: PostgresLogStore,
  log: LogName,
  witnesses: readonly Witness[],
): Promise<readonly { readonly witness: string; readonly why: string }[]> {
  const rows = await store.parts.database.query<{ readonly note: string; readonly size: string }>(
    'select note, size from records.log_checkpoint where log = $1 order by size desc limit 1',
    [log],
  )
  const newest = rows[0]
  if (newest === undefined) return []
  const size = Number(newest.size)
  const asked = await Promise.allSettled(
    witnesses.map((witness) => askOne(store, log, { note: newest.note, size }, witness)),
  )
  return asked.flatMap((one, n) =>
    one.status === 'rejected'
      ? [{ witness: witnesses[n]?.key.name ?? '', why: messageOf(one.reason) }]
      : [],
  )
}

async function askOne(
  store: PostgresLogStore,
  log: LogName,
  { note, size }: { readonly note: string; readonly size: number },
  { url, key }: Witness,
): Promise<void> {
  const { database, now } = store.parts
  const last = await database.query<{ readonly size: string | null }>(
    'select max(size) as size from records.log_cosignature where log = $1 and witness = $2',
    [log, key.text],
  )
  let oldSize = Number(last[0]?.size ?? 0)
  if (oldSize === size) return
  const nodes = logNodes(database, log, size)
  const { pathname, origin } = new URL(url)
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const proof = await consistencyProof(nodes, oldSize, size)
    const { status, text } = await call(origin, {
      method: 'POST',
      path: `${pathname.replace(/\/$/, '')}/add-checkpoint`,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: encodeWitnessRequest({ oldSize, proof, checkpoint: note }),
      timeoutMs: TIMEOUT_MS,
    })
    if (status === 200) {
      const line = cosignatureIn(text, note, key)
      await database.query(
        `insert into records.log_cosignature (log, size, witness, line, cosigned_at)
         select $1, $2, $3, $4, $5
         where exists (select from records.log_checkpoint where log = $1 and size = $2)
         on conflict do nothing`,
        [log, size, key.text, line, new Date(now())],
      )
      return
    }
    const known = status === 409 && /^(0|[1-9]\d{0,15})\n$/.exec(text)?.[1]
    if (known === undefined || known === false) throw refused(key, `it answered ${status}`)
    oldSize = Number(known)
    // Another process of ours was faster, or the witness has seen what this log does not hold.
    if (oldSize > size)
      throw refused(key, `it has cosigned ${oldSize} entries, and here are ${size}`)
  }
  throw refused(key, 'it knows another size each time')
}

/** The line of this witness, which holds for this checkpoint. */
function cosignatureIn(answer: string, note: string, key: VerifierKey): string {
  const { text } = parseNote(note)
  parseCheckpoint(text)
  for (const line of answer.split('\n').filter((line) => line !== '')) {
    const signature = parseSignatureLine(line)
    if (signature.name !== key.name || signature.id !== key.id) continue
    verifySignatures({ text, signatures: [signature] }, [key])
    return signatureLine(signature)
  }
  throw refused(key, 'its answer holds no cosignature of its key')
}

/** @param quorum how many witnesses must have cosigned */
export async function witnessState(
  { parts }: PostgresLogStore,
  quorum: number,
): Promise<readonly WitnessState[]> {
  const rows = await parts.database.query<{
    readonly log: LogName
    readonly size: string
    readonly witnessed: string | null
    readonly at: Date | null
  }>(
    `select h.log, h.size, w.size as witnessed, w.at from records.log_head h
     left join lateral (
       select size, max(cosigned_at) as at from records.log_cosignature s
       where s.log = h.log group by size having count(*) >= $1 order by size desc limit 1
     ) w on true order by h.log`,
    [quorum],
  )
  return rows.map(({ log, size, witnessed, at }) => ({
    log,
    size: Number(size),
    witnessedSize: Number(witnessed ?? 0),
    witnessedAt: at ?? undefined,
  }))
}

const refused = (key: VerifierKey, why: string) =>
  new RingfenceError('upstream_failed', `the witness ${key.name} did not cosign: ${why}`)
