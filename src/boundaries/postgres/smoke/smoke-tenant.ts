import type { SmokeCheck } from '../../boundary.ts'
import {
  endsWhenRevoked,
  keepsRowSecurity,
  looksClosed,
  ownerGetsIn,
  seesOwnRowsOnly,
  type Smoke,
  staysAtHome,
  staysItself,
  writesNoMore,
} from './smoke-checks.ts'
import { type SmokeSubject, visit } from './smoke-visit.ts'

/** In this order: the owner goes first, and the last but one ends a lease that the others use. */
const CHECKS: Readonly<Record<string, Smoke>> = {
  'pg-smoke-owner': ownerGetsIn,
  'pg-smoke-own-rows-only': seesOwnRowsOnly,
  'pg-smoke-writes': writesNoMore,
  'pg-smoke-other-role': staysItself,
  'pg-smoke-row-security': keepsRowSecurity,
  'pg-smoke-other-database': staysAtHome,
  'pg-smoke-revoked': endsWhenRevoked,
  'pg-smoke-inspect': looksClosed,
}

/**
 * Attacks a live place with leases of the tenant's own. Nothing is changed: what could change
 * something is tried on no rows, in transactions that are rolled back. A check fails by what was seen
 * or done, never by the words of an error.
 */
export async function smokeTenant(subject: SmokeSubject): Promise<readonly SmokeCheck[]> {
  return visit(subject, async (visiting) => {
    const checks: SmokeCheck[] = []
    for (const [id, smoke] of Object.entries(CHECKS)) {
      checks.push({ id, ...(await smoke(visiting)) })
    }
    return checks
  })
}
