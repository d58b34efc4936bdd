import type { LogName } from '../../audit/entry.ts'
import { logSigner, type NoteSigner } from '../../transparency/note-signer.ts'
import type { LogClient } from './log-database.ts'
import { type LogParts, originOf } from './log-parts.ts'

/** A key of a log, as anybody may know it. */
export interface LogKey {
  /** C2SP's vkey. */
  readonly vkey: string
  readonly from: Date
  /** Undefined for the newest. */
  readonly until: Date | undefined
  /** The note by which the key before it announced it. */
  readonly announcement: string | undefined
}

export interface NewSigningKey {
  readonly log: LogName
  readonly seed: Buffer
  readonly vkey: string
  readonly from: Date
  readonly announcement?: string
}

/** What a wrapped signing key is bound to. */
export const boundToSigningKey = (log: LogName, vkey: string) =>
  `ringfence log signing key\n${log}\n${vkey}`

export async function insertSigningKey(
  client: LogClient,
  { keys }: LogParts,
  { log, seed, vkey, from, announcement }: NewSigningKey,
): Promise<void> {
  await client.query(
    `insert into records.log_signing_key (log, vkey, wrapped, signs_from, announcement)
     values ($1, $2, $3, $4, $5)`,
    [log, vkey, keys.wrap(seed, boundToSigningKey(log, vkey)), from, announcement ?? null],
  )
}

/**
 * The signers of checkpoints of now, the newest first: two while keys overlap. The newest signs from when
 * it was made, also if the clock was set back since: a log is never without one.
 */
export async function signersOf(
  client: Pick<LogClient, 'query'>,
  parts: LogParts,
  log: LogName,
): Promise<readonly NoteSigner[]> {
  const { rows } = await client.query<{ readonly vkey: string; readonly wrapped: Buffer }>(
    `select vkey, wrapped from records.log_signing_key
     where log = $1 and wrapped is not null
       and (signs_until is null or signs_until > $2)
     order by signs_from desc`,
    [log, new Date(parts.now())],
  )
  return rows.map(({ vkey, wrapped }) =>
    logSigner(originOf(parts, log), parts.keys.unwrap(wrapped, boundToSigningKey(log, vkey))),
  )
}

/** All keys that a log ever had, the first first. */
export async function keysOf({ database }: LogParts, log: LogName): Promise<readonly LogKey[]> {
  const rows = await database.query<{
    readonly vkey: string
    readonly signs_from: Date
    readonly signs_until: Date | null
    readonly announcement: string | null
  }>(
    `select vkey, signs_from, signs_until, announcement from records.log_signing_key
     where log = $1 order by signs_from, announcement nulls first`,
    [log],
  )
  return rows.map((row) => ({
    vkey: row.vkey,
    from: row.signs_from,
    until: row.signs_until ?? undefined,
    announcement: row.announcement ?? undefined,
  }))
}

/** Forgets private keys that sign no more: nobody can be made to sign with them. */
export async function forgetRetired({ database, now }: LogParts): Promise<void> {
  await database.query(
    `update records.log_signing_key set wrapped = null
     where wrapped is not null and signs_until <= $1`,
    [new Date(now())],
  )
}
