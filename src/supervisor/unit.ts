/** One thing that the supervisor keeps running: a process, a server, a loop. */
export interface Unit {
  /** Unique; the prefix of its log lines. */
  readonly name: string
  /** Units that must be ready before this one starts, and stay until it has stopped. */
  readonly dependsOn?: readonly string[]
  /** Whether it is stopped and started again when one of `dependsOn` ends. Default: it goes on. */
  readonly restartWith?: boolean
  /** Milliseconds that `start` may take. Default 60 000. */
  readonly startWithinMs?: number
  /**
   * Resolves when the unit is ready. Rejects, leaving nothing behind, when it cannot be, or when
   * `context.signal` aborts.
   */
  start(context: UnitContext): Promise<Running>
}

export interface UnitContext {
  /** Aborts when the unit is to stop before it was ready, or takes too long. */
  readonly signal: AbortSignal
  /** Takes one line of the unit's own output. */
  readonly log: (line: string) => void
}

export interface Running {
  /** Settles when the unit has ended, whoever ended it. The value describes how. */
  readonly exited: Promise<unknown>
  /** Ends it in its own way and resolves when it has ended. */
  stop(): Promise<void>
  /** Ends it at once, without waiting. For a second signal, and for a `stop` that hangs. */
  kill?(): void
}

/** What happened to a unit, for the command line and for logs. */
export type SupervisorEvent =
  | { readonly type: 'starting' | 'stopping' | 'stopped'; readonly unit: string }
  | { readonly type: 'ready'; readonly unit: string; readonly milliseconds: number }
  /** It ended, or did not start: `why` in one line. It is started again after `retryInMs`. */
  | {
      readonly type: 'failed'
      readonly unit: string
      readonly why: string
      readonly retryInMs: number
    }
  /** A unit that it depends on ended, and it wants to end and start with that one. */
  | { readonly type: 'restarting'; readonly unit: string; readonly because: string }
  /** Its `stop` did not end it in time, so it was killed. */
  | { readonly type: 'killed'; readonly unit: string }
  | { readonly type: 'log'; readonly unit: string; readonly line: string }
