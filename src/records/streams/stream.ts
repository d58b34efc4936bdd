import type { LogName } from '../../audit/entry.ts'
import { ocsfOf } from '../../audit/ocsf/ocsf-of.ts'
import { wireEntry } from '../api/wire-entry.ts'
import type { EnteredEntry } from '../log/log-store.ts'
import type { SinkSettings } from './sink-settings.ts'

/** Entries of one log that stand next to each other: the same however often they are sent. */
export interface Batch {
  readonly log: LogName
  readonly from: number
  /** Exclusive. */
  readonly to: number
  readonly entries: readonly EnteredEntry[]
}

/** What became of a batch. Whoever is not reached at all throws. */
export type Delivery =
  | { readonly taken: true }
  /** @param stop the receiver said that it wants no more, ever */
  | { readonly taken: false; readonly why: string; readonly stop: boolean }

/** Sends a batch to one sink; it has taken all of it, or may have taken a part. */
export interface Stream {
  /** Entries and bytes of one batch, about. */
  readonly most: { readonly entries: number; readonly bytes: number }
  deliver(batch: Batch): Promise<Delivery>
}

export const TAKEN: Delivery = { taken: true }

/** What the receiver's status says. A redirect is followed nowhere: it is a refusal like others. */
export function deliveryOf(status: number): Delivery {
  if (status >= 200 && status < 300) return TAKEN
  return { taken: false, why: `the receiver answered ${status}`, stop: status === 410 }
}

/** A line of JSON for each entry, in the form that the sink asked for. */
export function linesOf({ entries }: Batch, format: SinkSettings['format']): readonly string[] {
  return entries.flatMap((one) => {
    if (format === 'entries') return [JSON.stringify(wireEntry(one))]
    return one.entry === undefined ? [] : [JSON.stringify(ocsfOf(one.entry))]
  })
}
