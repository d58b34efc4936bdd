import { messageOf, RingfenceError } from '../../core/errors.ts'
import { call } from '../../http/call.ts'
import type { MergedCounts } from '../counts.ts'

const TIMEOUT_MS = 5_000

export interface CountedProcess {
  /** Where its `GET /counts` is: `unix:/path` or a URL. */
  readonly address: string
  /** What it wants to know a scraper by. */
  readonly token?: string
}

/** Asks processes of one plane for what they have counted. One that does not answer is left out this time. */
export class CountsFollower {
  readonly #processes: () => readonly CountedProcess[]
  readonly #counts: MergedCounts
  readonly #log: (line: string) => void

  constructor(
    processes: () => readonly CountedProcess[],
    counts: MergedCounts,
    log: (line: string) => void,
  ) {
    this.#processes = processes
    this.#counts = counts
    this.#log = log
  }

  async look(): Promise<void> {
    await Promise.all(
      this.#processes().map(async ({ address, token }) => {
        try {
          const { status, text } = await call(address, {
            method: 'GET',
            path: '/counts',
            timeoutMs: TIMEOUT_MS,
            headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
          })
          if (status !== 200) throw new RingfenceError('engine_unavailable', `it said ${status}`)
          this.#counts.hear(JSON.parse(text))
        } catch (error) {
          this.#log(`no counts of a process: ${messageOf(error)}`)
        }
      }),
    )
  }
}
