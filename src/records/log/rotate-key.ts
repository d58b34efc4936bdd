import type { LogName } from '../../audit/entry.ts'
import { announceKey } from '../../transparency/key-announcement.ts'
import { logSigner, newSeed } from '../../transparency/note-signer.ts'
import { enterEntries } from './enter-entries.ts'
import { lockHeads } from './log-heads.ts'
import { originOf } from './log-parts.ts'
import { platformEntry } from './platform-entry.ts'
import type { PostgresLogStore } from './postgres-log-store.ts'
import { forgetRetired, insertSigningKey, signersOf } from './signing-keys.ts'

export interface Rotation {
  /** How long a key is the newest. Default 91 days. */
  readonly everyMs: number
  /** How long the key before it signs too. Default 30 days. */
  readonly overlapMs: number
}

const DAY_MS = 86_400_000
export const ROTATION: Rotation = { everyMs: 91 * DAY_MS, overlapMs: 30 * DAY_MS }

/**
 * Gives a log a new signing key. In one transaction the old key announces it, the announcement becomes
 * an entry of the log that everybody can read, and the old key gets its end: until then both sign.
 * @param dueBefore only if the newest key signs since before this time. Default always
 * @returns whether it was done
 * @throws RingfenceError `engine_unavailable`, `not_writable`
 */
export async function rotateKey(
  store: PostgresLogStore,
  log: LogName,
  { overlapMs }: Rotation = ROTATION,
  dueBefore = Infinity,
): Promise<boolean> {
  const { parts, dataKeys } = store
  const grown = await parts.database.transaction(async ({ client }) => {
    await lockHeads(client, parts, [log])
    const { rows } = await client.query<{ readonly vkey: string; readonly signs_from: Date }>(
      `select vkey, signs_from from records.log_signing_key
       where log = $1 and signs_until is null`,
      [log],
    )
    const newest = rows[0]
    const current = (await signersOf(client, parts, log)).find(
      ({ key }) => key.text === newest?.vkey,
    )
    const isDue = newest !== undefined && newest.signs_from.getTime() < dueBefore
    if (current === undefined || !isDue) return undefined
    const origin = originOf(parts, log)
    const seed = newSeed()
    const next = logSigner(origin, seed)
    const from = new Date(parts.now())
    const announcement = announceKey(
      { origin, key: next.key, from: from.toISOString() },
      current,
      next,
    )
    await client.query(
      `update records.log_signing_key set signs_until = $3 where log = $1 and vkey = $2`,
      [log, current.key.text, new Date(parts.now() + overlapMs)],
    )
    await insertSigningKey(client, parts, { log, seed, vkey: next.key.text, from, announcement })
    const entry = platformEntry(parts, log, {
      category: 'keys',
      action: 'key.announced',
      object: { type: 'key', id: next.key.text },
      detail: { note: announcement },
    })
    return enterEntries(client, parts, dataKeys, [entry], true)
  })
  if (grown === undefined) return false
  store.grew(grown)
  return true
}

/** Rotates what is due, and forgets private keys whose overlap is over. */
export async function rotateDueKeys(
  store: PostgresLogStore,
  rotation: Rotation = ROTATION,
): Promise<readonly LogName[]> {
  const { database, now } = store.parts
  const before = now() - rotation.everyMs
  const due = await database.query<{ readonly log: LogName }>(
    `select log from records.log_signing_key where signs_until is null and signs_from < $1`,
    [new Date(before)],
  )
  const rotated: LogName[] = []
  for (const { log } of due) if (await rotateKey(store, log, rotation, before)) rotated.push(log)
  await forgetRetired(store.parts)
  return rotated
}
