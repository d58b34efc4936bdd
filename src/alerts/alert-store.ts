import type { AlertSignal, Owner, Severity } from './alert.ts'
import type { Notice } from './notice.ts'
import type { Silence } from './silence.ts'

/** An alert as it stands. */
export interface AlertRow {
  readonly owner: Owner
  readonly fingerprint: string
  readonly signal: AlertSignal
  /** When it began to fire. Milliseconds since 1970, like all times here. */
  readonly since: number
  /** When there was last something new about it. */
  readonly changedAt: number
  /** What receivers were told of it last: that it fires, or, without a severity, that it has ended. */
  readonly told?: { readonly severity: Severity | undefined; readonly at: number } | undefined
}

/** A notice on its way to one sink of its owner. */
export interface AlertMessage {
  readonly notice: Notice
  readonly sink: string
}

export interface ClaimedMessage extends AlertMessage {
  readonly attempts: number
  /** Milliseconds since it was entered. */
  readonly age: number
}

/** What is written at once, or not at all. */
export interface AlertChange {
  readonly kept: readonly AlertRow[]
  readonly gone: readonly Pick<AlertRow, 'owner' | 'fingerprint'>[]
  readonly messages: readonly AlertMessage[]
}

/** Where alerts, silences and what is on its way outlive the process; or do not, where there is no database. */
export interface AlertStore {
  load(): Promise<{ readonly alerts: readonly AlertRow[]; readonly silences: readonly Silence[] }>
  save(change: AlertChange): Promise<void>
  enterSilence(silence: Silence): Promise<void>
  /** Of this owner alone; not an error when there is none. */
  removeSilence(owner: Owner, id: string): Promise<void>
  /** All of this owner. */
  erase(owner: Owner): Promise<void>
  /** Messages that are due, not to be due again for so long: a killed process's come back by themselves. */
  claim(max: number, milliseconds: number): Promise<readonly ClaimedMessage[]>
  delivered(message: AlertMessage): Promise<void>
  /** @param pauseMs until it is due again; undefined for never */
  failed(message: AlertMessage, why: string, pauseMs: number | undefined): Promise<void>
}
