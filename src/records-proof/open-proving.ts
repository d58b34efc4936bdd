import type { OpenProving } from '../boundaries/cell.ts'
import { programDigest } from '../strikes/program-digest.ts'
import { PROVEN_ONCE } from '../strikes/staged-attack.ts'
import { RECORDS_ATTACKS } from './attacks/attacks.ts'
import { RECORDS_MUTANTS } from './mutants/mutants.ts'
import { RecordsRehearsal } from './records-rehearsal.ts'

/** The parts of the program that keep records. */
const FOLDERS = [
  'core',
  'http',
  'tokens',
  'journal',
  'transparency',
  'audit',
  'usage',
  'metering',
  'billing',
  'alerts',
  'records',
]

/** What reports call it. */
export const RECORDS = 'records'

/**
 * A proof of records: the real records plane runs in this process, on a throw-away control database, with
 * logs, usage, invoices and alerts of tenants. Nothing is started before it is rehearsed.
 */
export async function openRecordsProving(): Promise<OpenProving> {
  return {
    provable: {
      engine: RECORDS,
      tiers: PROVEN_ONCE,
      inspect: async () => [],
      attacks: () => RECORDS_ATTACKS,
      mutants: () => RECORDS_MUTANTS,
      rehearse: (_tier, tenants) => RecordsRehearsal.open(tenants),
    },
    facts: { records: 'the records plane of this version, on an embedded database' },
    subject: { name: 'ringfence/records', sha256: await programDigest(FOLDERS) },
    close: async () => undefined,
  }
}
