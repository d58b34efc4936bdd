import { setTimeout } from 'node:timers/promises'
import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { LogName } from '../../audit/entry.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { LogStore } from '../log/log-store.ts'
import type { EntryFilter } from './entry-filter.ts'
import { findEntries, signedSize } from './log-reader.ts'
import { wireEntry } from './wire-entry.ts'

const LOOK_EVERY_MS = 500
const HEARTBEAT_MS = 15_000
const STREAM_MS_MAX = 900_000
const STREAMS_PER_LOG_MAX = 20
const RETRY_MS = 1_000
const AT_ONCE = 200

/** Followers of logs, by server-sent events (HTML, section 9.2): an event an entry, its id the index. */
export class LogStreams {
  readonly #store: LogStore
  readonly #open = new Map<LogName, number>()

  constructor(store: LogStore) {
    this.#store = store
  }

  /**
   * @param from the first index that is wanted; default what comes from now on
   * @param stillMay asked before each look: throws when the reader may not read any more
   * @throws RingfenceError `overloaded`
   */
  async open(
    context: Context,
    log: LogName,
    { from, filter }: { readonly from: number | undefined; readonly filter: EntryFilter },
    stillMay: () => void | Promise<void>,
  ): Promise<Response> {
    const open = this.#open.get(log) ?? 0
    if (open >= STREAMS_PER_LOG_MAX) {
      throw new RingfenceError(
        'overloaded',
        `this log has ${STREAMS_PER_LOG_MAX} followers already`,
      )
    }
    const first = from ?? (await signedSize(this.#store, log))
    this.#open.set(log, open + 1)
    const stop = new AbortController()
    return streamSSE(context, async (stream) => {
      stream.onAbort(() => stop.abort())
      const end = performance.now() + STREAM_MS_MAX
      let at = first
      let said = performance.now()
      try {
        await stream.write(`retry: ${RETRY_MS}\n\n`)
        while (!stop.signal.aborted && performance.now() < end) {
          await stillMay()
          const asked = { order: 'oldest', from: at, limit: AT_ONCE, filter } as const
          const { items, at: reached, more } = await findEntries(this.#store, log, asked)
          at = reached
          for (const one of items) {
            const data = JSON.stringify(wireEntry(one))
            await stream.writeSSE({ id: String(one.index), event: 'entry', data })
          }
          if (items.length > 0) said = performance.now()
          if (more) continue
          if (performance.now() - said > HEARTBEAT_MS) {
            await stream.write(': here\n\n')
            said = performance.now()
          }
          await setTimeout(LOOK_EVERY_MS, undefined, { signal: stop.signal })
        }
      } catch {
        // The stream ends: its reader comes again with the last index, and is looked at anew.
      } finally {
        stop.abort()
        this.#leave(log)
      }
    })
  }

  #leave(log: LogName): void {
    const left = (this.#open.get(log) ?? 1) - 1
    if (left === 0) this.#open.delete(log)
    else this.#open.set(log, left)
  }
}
