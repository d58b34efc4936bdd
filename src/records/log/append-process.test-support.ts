// Appends without end and tells of each batch, before and after: the process that a test kills.
import { randomUUID } from 'node:crypto'
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseTenantId } from '../../core/tenant.ts'
import { KeyEncryptionKeys } from './key-encryption.ts'
import { openLogStore } from './open-log-store.ts'
import { entryFor, ORIGIN_PREFIX } from './test-logs.test-support.ts'

const order = JSON.parse(process.argv[2] ?? '{}') as {
  readonly database: Readonly<Record<string, unknown>>
  readonly key: string
}

const store = await openLogStore({
  database: order.database,
  keys: new KeyEncryptionKeys([Buffer.from(order.key, 'base64url')]),
  originPrefix: ORIGIN_PREFIX,
})
const caller = async () => {
  for (;;) {
    const ids = Array.from({ length: 1 + Math.floor(Math.random() * 5) }, () => randomUUID())
    const entries = ids.flatMap((id) => [
      entryFor('acme', { id }),
      entryFor('globex', { id, tenant: parseTenantId('globex') }),
    ])
    writeSync(1, ids.map((id) => `sent ${id}\n`).join(''))
    await store.append(entries)
    writeSync(1, ids.map((id) => `kept ${id}\n`).join(''))
  }
}
const signing = async () => {
  for (;;) {
    await store.sign()
    await sleep(5)
  }
}
await Promise.all([caller(), caller(), caller(), signing()])
