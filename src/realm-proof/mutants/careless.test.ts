import { testNothingAmiss } from '../../strikes/rehearsal-tests.test-support.ts'
import { REALM_ATTACKS } from '../attacks/attacks.ts'
import type { Front } from '../house/fronted.ts'
import { SOUND } from '../house/pieces.ts'
import { openRealmRehearsal } from '../realm-rehearsal.ts'
import { believingAssertions } from './believed-assertions.ts'
import { believingResponses } from './believed-responses.ts'
import { believingTokens } from './believed-tokens.ts'

/** Of these the careless pieces decide alone: a replay is told by what the realm remembers. */
const DECIDED = /^id-(?:token|assertion|saml)-(?!.*replayed)/

/** One in front of the other. */
function chained(...fronts: readonly (Front | undefined)[]): Front {
  return fronts.reduceRight<Front>(
    (inner, front) => (said, pass, plane) =>
      front === undefined
        ? inner(said, pass, plane)
        : front(said, (passed) => inner(passed, pass, plane), plane),
    (said, pass) => pass(said),
  )
}

testNothingAmiss('the careless pieces', {
  attacks: REALM_ATTACKS.filter(({ id }) => DECIDED.test(id)),
  open: openRealmRehearsal,
  copy(opened) {
    const parts = [believingTokens({}), believingAssertions(), believingResponses()]
    return opened.copy({ ...SOUND, front: chained(...parts.map(({ front }) => front)) })
  },
})
