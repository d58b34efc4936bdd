import type {
  AlertChange,
  AlertMessage,
  AlertRow,
  AlertStore,
  ClaimedMessage,
} from './alert-store.ts'
import type { Owner } from './alert.ts'
import type { Silence } from './silence.ts'

interface Waiting extends AlertMessage {
  readonly enteredAt: number
  attempts: number
  nextAt: number
}

/** So many may wait; beyond that the oldest go, and are counted. */
const WAITING_MAX = 10_000

/** For a process without a database: what it holds is lost with it. */
export class MemoryAlertStore implements AlertStore {
  readonly #alerts = new Map<string, AlertRow>()
  readonly #silences = new Map<string, Silence>()
  readonly #waiting = new Map<string, Waiting>()
  readonly #now: () => number
  #dropped = 0

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** Messages that were let go because too many waited. */
  get dropped(): number {
    return this.#dropped
  }

  load() {
    return Promise.resolve({
      alerts: [...this.#alerts.values()],
      silences: [...this.#silences.values()],
    })
  }

  save({ kept, gone, messages }: AlertChange): Promise<void> {
    for (const row of kept) this.#alerts.set(keyOf(row), row)
    for (const row of gone) this.#alerts.delete(keyOf(row))
    const now = this.#now()
    for (const message of messages) {
      const waiting = { ...message, enteredAt: now, attempts: 0, nextAt: now }
      this.#waiting.set(messageKey(message), waiting)
    }
    for (const key of this.#waiting.keys()) {
      if (this.#waiting.size <= WAITING_MAX) break
      this.#waiting.delete(key)
      this.#dropped += 1
    }
    return Promise.resolve()
  }

  enterSilence(silence: Silence): Promise<void> {
    this.#silences.set(silence.id, silence)
    return Promise.resolve()
  }

  removeSilence(owner: Owner, id: string): Promise<void> {
    if (this.#silences.get(id)?.owner === owner) this.#silences.delete(id)
    return Promise.resolve()
  }

  erase(owner: Owner): Promise<void> {
    for (const [key, row] of this.#alerts) if (row.owner === owner) this.#alerts.delete(key)
    for (const [id, one] of this.#silences) if (one.owner === owner) this.#silences.delete(id)
    for (const [key, { notice }] of this.#waiting) {
      if (notice.owner === owner) this.#waiting.delete(key)
    }
    return Promise.resolve()
  }

  claim(max: number, milliseconds: number): Promise<readonly ClaimedMessage[]> {
    const now = this.#now()
    const due = [...this.#waiting.values()].filter(({ nextAt }) => nextAt <= now).slice(0, max)
    return Promise.resolve(
      due.map((waiting) => {
        waiting.nextAt = now + milliseconds
        const { notice, sink, attempts, enteredAt } = waiting
        return { notice, sink, attempts, age: now - enteredAt }
      }),
    )
  }

  delivered(message: AlertMessage): Promise<void> {
    this.#waiting.delete(messageKey(message))
    return Promise.resolve()
  }

  failed(message: AlertMessage, _why: string, pauseMs: number | undefined): Promise<void> {
    const waiting = this.#waiting.get(messageKey(message))
    if (waiting === undefined) return Promise.resolve()
    waiting.attempts += 1
    if (pauseMs === undefined) this.#waiting.delete(messageKey(message))
    else waiting.nextAt = this.#now() + pauseMs
    return Promise.resolve()
  }
}

const keyOf = ({ owner, fingerprint }: Pick<AlertRow, 'owner' | 'fingerprint'>) =>
  `${owner} ${fingerprint}`
const messageKey = ({ notice, sink }: AlertMessage) => `${notice.id} ${sink}`
