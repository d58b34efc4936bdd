import { testRehearsal } from '../strikes/rehearsal-tests.test-support.ts'
import { RECORDS_ATTACKS } from './attacks/attacks.ts'
import { RECORDS_MUTANTS } from './mutants/mutants.ts'
import { openRecordsRehearsal } from './records-rehearsal.ts'

testRehearsal({
  what: 'records',
  prefix: 'rc',
  attacks: RECORDS_ATTACKS,
  mutants: RECORDS_MUTANTS,
  least: { attacks: 60, mutants: 55 },
  secret: /canary-|eyJ|rf[a-z]_|-----/,
  open: openRecordsRehearsal,
})
