import { createHash } from 'node:crypto'
import type { Boundary, ExportSink } from '../boundaries/boundary.ts'
import type { LeaseId } from '../core/lease.ts'
import { parseCellName } from '../core/tenant.ts'

export interface MemoryBoundary {
  readonly boundary: Boundary
  /** Each call that reached it. */
  readonly calls: string[]
  /** What every call throws, for as long as it is set. */
  fail: unknown
  /** What an export writes, item by item. */
  exports: ReadonlyMap<string, Iterable<Uint8Array>>
}

const AT = new Date('2026-11-21T09:00:00.123Z')

/** A boundary that remembers what it was asked and always answers the same, with every field in use. */
export function memoryBoundary(): MemoryBoundary {
  const calls: string[] = []
  const answer = async <T>(name: string, value: T): Promise<T> => {
    calls.push(name)
    if (memory.fail !== undefined) throw memory.fail
    return value
  }
  const cell = parseCellName('memory')
  const progress = {
    from: 'pooled',
    to: 'silo',
    copied: 7,
    items: [{ item: 'note', count: 9 }],
  } as const
  const boundary: Boundary = {
    engine: 'memory',
    tiers: ['pooled'],
    provision: ({ id, tier }) =>
      answer('provision', { tenant: id, tier, cell, key: 'k', place: 'memory' }),
    lease: (tenant, { scope, ttlSeconds }) =>
      answer('lease', {
        lease_id: 'one' as LeaseId,
        lease_duration: ttlSeconds ?? 900,
        renewable: true,
        tenant,
        boundary: 'memory',
        tier: 'pooled',
        cell,
        scope,
        issued_at: AT,
        expires_at: new Date(AT.getTime() + 900_000),
        credential: { host: '/run', port: 5432, password: 'secret' },
      }),
    revoke: (_, lease) =>
      answer('revoke', { leases: lease === undefined ? [] : [lease], sessionsEnded: 1 }),
    leases: (tenant) => {
      const record = {
        lease_id: 'one' as LeaseId,
        tenant,
        scope: 'read',
        holder: 'test',
        issued_at: AT,
        expires_at: AT,
      } as const
      return answer('leases', [
        { ...record, ended_at: undefined, ended_why: undefined },
        { ...record, ended_at: AT, ended_why: 'expired' },
      ])
    },
    sweep: () => answer('sweep', { leasesExpired: 1, sessionsEnded: 2, overBudget: ['one: why'] }),
    inspect: () => {
      const found = { rule: 'r', severity: 'high', object: 'o', explanation: 'e' } as const
      return answer('inspect', [
        { ...found, fix: 'mend it' },
        { ...found, fix: undefined },
      ])
    },
    smoke: () => answer('smoke', [{ id: 'smoke', held: true, outcome: 'it held' }]),
    prepareMove: () => answer('prepareMove', progress),
    catchUp: () => answer('catchUp', progress),
    cutOver: (tenant) =>
      answer('cutOver', {
        placement: { tenant, tier: 'silo', cell, key: 'k2', place: 'memory' },
        verified: [{ item: 'note', count: 9, hash: 'abc' }],
        pausedMs: 12.5,
      }),
    abortMove: () => answer('abortMove', undefined),
    finishMove: (tenant) => answer('finishMove', erasureOf(tenant)),
    erase: (tenant) => answer('erase', erasureOf(tenant)),
    async export(tenant, sink) {
      await answer('export', undefined)
      const items = []
      for (const [item, chunks] of memory.exports) {
        items.push(await exportItem(item, chunks, sink))
      }
      await answer('exported', undefined)
      return { tenant, engine: 'memory', exportedAt: AT, items }
    },
    attacks: () => [],
    mutants: () => [],
    rehearse: () => Promise.reject(new Error('nothing is rehearsed here')),
    close: () => answer('close', undefined),
  }
  const memory: MemoryBoundary = { boundary, calls, fail: undefined, exports: new Map() }
  return memory
}

const erasureOf = <T>(tenant: T) => ({
  tenant,
  erasedAt: AT,
  deleted: [{ item: 'note', count: 9 }],
  probes: [{ place: 'everywhere', found: 0 }],
  notCovered: ['backups'],
})

async function exportItem(item: string, chunks: Iterable<Uint8Array>, sink: ExportSink) {
  const hash = createHash('sha256')
  let bytes = 0
  let count = 0
  await sink.open(item)
  for (const chunk of chunks) {
    hash.update(chunk)
    bytes += chunk.length
    count += 1
    await sink.write(chunk)
  }
  await sink.close(item)
  return { item, count, bytes, sha256: hash.digest('hex') }
}
