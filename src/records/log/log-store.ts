import type { AuditEntry, LogName } from '../../audit/entry.ts'

/** An entry as it stands in its log. */
export interface EnteredEntry {
  /** Its place, from 0. */
  readonly index: number
  /** Undefined when it was erased: its hash stays, its text is gone. */
  readonly entry: AuditEntry | undefined
  /** RFC 9162 leaf hash of what is in the tiles. */
  readonly leafHash: Uint8Array
}

/**
 * The logs of one region. Each is a Merkle tree (RFC 9162) in tiles (C2SP tlog-tiles), with checkpoints
 * (C2SP tlog-checkpoint) signed by its own key.
 */
export interface LogStore {
  /**
   * Enters what is not yet entered, known by `id`, in the order given, each into its own log. On return
   * they are durable and a checkpoint that holds them is signed or soon will be.
   * @throws RingfenceError `engine_unavailable`, `not_writable`: then none of them, or a part, is entered,
   *   and to hand all of them over again is right
   */
  append(entries: readonly AuditEntry[]): Promise<void>
  /**
   * The newest signed checkpoint that so many witnesses have cosigned, with their cosignatures. Undefined
   * when there is none.
   * @param cosignatures default 0: the newest of all
   */
  checkpoint(log: LogName, cosignatures?: number): Promise<string | undefined>
  /**
   * What C2SP tlog-tiles serves below a log's prefix: `tile/0/000`, `tile/entries/000.p/5`; and
   * `keys`, the announcements of later keys, by which verifiers follow. Undefined for what is not there.
   */
  tile(log: LogName, path: string): Promise<Uint8Array | undefined>
  /** Entries in order. @param most at most 1,000 */
  read(log: LogName, from: number, most: number): Promise<readonly EnteredEntry[]>
}
