import type { OpenProving } from '../boundaries/cell.ts'
import { openStagedProving } from '../strikes/staged-proving.ts'
import { RECORDS_ATTACKS } from './attacks/attacks.ts'
import { RECORDS_MUTANTS } from './mutants/mutants.ts'
import { openRecordsRehearsal } from './records-rehearsal.ts'

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
 * logs, usage, invoices and alerts of tenants.
 */
export function openRecordsProving(): Promise<OpenProving> {
  return openStagedProving({
    engine: RECORDS,
    folders: FOLDERS,
    facts: { records: 'the records plane of this version, on an embedded database' },
    attacks: RECORDS_ATTACKS,
    mutants: RECORDS_MUTANTS,
    rehearse: openRecordsRehearsal,
  })
}
