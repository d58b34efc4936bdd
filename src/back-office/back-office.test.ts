import { testRehearsal } from '../strikes/rehearsal-tests.test-support.ts'
import { BACK_OFFICE_ATTACKS } from './attacks/attacks.ts'
import { openBackOfficeRehearsal } from './back-office-rehearsal.ts'
import { BACK_OFFICE_MUTANTS } from './mutants/mutants.ts'

testRehearsal({
  what: 'the control API',
  prefix: 'ca',
  attacks: BACK_OFFICE_ATTACKS,
  mutants: BACK_OFFICE_MUTANTS,
  least: { attacks: 60, mutants: 50 },
  secret: /canary-|eyJ|rfo_|whsec_/,
  ways: 'one',
  open: openBackOfficeRehearsal,
})
