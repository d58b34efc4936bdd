import { after, before, test } from 'node:test'
import {
  startTestSite,
  type TestSite,
} from '../../src/boundaries/postgres/test-site.test-support.ts'
import { killInstallation } from './install-crash.test-support.ts'

let place: TestSite

before(async () => {
  place = await startTestSite()
})
after(() => place?.stop())

for (let round = 1; round <= 40; round += 1) {
  test(`an installation that was killed is finished by the next (round ${round} of 40)`, async () => {
    await killInstallation(place)
  })
}
