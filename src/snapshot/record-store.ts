import type { StoredBase } from './snapshot-file.ts'

/** Where a follower reads the chain from. Nothing that comes from it is believed unverified. */
export interface RecordStore {
  /** The newest version, and the control plane's newest word that it is in force. */
  head(): Promise<{ readonly version: number; readonly confirmation: string | undefined }>
  /** Texts of the next changes, in order; they may begin later than at the very next. */
  changesAfter(
    version: number,
  ): Promise<readonly { readonly version: number; readonly text: string }[]>
  /** The newest base, if it is newer than a version. */
  baseAfter(version: number): Promise<(StoredBase & { readonly version: number }) | undefined>
  close(): Promise<void>
}
