import type { Hono } from 'hono'
import type pg from 'pg'
import type { UsageStore } from '../../usage/usage-store.ts'
import type { LogStore } from '../log/log-store.ts'
import { InboxMover } from './inbox-mover.ts'
import { type InboxLag, IntakeDatabase, type SourceState } from './intake-database.ts'
import { journalIntake } from './journal-intake.ts'
import type { IntakePlane } from './judge-lines.ts'

export interface IntakeOptions {
  /** The control database, as `rf_records`. Its schemas `audit` and `records` are there. */
  readonly database: pg.ClientConfig
  /** The records plane's id: the audience of planes' assertions. */
  readonly audience: string
  /** Who may send journals, and the keys that they have now. */
  readonly planes: () => readonly IntakePlane[]
  readonly logs: Pick<LogStore, 'append'>
  readonly usage: UsageStore
  readonly log: (line: string) => void
}

/** How far what is entered is behind what was done. */
export interface IntakeState {
  readonly inbox: InboxLag
  readonly sources: readonly SourceState[]
  /** Lines that no log could take. Somebody has to look at each. */
  readonly quarantined: number
}

export interface Intake {
  /** `POST /v1/journal`, to be served where planes reach it and nobody else. */
  readonly app: Hono
  state(): Promise<IntakeState>
  /** For a source that will never come again. */
  forget(source: string): Promise<void>
  close(): Promise<void>
}

/** Takes entries on their way to logs, and usage with them. @throws RingfenceError `engine_unavailable` */
export async function openIntake(options: IntakeOptions): Promise<Intake> {
  const { audience, planes, logs, usage, log } = options
  const database = await IntakeDatabase.open(options.database)
  const mover = InboxMover.start({ database, logs, log })
  return {
    app: journalIntake({ audience, planes, database, logs, usage, log }),
    async state() {
      const [inbox, sources, quarantined] = await Promise.all([
        database.inboxLag(),
        database.sources(),
        database.quarantined(),
      ])
      return { inbox, sources, quarantined }
    },
    forget: (source) => database.forget(source),
    async close() {
      await mover.close()
      await database.close()
    },
  }
}
