import { KEPT_SECONDS, type Entry } from '../../revocation/entry.ts'
import type { OpenRevocationFeed } from '../../revocation/revocation-feed.ts'
import type { Revocation } from '../../revocation/revocation.ts'

/** The revocations in the control database, as followers see them, and whether that can be reached. */
export class RevocationBook {
  /** True: nobody can read it. */
  away = false
  readonly #entries: Entry[] = []
  readonly #listeners = new Set<() => void>()
  /** How many a follower has read. */
  #read = 0

  /** As followers open it. */
  get feed(): OpenRevocationFeed {
    return async (onNews) => {
      this.#reach()
      this.#listeners.add(onNews)
      let read = 0
      return {
        read: async () => {
          this.#reach()
          const news = this.#entries.slice(read)
          read = this.#entries.length
          this.#read = read
          return news
        },
        close: async () => void this.#listeners.delete(onNews),
      }
    }
  }

  /** Puts revocations in, and tells followers. */
  enter(...revocations: readonly Revocation[]): void {
    const untilMs = Date.now() + KEPT_SECONDS * 1000
    for (const revocation of revocations) this.#entries.push({ revocation, untilMs })
    for (const listener of this.#listeners) listener()
  }

  /** Whether a follower has read all that was entered. */
  get wasRead(): boolean {
    return this.#read === this.#entries.length
  }

  #reach(): void {
    if (this.away) throw new Error('the database of revocations is away')
  }
}
