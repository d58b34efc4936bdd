import { after, before, test } from 'node:test'
import { killAppends } from '../../src/records/log/kill-appends.test-support.ts'
import { startLogServer } from '../../src/records/log/test-logs.test-support.ts'

const ROUNDS = 200

let server: Awaited<ReturnType<typeof startLogServer>>
before(async () => {
  server = await startLogServer()
})
after(() => server?.stop())

test(`${ROUNDS} processes that are killed while they append leave no hole and no double in any log`, async () => {
  await killAppends(await server.database(), ROUNDS)
})
