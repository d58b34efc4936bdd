import type { LogName } from '../../audit/entry.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { EnteredEntry, LogStore } from '../log/log-store.ts'
import type { EntryFilter } from './entry-filter.ts'

/** Entries that one page looks at: whoever looks for what is rare gets a short page, and where to go on. */
const LOOKED_AT_MAX = 20_000
const AT_ONCE = 500

export interface FoundEntries {
  readonly items: readonly EnteredEntry[]
  /** Where to go on. */
  readonly at: number
  /** False at the end of the log, or, backwards, at its beginning. */
  readonly more: boolean
}

/** How many entries the newest checkpoint covers: what is not signed yet is not shown. */
export async function signedSize(store: LogStore, log: LogName): Promise<number> {
  const checkpoint = await store.checkpoint(log)
  // C2SP tlog-checkpoint: the second line is the size.
  return checkpoint === undefined ? 0 : Number(checkpoint.split('\n', 2)[1])
}

/**
 * Entries that a filter lets through, from one place on: forwards (`oldest`), or backwards from the one
 * before it (`newest`). Where single entries are gone the others are found.
 * @throws RingfenceError `engine_unavailable` where so many are gone that nothing is there to go on from
 */
export async function findEntries(
  store: LogStore,
  log: LogName,
  asked: {
    readonly order: 'oldest' | 'newest'
    readonly from: number | undefined
    readonly limit: number
    readonly filter: EntryFilter
  },
): Promise<FoundEntries> {
  const size = await signedSize(store, log)
  const isForwards = asked.order === 'oldest'
  let at = Math.min(asked.from ?? (isForwards ? 0 : size), size)
  const items: EnteredEntry[] = []
  for (let looked = 0; looked < LOOKED_AT_MAX; ) {
    const most = Math.min(AT_ONCE, isForwards ? size - at : at)
    if (most === 0) return { items, at, more: false }
    const end = isForwards ? at + most : at
    const read = await store.read(log, end - most, most)
    // A store that is short of entries goes on beyond them.
    const some = read.filter(({ index }) => index < end)
    if (some.length === 0 && items.length > 0) return { items, at, more: true }
    if (some.length === 0) throw gone()
    for (const one of isForwards ? some : some.toReversed()) {
      at = isForwards ? one.index + 1 : one.index
      looked += 1
      if (asked.filter(one.entry)) items.push(one)
      if (items.length === asked.limit) {
        return { items, at, more: at !== (isForwards ? size : 0) }
      }
    }
  }
  return { items, at, more: true }
}

/** Reading on would not end. What is gone is said by verifying. */
function gone(): RingfenceError {
  return new RingfenceError(
    'engine_unavailable',
    'entries that the log has signed are not there any more: see which with "ringfence audit verify"',
  )
}
