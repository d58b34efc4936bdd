import type { Budget } from './budget.ts'

/** One tenant session, as `custody.activity()` and the operating system show it. */
export interface SessionActivity {
  readonly pid: number
  readonly role: string
  readonly startedAt: Date
  /** The server's own text of the start, exact enough to tell a session from a later one with its pid. */
  readonly started: string
  readonly state: string
  readonly statementSeconds: number
  readonly transactionSeconds: number
  readonly idleSeconds: number
  readonly tempBytes: number
  readonly memoryKiB: number | undefined
  readonly blocksOthers: boolean
  /** The boundary's own export: it takes as long as its sink does. */
  readonly exporting: boolean
}

export interface Ending {
  readonly session: SessionActivity
  /** `statement` cancels what runs, `session` ends the connection. */
  readonly what: 'statement' | 'session'
  readonly why: string
}

const MIB = 1024 * 1024

/**
 * Decides which statements and sessions go over their tenant's budget. `tenantOf` maps a login role
 * to its tenant, because budgets are a tenant's, not a login's. Pure, so that it can be tested.
 */
export function overBudget(
  sessions: readonly SessionActivity[],
  budget: Budget,
  tenantOf: (role: string) => string,
): readonly Ending[] {
  const endings = new Map<SessionActivity, Ending>()
  for (const session of sessions) {
    const ending = judgeSession(session, budget)
    if (ending !== undefined) endings.set(session, ending)
  }
  const isLeft = (session: SessionActivity) => endings.get(session)?.what !== 'session'
  for (const group of byTenant(sessions, tenantOf)) {
    const youngestFirst = group
      .filter(isLeft)
      .toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime())
    const many = Math.max(0, youngestFirst.length - budget.connections)
    for (const session of youngestFirst.slice(0, many)) {
      endings.set(session, endSession(session, `over ${budget.connections} connections`))
    }
    const left = group.filter(isLeft)
    const temp = left.reduce((sum, session) => sum + session.tempBytes, 0)
    const [hungriest] = left.toSorted((a, b) => b.tempBytes - a.tempBytes)
    if (temp > budget.tempMiB * MIB && hungriest !== undefined) {
      endings.set(hungriest, endSession(hungriest, `over ${budget.tempMiB} MiB of temporary files`))
    }
  }
  return [...endings.values()]
}

function endSession(session: SessionActivity, why: string): Ending {
  return { session, what: 'session', why }
}

function judgeSession(session: SessionActivity, budget: Budget): Ending | undefined {
  if (session.memoryKiB !== undefined && session.memoryKiB > budget.sessionMemoryMiB * 1024) {
    return endSession(session, `over ${budget.sessionMemoryMiB} MiB of memory`)
  }
  if (!session.exporting && session.statementSeconds > 2 * budget.statementSeconds) {
    return endSession(session, `a statement over ${2 * budget.statementSeconds} s`)
  }
  if (session.blocksOthers && session.transactionSeconds > budget.blockingSeconds) {
    return endSession(session, `a lock in others' way over ${budget.blockingSeconds} s`)
  }
  if (session.exporting) return undefined
  if (session.statementSeconds > budget.statementSeconds) {
    return { session, what: 'statement', why: `a statement over ${budget.statementSeconds} s` }
  }
  if (session.transactionSeconds > budget.transactionSeconds) {
    return endSession(session, `a transaction over ${budget.transactionSeconds} s`)
  }
  const inTransaction = session.state.startsWith('idle in transaction')
  if (inTransaction && session.idleSeconds > budget.idleInTransactionSeconds) {
    return endSession(session, `idle in a transaction over ${budget.idleInTransactionSeconds} s`)
  }
  if (session.state === 'idle' && session.idleSeconds > budget.idleSeconds) {
    return endSession(session, `idle over ${budget.idleSeconds} s`)
  }
  return undefined
}

function byTenant(
  sessions: readonly SessionActivity[],
  tenantOf: (role: string) => string,
): Iterable<readonly SessionActivity[]> {
  return Map.groupBy(sessions, (session) => tenantOf(session.role)).values()
}
