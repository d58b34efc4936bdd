import { after, before, test } from 'node:test'
import type pg from 'pg'
import {
  startTestSite,
  type TestSite,
} from '../../src/boundaries/postgres/test-site.test-support.ts'
import { killAtRandom } from './kill-at-random.test-support.ts'

let place: TestSite
let ledger: pg.Client

before(async () => {
  place = await startTestSite()
  ledger = await place.admin(place.names.custodyDatabase)
  await place.provision('acme')
})
after(() => place?.stop())

for (let part = 1; part <= 10; part += 1) {
  test(`killed at any moment, thirty times over (part ${part} of 10)`, async () => {
    await killAtRandom(place, ledger, 30)
  })
}
