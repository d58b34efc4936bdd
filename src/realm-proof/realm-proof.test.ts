import { testRehearsal } from '../strikes/rehearsal-tests.test-support.ts'
import { REALM_ATTACKS } from './attacks/attacks.ts'
import { REALM_MUTANTS } from './mutants/mutants.ts'
import { openRealmRehearsal } from './realm-rehearsal.ts'

testRehearsal({
  what: 'realms',
  prefix: 'id',
  attacks: REALM_ATTACKS,
  mutants: REALM_MUTANTS,
  least: { attacks: 90, mutants: 85 },
  secret: /canary-|eyJ|rf[a-z]_|-----/,
  open: openRealmRehearsal,
})
