import type { Cursors } from '../cursor.ts'
import type { Database } from '../database.ts'
import type { ControlPlaneOptions } from '../open-control-plane.ts'
import type { FourEyes } from '../operators/four-eyes.ts'
import type { DecisionEffect } from '../registered-approvals.ts'
import { RegisteredSupport } from './registered-support.ts'
import { SupportChanges } from './support-changes.ts'
import { SupportKeys } from './support-keys.ts'
import { SupportRounds } from './support-rounds.ts'
import type { Support } from './support.ts'

/** An undecided access is given up after a day, or with other approvals if those are given up earlier. */
const DECIDE_SECONDS_MAX = 24 * 3_600

export interface OpenSupport {
  readonly plane: Support
  /** For approvals: what follows from a second person's decision. */
  readonly decided: DecisionEffect
  start(): void
  stop(): Promise<void>
}

type Options = Pick<
  ControlPlaneOptions,
  'ports' | 'keys' | 'approvalSeconds' | 'supportEveryMs' | 'revocations' | 'log'
>

/** Support accesses, and what happens to them by itself. */
export function openSupport(
  database: Database,
  cursors: Cursors,
  fourEyes: FourEyes,
  options: Options,
): OpenSupport {
  const { ports, keys, approvalSeconds, supportEveryMs, revocations, log = () => {} } = options
  const changes = new SupportChanges(revocations?.publisher)
  const rounds = new SupportRounds({
    database,
    changes,
    cells: ports.cells,
    desk: ports.support,
    log,
    ...(supportEveryMs === undefined ? {} : { everyMs: supportEveryMs }),
  })
  const plane = new RegisteredSupport({
    database,
    cursors,
    changes,
    keys: new SupportKeys(database, keys.job, ports.support),
    fourEyes,
    decideSeconds: Math.min(approvalSeconds ?? DECIDE_SECONDS_MAX, DECIDE_SECONDS_MAX),
    wake: () => rounds.wake(),
  })
  return {
    plane,
    decided: (tx, approval, approve, by) => plane.decided(tx, approval, approve, by),
    start: () => rounds.start(),
    stop: () => rounds.stop(),
  }
}
