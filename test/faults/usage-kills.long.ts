import { test } from 'node:test'
import { meteringSite } from '../../src/metering/metering-site.test-support.ts'
import { killUsage } from './usage-kills.test-support.ts'

const KILLS = 200

test(`${KILLS} kills at random moments: no usage is lost, and none counts twice`, async (t) => {
  const site = await meteringSite()
  t.after(() => site.close())
  await killUsage(site, KILLS)
})
