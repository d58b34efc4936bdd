import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { platformOutside } from '../../src/alerts/outside.ts'
import { logOf } from '../../src/audit/entry.ts'
import { makeEntry } from '../../src/audit/make-entry.ts'
import { parseSubject } from '../../src/core/names.ts'
import { parseTenantId } from '../../src/core/tenant.ts'
import { MemoryLogStore } from '../../src/records/api/memory-store.test-support.ts'
import { type WireEntry, wireEntry } from '../../src/records/api/wire-entry.ts'
import { startIntakeSite } from '../../src/records/intake/intake-site.test-support.ts'
import { KeyEncryptionKeys } from '../../src/records/log/key-encryption.ts'
import { openStreams } from '../../src/records/streams/open-streams.ts'

const ACME = parseTenantId('acme')
const ALL = 100_000

/** One of a tenant's sinks as its administrator sees it. */
export interface SinkState {
  readonly position: number
  readonly attempts: number
  readonly last_error: string | null
}

/** A log that is streamed to the sinks that a test sets, as an administrator of its tenant. */
export async function sinkSite(t: TestContext) {
  const site = await startIntakeSite()
  const store = new MemoryLogStore()
  const streams = await openStreams({
    ...{ database: site.records, store, platform: [], log: () => {} },
    keys: new KeyEncryptionKeys([Buffer.alloc(32, 3)]),
    hostname: 'audit.example',
    callerOf: async () => ({
      ...{ tenant: ACME, subject: parseSubject('ann'), roles: ['tenant-admin'] },
      ...{ requestId: 'r-1', expiresAt: new Date(), stillMay: () => {} },
    }),
    isActive: () => true,
    // The receivers are on this machine.
    outside: platformOutside(),
    ...{ lookMs: 10, idleMs: 20, pauseMs: 20 },
  })
  t.after(async () => {
    await streams.close()
    await site.stop()
  })
  return {
    /** All of it in order, as readers get it. */
    async entries(): Promise<readonly WireEntry[]> {
      const all = (await store.read(logOf(ACME), 0, ALL)).map(wireEntry)
      return JSON.parse(JSON.stringify(all)) as readonly WireEntry[]
    },
    /** @param text of each entry: whatever callers send */
    async grow(count: number, text = 'zoë ☃ \u0000\n"\\'): Promise<void> {
      for (let n = 0; n < count; n += 1) {
        const entry = makeEntry({
          ...{ tenant: ACME, category: 'lease', action: 'lease.granted', layer: 'budget' },
          ...{ actor: { kind: 'user', id: text }, decision: n % 2 === 0 ? 'allowed' : 'denied' },
          ...{ request_id: randomUUID(), address: '192.0.2.7' },
        })
        await store.append([entry])
      }
    },
    async set(name: string, sink: object): Promise<number> {
      const body = JSON.stringify({ sink, from: 'start' })
      return (await streams.app.request(`/${name}`, { method: 'PUT', body })).status
    },
    async state(name: string): Promise<SinkState> {
      return (await (await streams.app.request(`/${name}`)).json()) as SinkState
    },
  }
}
