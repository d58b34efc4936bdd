import { randomBytes, randomUUID } from 'node:crypto'
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { type AuditEntry, logOf } from '../src/audit/entry.ts'
import { startEmbedded } from '../src/clusters/embedded-cluster.ts'
import { parseTenantId } from '../src/core/tenant.ts'
import { KeyEncryptionKeys } from '../src/records/log/key-encryption.ts'
import { openLogStore } from '../src/records/log/open-log-store.ts'
import type { PostgresLogStore } from '../src/records/log/postgres-log-store.ts'
import { parseVerifierKey } from '../src/transparency/verifier-key.ts'
import { verifyLog } from '../src/transparency/verify-log.ts'
import type { Bench, BenchContext, Row } from './bench.ts'
import { median, ratios } from './support/statistics.ts'

const ACME = parseTenantId('acme')
const CALLERS = 8
const BATCH = 100

/** How many entries a way of writing them makes durable in one call. */
interface Way {
  readonly what: string
  readonly callers: number
  readonly batch: number
  readonly write: (entries: readonly AuditEntry[], caller: number) => Promise<unknown>
}

export const bench: Bench = {
  title: 'audit logs: appends against plain INSERT and against what the disk can flush; verifying',
  async run(context) {
    const cluster = await startEmbedded({
      name: 'logs',
      profile: 'control',
      directory: join(context.directory, 'server'),
    })
    const store = await openLogStore({
      database: cluster.admin,
      keys: new KeyEncryptionKeys([randomBytes(32)]),
      originPrefix: 'audit.example',
    })
    const clients = Array.from({ length: CALLERS }, () => new pg.Client(cluster.admin))
    try {
      await Promise.all(clients.map((client) => client.connect()))
      await clients[0]?.query('create table plain (id uuid primary key, bytes bytea not null)')
      return [...(await appends(context, store, clients)), await verifying(context, store)]
    } finally {
      await Promise.all(clients.map((client) => client.end()))
      await store.close()
      await cluster.stop()
    }
  },
}

async function appends(context: BenchContext, store: PostgresLogStore, clients: pg.Client[]) {
  const insert: Way['write'] = async (entries, caller) => {
    const rows = entries.map(({ id }, n) => [id, JSON.stringify(entries[n])] as const)
    return clients[caller]?.query(
      'insert into plain select * from unnest($1::uuid[], $2::bytea[])',
      [rows.map(([id]) => id), rows.map(([, text]) => Buffer.from(text))],
    )
  }
  const append: Way['write'] = (entries) => store.append(entries)
  const ways: Way[] = [1, CALLERS].flatMap((callers) =>
    [1, BATCH].flatMap((batch) => {
      const named = `${callers} caller${callers === 1 ? '' : 's'}, ${batch} at a time`
      return [
        { what: `plain INSERT, ${named}`, callers, batch, write: insert },
        { what: `append, ${named}`, callers, batch, write: append },
      ]
    }),
  )
  const rounds = context.quick ? 2 : 7
  const [roundMs, rates] = [context.quick ? 400 : 3_000, new Map<string, number[]>()]
  const flushes: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    context.say(`round ${round + 1} of ${rounds}`)
    flushes.push(flushRate(context.directory, roundMs))
    for (const way of ways) {
      const list = rates.get(way.what) ?? []
      list.push(await rateOf(way, roundMs))
      rates.set(way.what, list)
    }
  }
  const rows: Row[] = [
    {
      what: 'flushes of 8 KiB (fdatasync), 1 caller',
      unit: '1/s',
      n: rounds,
      p50: median(flushes),
    },
  ]
  for (const [index, { what }] of ways.entries()) {
    const own = rates.get(what) ?? []
    const reference = ways[index - 1]?.what
    const isAppend = index % 2 === 1 && reference !== undefined
    rows.push({
      what,
      unit: 'entries/s',
      n: rounds,
      p50: median(own),
      ...(isAppend ? { ...ratios(own, rates.get(reference) ?? []), reference } : {}),
    })
  }
  return rows
}

async function rateOf({ callers, batch, write }: Way, milliseconds: number): Promise<number> {
  const began = performance.now()
  let written = 0
  const call = async (caller: number) => {
    while (performance.now() - began < milliseconds) {
      await write(Array.from({ length: batch }, entry), caller)
      written += batch
    }
  }
  await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)))
  return (written / (performance.now() - began)) * 1_000
}

/** How often the disk, below the same directory, can make 8 KiB durable: no commit is faster alone. */
function flushRate(directory: string, milliseconds: number): number {
  const file = openSync(join(directory, 'flushes'), 'a')
  const page = randomBytes(8_192)
  const began = performance.now()
  let flushed = 0
  while (performance.now() - began < milliseconds) {
    writeSync(file, page)
    fdatasyncSync(file)
    flushed += 1
  }
  closeSync(file)
  return (flushed / (performance.now() - began)) * 1_000
}

async function verifying(context: BenchContext, store: PostgresLogStore): Promise<Row> {
  const log = logOf(ACME)
  for (let n = 0; n < (context.quick ? 2 : 50); n += 1) {
    await store.append(Array.from({ length: 2_000 }, entry))
  }
  await store.sign()
  const [first] = await store.keys(log)
  const resources = new Map<string, Uint8Array | undefined>()
  // From memory: what is measured is verifying, and not the disk or the network.
  const read = async (path: string) => {
    if (!resources.has(path)) resources.set(path, await store.resource(log, path))
    return resources.get(path)
  }
  const keys = [parseVerifierKey(first?.vkey ?? '')]
  await verifyLog({ read, keys })
  const rates: number[] = []
  for (let round = 0; round < (context.quick ? 2 : 7); round += 1) {
    const began = performance.now()
    const { size, findings } = await verifyLog({ read, keys })
    if (findings.length > 0) throw new Error('the log is not whole')
    rates.push((size / (performance.now() - began)) * 1_000)
  }
  return {
    what: 'verify a whole log, entries and tiles in memory',
    unit: 'entries/s',
    n: rates.length,
    p50: median(rates),
  }
}

function entry(): AuditEntry {
  return {
    id: randomUUID(),
    time: '2026-11-15T08:00:00Z',
    tenant: ACME,
    category: 'lease',
    action: 'lease.granted',
    actor: { kind: 'workload', id: 'clinic-web' },
    on_behalf_of: { kind: 'user', id: 'u-1234567890' },
    object: { type: 'service', id: 'clinic' },
    decision: 'allowed',
    layer: 'budget',
    request_id: randomUUID(),
    trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
    address: '192.0.2.17',
  }
}
