import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Rehearsal } from '../../boundaries/boundary.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { RECORDS_ATTACKS } from '../attacks/attacks.ts'
import { SOUND } from '../house/pieces.ts'
import { RecordsRehearsal } from '../records-rehearsal.ts'
import { verifyingBadly } from './in-front.ts'
import { takingUsage } from './worse-usage.ts'

const [A, B, C] = [parseTenantId('acme'), parseTenantId('acme-1'), parseTenantId('birch')]

describe('a plane put together by hand, with careless pieces that have nothing amiss', () => {
  let rehearsal: RecordsRehearsal
  let copy: Rehearsal
  before(async () => {
    rehearsal = await RecordsRehearsal.open([A, B, C])
    copy = await rehearsal.copy({ ...SOUND, ...verifyingBadly(), ...takingUsage() })
  })
  after(async () => {
    await copy.close()
    await rehearsal.close()
  })

  // What an attack notices on a mutant is its one fault.
  for (const attack of RECORDS_ATTACKS) {
    test(`${attack.id} is denied`, async () => {
      const { verdict, owner, outcome } = await copy.strike(attack, A, B)
      assert.equal(verdict, 'denied', `${owner} // ${outcome}`)
    })
  }
})
