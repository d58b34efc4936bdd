import { test } from 'node:test'
import { meteringSite } from '../../src/metering/metering-site.test-support.ts'
import { killUsage } from './usage-kills.test-support.ts'

const KILLS = 5

test('whoever records usage or collects it is killed: what was promised is there, and counts once', async (t) => {
  const site = await meteringSite()
  t.after(() => site.close())
  await killUsage(site, KILLS)
})
