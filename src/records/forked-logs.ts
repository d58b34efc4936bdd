import type { AlertIntake } from '../alerts/alert.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'

/** Said again so often while it lasts. */
const AGAIN_MS = 60_000
/** It ends by itself when it is not said for so long: somebody has looked, and it is signed again. */
const LASTS_MS = 600_000

export interface ForkedLogsOptions {
  readonly now?: () => number
  readonly log: (line: string) => void
}

/**
 * Tells the platform of logs that are not signed because they do not go on from what they have signed: a
 * database that was put back, or two writers of one log. Nothing is signed before people have looked.
 */
export class ForkedLogs {
  readonly #options: ForkedLogsOptions
  #alerts: AlertIntake | undefined
  #said: { readonly why: string; readonly at: number } | undefined
  #telling: Promise<void> = Promise.resolve()

  constructor(options: ForkedLogsOptions) {
    this.#options = options
  }

  /** Whom to tell, once there is somebody: logs are opened before. */
  tell(alerts: AlertIntake): void {
    this.#alerts = alerts
  }

  /** What signing ended with. Anything but a fork is somebody else's affair. */
  failed(error: unknown): void {
    if (!(error instanceof RingfenceError) || error.code !== 'conflict') return
    const [alerts, now, why] = [this.#alerts, this.#now(), error.message]
    if (alerts === undefined) return
    if (this.#said?.why === why && now < this.#said.at + AGAIN_MS) return
    this.#said = { why, at: now }
    this.#telling = alerts
      .signal({
        ...{ name: 'audit-log-forked', severity: 'critical', state: 'firing' },
        summary: why,
        ...{ at: new Date(now), until: new Date(now + LASTS_MS) },
      })
      .catch((trouble: unknown) => {
        this.#said = undefined
        this.#options.log(`an alert could not be kept: ${messageOf(trouble)}`)
      })
  }

  /** Waits for what is being told. */
  async close(): Promise<void> {
    await this.#telling
  }

  #now(): number {
    return (this.#options.now ?? Date.now)()
  }
}
