import { after, before, describe, test } from 'node:test'
import assert from 'node:assert/strict'
import type { Rehearsal } from '../../boundaries/boundary.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { REALM_ATTACKS } from '../attacks/attacks.ts'
import type { Front } from '../house/fronted.ts'
import { SOUND } from '../house/pieces.ts'
import { RealmRehearsal } from '../realm-rehearsal.ts'
import { believingAssertions } from './believed-assertions.ts'
import { believingResponses } from './believed-responses.ts'
import { believingTokens } from './believed-tokens.ts'

const [A, B, C] = [parseTenantId('acme'), parseTenantId('acme-1'), parseTenantId('birch')]
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

describe('the careless pieces with nothing amiss', () => {
  let rehearsal: RealmRehearsal
  let copy: Rehearsal
  before(async () => {
    rehearsal = await RealmRehearsal.open([A, B, C])
    const parts = [believingTokens({}), believingAssertions(), believingResponses()]
    copy = await rehearsal.copy({ ...SOUND, front: chained(...parts.map(({ front }) => front)) })
  })
  after(async () => {
    await copy.close()
    await rehearsal.close()
  })

  // What an attack notices on a mutant is its one fault.
  for (const attack of REALM_ATTACKS) {
    if (!DECIDED.test(attack.id)) continue
    test(`${attack.id} is denied`, async () => {
      const { verdict, owner, outcome } = await copy.strike(attack, A, B)
      assert.equal(verdict, 'denied', `${owner} // ${outcome}`)
    })
  }
})
