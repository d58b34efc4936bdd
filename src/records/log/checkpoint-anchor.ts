/** Somewhere else, where a log's checkpoints are kept too: out of reach of whoever can change the log. */
export interface CheckpointAnchor {
  /** For people: `file /mnt/worm`. */
  readonly name: string
  /** Keeps a signed checkpoint, durably. @throws when it cannot */
  keep(origin: string, note: string): Promise<void>
  /** The last one that was kept. Undefined when none was. @throws when it cannot be read */
  last(origin: string): Promise<string | undefined>
}
