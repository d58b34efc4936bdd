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
  const endings = sessions.flatMap((session) => {
    const ending = judgeSession(session, budget)
    return ending === undefined ? [] : [ending]
  })
  const ended = new Set(endings.filter((e) => e.what === 'session').map((e) => e.session.pid))
  for (const group of byTenant(sessions, tenantOf)) {
    const left = group.filter((session) => !ended.has(session.pid))
    const youngestFirst = left.toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime())
    for (const session of youngestFirst.slice(0, Math.max(0, left.length - budget.connections))) {
      endings.push({ session, what: 'session', why: `over ${budget.connections} connections` })
    }
    const temp = left.reduce((sum, session) => sum + session.tempBytes, 0)
    const hungriest = left.toSorted((a, b) => b.tempBytes - a.tempBytes)[0]
    if (temp > budget.tempMiB * MIB && hungriest !== undefined) {
      endings.push({
        session: hungriest,
        what: 'session',
        why: `over ${budget.tempMiB} MiB of temporary files`,
      })
    }
  }
  return endings
}

function judgeSession(session: SessionActivity, budget: Budget): Ending | undefined {
  if (session.memoryKiB !== undefined && session.memoryKiB > budget.sessionMemoryMiB * 1024) {
    return { session, what: 'session', why: `over ${budget.sessionMemoryMiB} MiB of memory` }
  }
  if (!session.exporting && session.statementSeconds > 2 * budget.statementSeconds) {
    return { session, what: 'session', why: `a statement over ${2 * budget.statementSeconds} s` }
  }
  if (session.blocksOthers && session.transactionSeconds > budget.blockingSeconds) {
    return {
      session,
      what: 'session',
      why: `a lock in others' way over ${budget.blockingSeconds} s`,
    }
  }
  if (session.exporting) return undefined
  if (session.statementSeconds > budget.statementSeconds) {
    return { session, what: 'statement', why: `a statement over ${budget.statementSeconds} s` }
  }
  const inTransaction = session.state.startsWith('idle in transaction')
  if (inTransaction && session.idleSeconds > budget.idleInTransactionSeconds) {
    return {
      session,
      what: 'session',
      why: `idle in a transaction over ${budget.idleInTransactionSeconds} s`,
    }
  }
  if (session.state === 'idle' && session.idleSeconds > budget.idleSeconds) {
    return { session, what: 'session', why: `idle over ${budget.idleSeconds} s` }
  }
  return undefined
}

function byTenant(
  sessions: readonly SessionActivity[],
  tenantOf: (role: string) => string,
): Iterable<readonly SessionActivity[]> {
  return Map.groupBy(sessions, (session) => tenantOf(session.role)).values()
}
