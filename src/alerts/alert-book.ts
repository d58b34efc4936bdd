import { randomUUID } from 'node:crypto'
import { RingfenceError } from '../core/errors.ts'
import type { AlertRow } from './alert-store.ts'
import { type AlertSignal, fingerprintOf, isWorse, type Owner, ownerOf } from './alert.ts'
import type { Notice, NoticedAlert } from './notice.ts'
import { isSilenced, type Silence } from './silence.ts'

export interface AlertTimes {
  /** Waits for others of the same rule before the first notice. Default 30 s. */
  readonly groupWaitMs: number
  /** Between two notices with news of one rule. Default 5 min. */
  readonly groupIntervalMs: number
  /** Until what still fires is said again. Default 4 h. */
  readonly repeatMs: number
}

export const ALERT_TIMES: AlertTimes = {
  groupWaitMs: 30_000,
  groupIntervalMs: 300_000,
  repeatMs: 4 * 3_600_000,
}

/** Of one owner: a detector that goes wild for one does not take others' places. */
const ALERTS_PER_OWNER_MAX = 1_000
const LISTED_MAX = 50

/** What followed from the passing of time, to be written at once. */
export interface BookChange {
  readonly kept: readonly AlertRow[]
  readonly gone: readonly AlertRow[]
  readonly notices: readonly Notice[]
}

/**
 * Which alerts there are, and when receivers are to hear of them. It holds no clock and writes nothing:
 * every change is handed back, and only `apply` makes it so, once it has been written.
 */
export class AlertBook {
  readonly #times: AlertTimes
  readonly #rows = new Map<Owner, Map<string, AlertRow>>()

  constructor(times: Partial<AlertTimes> = {}, rows: readonly AlertRow[] = []) {
    this.#times = { ...ALERT_TIMES, ...times }
    this.apply({ kept: rows, gone: [] })
  }

  apply({ kept, gone }: Pick<BookChange, 'kept' | 'gone'>): void {
    for (const row of kept) {
      let rows = this.#rows.get(row.owner)
      if (rows === undefined) this.#rows.set(row.owner, (rows = new Map()))
      rows.set(row.fingerprint, row)
    }
    for (const { owner, fingerprint } of gone) this.#rows.get(owner)?.delete(fingerprint)
  }

  erase(owner: Owner): void {
    this.#rows.delete(owner)
  }

  /** Everything that fires of one owner. */
  firing(owner: Owner): readonly AlertRow[] {
    return [...(this.#rows.get(owner)?.values() ?? [])].filter(fires)
  }

  /** @throws RingfenceError `overloaded` when the owner has too many already */
  signal(signal: AlertSignal): Omit<BookChange, 'notices'> {
    const owner = ownerOf(signal.tenant)
    const fingerprint = fingerprintOf(signal)
    const at = signal.at.getTime()
    const rows = this.#rows.get(owner)
    const known = rows?.get(fingerprint)
    if (signal.state === 'resolved') {
      if (known === undefined || !fires(known)) return { kept: [], gone: [] }
      // Nobody has heard of it: nobody needs to hear that it is over.
      if (known.told === undefined) return { kept: [], gone: [known] }
      return { kept: [{ ...known, signal, changedAt: at }], gone: [] }
    }
    if (known === undefined && (rows?.size ?? 0) >= ALERTS_PER_OWNER_MAX) {
      throw new RingfenceError('overloaded', 'too many alerts fire already')
    }
    const isNew = known === undefined || !fires(known)
    const news = isNew || isWorse(signal.severity, known.signal.severity)
    return {
      kept: [
        {
          owner,
          fingerprint,
          signal,
          since: isNew ? at : known.since,
          changedAt: news ? at : known.changedAt,
          told: known?.told,
        },
      ],
      gone: [],
    }
  }

  /** What is due by now. */
  due(now: number, silences: readonly Silence[]): BookChange {
    const change = { kept: [] as AlertRow[], gone: [] as AlertRow[], notices: [] as Notice[] }
    for (const [owner, rows] of this.#rows) {
      const groups = Map.groupBy(rows.values(), ({ signal }) => signal.name)
      for (const group of groups.values()) this.#group(owner, group, now, silences, change)
    }
    return change
  }

  #group(
    owner: Owner,
    all: readonly AlertRow[],
    now: number,
    silences: readonly Silence[],
    change: { kept: AlertRow[]; gone: AlertRow[]; notices: Notice[] },
  ): void {
    const group = all.map((row) => expired(row, now))
    const { groupWaitMs, groupIntervalMs, repeatMs } = this.#times
    // An end that was told is remembered for a while: so soon nobody is told of its rule again.
    change.gone.push(
      ...group.filter(
        (row) => !fires(row) && !isTold(row) && now >= (row.told?.at ?? 0) + groupIntervalMs,
      ),
    )
    const ended = group.filter((row) => !fires(row) && isTold(row))
    const firing = group.filter(
      (row) => fires(row) && !isSilenced(silences, owner, row.signal, now),
    )
    const news = firing.filter(
      ({ told, signal }) => told?.severity === undefined || isWorse(signal.severity, told.severity),
    )
    const toldAt = Math.max(...group.map(({ told }) => told?.at ?? Number.NEGATIVE_INFINITY))
    const changes = [...news, ...ended]
    const changedAt = Math.min(...changes.map((row) => row.changedAt))
    const hasNews =
      changes.length > 0 && now >= changedAt + groupWaitMs && now >= toldAt + groupIntervalMs
    const repeats = !hasNews && firing.some((row) => isTold(row) && now >= toldAt + repeatMs)
    if (!hasNews && !repeats) return
    change.notices.push(noticeOf(owner, firing, ended, now, repeats))
    change.kept.push(
      ...ended.map((row) => ({ ...row, told: { severity: undefined, at: now } })),
      ...firing.map((row) => ({ ...row, told: { severity: row.signal.severity, at: now } })),
    )
  }
}

function fires({ signal }: AlertRow): boolean {
  return signal.state === 'firing'
}

/** Whether receivers think that it fires. */
function isTold({ told }: AlertRow): boolean {
  return told?.severity !== undefined
}

/** As it is when nobody has said it again in time. */
function expired(row: AlertRow, now: number): AlertRow {
  const { signal } = row
  if (!fires(row) || signal.until === undefined || signal.until.getTime() > now) return row
  return { ...row, signal: { ...signal, state: 'resolved' }, changedAt: signal.until.getTime() }
}

function noticeOf(
  owner: Owner,
  firing: readonly AlertRow[],
  ended: readonly AlertRow[],
  now: number,
  repeated: boolean,
): Notice {
  const all = firing.length > 0 ? firing : ended
  const listed = firing.slice(0, LISTED_MAX)
  const listedEnded = ended.slice(0, LISTED_MAX)
  return {
    id: randomUUID(),
    owner,
    name: all[0]?.signal.name ?? '',
    at: new Date(now).toISOString(),
    severity: all
      .map(({ signal }) => signal.severity)
      .reduce((worst, one) => (isWorse(one, worst) ? one : worst), 'info'),
    firing: listed.map(noticed),
    resolved: listedEnded.map(noticed),
    more: firing.length - listed.length + ended.length - listedEnded.length,
    repeated,
  }
}

function noticed({ fingerprint, signal, since }: AlertRow): NoticedAlert {
  const { severity, labels, summary, detail } = signal
  return {
    fingerprint,
    severity,
    labels,
    summary,
    ...(detail === undefined ? {} : { detail }),
    since: new Date(since).toISOString(),
  }
}
