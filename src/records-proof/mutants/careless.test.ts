import { testNothingAmiss } from '../../strikes/rehearsal-tests.test-support.ts'
import { RECORDS_ATTACKS } from '../attacks/attacks.ts'
import { SOUND } from '../house/pieces.ts'
import { openRecordsRehearsal } from '../records-rehearsal.ts'
import { verifyingBadly } from './in-front.ts'
import { takingUsage } from './worse-usage.ts'

testNothingAmiss('a plane put together by hand, with careless pieces', {
  attacks: RECORDS_ATTACKS,
  open: openRecordsRehearsal,
  copy: (opened) => opened.copy({ ...SOUND, ...verifyingBadly(), ...takingUsage() }),
})
