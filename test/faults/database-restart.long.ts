import { test } from 'node:test'
import { restartDatabase } from './database-restart.test-support.ts'

const RESTARTS = 200

test(`${RESTARTS} kills of the control database under load: no entry and no usage is lost, and none is there twice`, async (t) => {
  const { entries, events } = await restartDatabase(t, RESTARTS)
  t.diagnostic(`${entries} entries and ${events} events`)
})
