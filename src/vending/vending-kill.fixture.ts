import { join } from 'node:path'
import { listen } from '../http/listen.ts'
import { AUDIENCE, testConfiguration } from './world.test-support.ts'
import { MemoryLeaser } from './memory-leaser.test-support.ts'
import { MemoryRevocations } from '../revocation/memory-revocations.test-support.ts'
import { openVending } from './vending.ts'

// Keys are made anew in each process: the parent hands its own over.
const [directory = '', keys = '[]'] = process.argv.slice(2)
const configuration = testConfiguration()
const [contextKeys, workloadKeys] = JSON.parse(keys)
const { workloads } = configuration.current().platform
configuration.changePlatform({
  contextKeys: [contextKeys],
  workloads: workloads.map((workload) => ({ ...workload, keys: [workloadKeys] })),
})
const leaser = new MemoryLeaser()
const vending = await openVending({
  audience: AUDIENCE,
  configuration,
  revocations: new MemoryRevocations(),
  leaserOf: () => leaser,
  journal: { directory: join(directory, 'journal'), bytesMax: 20_000 },
  log: () => {},
})
const { url } = await listen(vending.app.fetch, { socket: join(directory, 'v.sock') })
console.log(url)
