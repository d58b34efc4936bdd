import type { LogName } from '../../audit/entry.ts'
import { witnessState } from './ask-witnesses.ts'
import type { PostgresLogStore } from './postgres-log-store.ts'

/** How a log stands, without anything that is in it. */
export interface LogState {
  readonly log: LogName
  readonly size: number
  /** Public keys that sign it, or will: as C2SP signed-note writes them. */
  readonly keys: readonly string[]
  /** Whether its newest checkpoint is at all anchors, as far as this process has signed it. */
  readonly anchored: boolean
  /** Undefined where there are no witnesses. */
  readonly witnessed: { readonly size: number; readonly at: Date | undefined } | undefined
}

/** @param witnesses how many must have cosigned; 0: there are none */
export async function logStates(
  store: PostgresLogStore,
  witnesses: number,
): Promise<readonly LogState[]> {
  const { database, now } = store.parts
  const rows = await database.query<{ readonly log: LogName; readonly vkey: string }>(
    `select log, vkey from records.log_signing_key
     where signs_until is null or signs_until > $1 order by log, signs_from`,
    [new Date(now())],
  )
  const behind = new Set(store.notAnchored)
  const keys = Map.groupBy(rows, ({ log }) => log)
  return (await witnessState(store, Math.max(1, witnesses))).map((state) => ({
    log: state.log,
    size: state.size,
    keys: keys.get(state.log)?.map(({ vkey }) => vkey) ?? [],
    anchored: !behind.has(state.log),
    witnessed: witnesses === 0 ? undefined : { size: state.witnessedSize, at: state.witnessedAt },
  }))
}
