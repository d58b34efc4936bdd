import type { UsageEvent } from './usage-event.ts'

/** What became of one event. `conflict`: another content came under its name before, and stands. */
export type Fate = 'accepted' | 'duplicate' | 'conflict'

/** An event with who brought it. */
export interface ReceivedEvent {
  readonly event: UsageEvent
  /** The plane or workload, as it has shown itself to be. */
  readonly reporter: string
}

/** Where events are kept. */
export interface UsageStore {
  /**
   * On return they are durable, each once, however often it is handed over; all of them, or none.
   * @returns one fate for each, in order
   * @throws RingfenceError `overloaded`, `engine_unavailable`, `timed_out`: to hand all over again is right
   */
  add(events: readonly ReceivedEvent[]): Promise<readonly Fate[]>
  /** A sender's word that it will bring nothing that is older. Later words win; a step back counts for nothing. */
  completeTo(sender: string, time: Date): Promise<void>
}
