import { after, before, test } from 'node:test'
import { killAppends } from './kill-appends.test-support.ts'
import { startLogServer } from './test-logs.test-support.ts'

let server: Awaited<ReturnType<typeof startLogServer>>
before(async () => {
  server = await startLogServer()
})
after(() => server?.stop())

test('processes that are killed while they append leave no hole, no double and nothing unsigned', async () => {
  await killAppends(await server.database(), 4)
})
