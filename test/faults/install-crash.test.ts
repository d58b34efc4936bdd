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

for (const time of ['once', 'twice', 'three times']) {
  test(`an installation that was killed is finished by the next (${time})`, async () => {
    await killInstallation(place)
  })
}
