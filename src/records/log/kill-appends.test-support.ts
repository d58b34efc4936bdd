import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { logOf } from '../../audit/entry.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { verifyLog } from '../../transparency/verify-log.ts'
import { parseVerifierKey } from '../../transparency/verifier-key.ts'
import { KeyEncryptionKeys } from './key-encryption.ts'
import type { LogDatabaseSettings } from './log-database.ts'
import { openLogStore } from './open-log-store.ts'
import { entryFor, idsIn, ORIGIN_PREFIX } from './test-logs.test-support.ts'

const SCRIPT = fileURLToPath(new URL('append-process.test-support.ts', import.meta.url))
const LATEST_MS = 250

/**
 * Kills processes that append, each at a random moment; after each a new one opens the logs, finds all
 * that was answered, nothing twice and no hole, and goes on from every checkpoint that was given out.
 */
export async function killAppends(database: LogDatabaseSettings, rounds: number): Promise<void> {
  const key = randomBytes(32)
  const [sent, kept] = [new Set<string>(), new Set<string>()]
  let since: string | undefined
  for (let round = 0; round < rounds; round += 1) {
    await appendUntilKilled(database, key, sent, kept)
    const keys = new KeyEncryptionKeys([key])
    const store = await openLogStore({ database, keys, originPrefix: ORIGIN_PREFIX })
    try {
      for (const tenant of ['acme', 'globex']) {
        const log = logOf(parseTenantId(tenant))
        const ids = await idsIn(store, log)
        const there = new Set(ids)
        assert.equal(there.size, ids.length, 'an entry stands twice')
        for (const id of kept) assert.ok(there.has(id), 'an entry that was answered is lost')
        for (const id of ids) assert.ok(sent.has(id), 'an entry that nobody made')
        const [first] = await store.keys(log)
        assert.ok(first)
        const report = await verifyLog({
          read: (path) => store.resource(log, path),
          keys: [parseVerifierKey(first.vkey)],
          ...(since === undefined || tenant !== 'acme' ? {} : { since }),
        })
        assert.deepEqual(report.findings, [])
        assert.equal(report.size, ids.length, 'the next start signs what was left unsigned')
      }
      const entry = entryFor('acme')
      sent.add(entry.id)
      kept.add(entry.id)
      await store.append([entry, { ...entry, tenant: parseTenantId('globex') }])
      await store.sign()
      since = await store.checkpoint(logOf(parseTenantId('acme')))
    } finally {
      await store.close()
    }
  }
  assert.ok(kept.size > rounds, 'the processes did work')
}

async function appendUntilKilled(
  database: LogDatabaseSettings,
  key: Buffer,
  sent: Set<string>,
  kept: Set<string>,
): Promise<void> {
  const order = JSON.stringify({ database, key: key.toString('base64url') })
  const child = spawn(process.execPath, [SCRIPT, order], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  let isWorking: (() => void) | undefined
  const working = new Promise<void>((resolve) => {
    isWorking = resolve
  })
  const lines = createInterface({ input: child.stdout })
  const read = once(lines, 'close')
  lines.on('line', (line) => {
    const [what, id = ''] = line.split(' ')
    if (what === 'sent') sent.add(id)
    if (what !== 'kept') return
    kept.add(id)
    isWorking?.()
  })
  try {
    await Promise.race([working, ended])
    await sleep(Math.random() * LATEST_MS)
  } finally {
    child.kill('SIGKILL')
    await ended
    await read
  }
}
