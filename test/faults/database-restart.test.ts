import { test } from 'node:test'
import { restartDatabase } from './database-restart.test-support.ts'

test('while the control database is killed and started again, no entry and no usage is lost, and none is there twice', async (t) => {
  await restartDatabase(t, 1)
})
