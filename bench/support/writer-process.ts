import { setTimeout as pause } from 'node:timers/promises'
import type { JWK } from 'jose'
import { parseServiceName } from '../../src/core/names.ts'
import type { TenantId } from '../../src/core/tenant.ts'
import type { RingfenceOptions } from '../../src/sdk/options.ts'
import { Ringfence } from '../../src/sdk/ringfence.ts'
import { SigningKey } from '../../src/tokens/signing-key.ts'
import { contextOf } from './exchange.ts'

export interface WriterWork {
  readonly service: RingfenceOptions
  /** Contexts are signed here, one for each write, as the gateway would. */
  readonly contextKey: JWK
  readonly tenant: TenantId
  readonly firstId: number
}

/** What a writer met since it was asked before. */
export interface Written {
  readonly writes: number
  /** Writes that were refused or broken off, and were tried again. */
  readonly failures: number
  /** Milliseconds: the longest time from one committed write to the next. */
  readonly longestGap: number
}

/** After which a writer that gets nowhere gives up, in milliseconds. */
const STUCK_MS = 60_000
const RETRY_MS = 2
const WRITE = { scope: 'write' } as const
const INSERT = {
  name: 'write',
  text: `insert into bench.visit (id, starts_at, note) values ($1, now(), 'written meanwhile')`,
}

/**
 * A service that writes for one tenant without a pause, in a process of its own. It answers each
 * message after its next write, so that a gap that is open when it is asked counts in full.
 */
process.once('message', (work: WriterWork) => {
  void write(work)
})

process.once('disconnect', () => process.exit())

async function write({ service, contextKey, tenant, firstId }: WriterWork): Promise<void> {
  const ringfence = new Ringfence(service)
  const signer = {
    contextKey: await SigningKey.fromJwk(contextKey),
    service: parseServiceName(service.service),
  }
  const insert = async (id: number) => {
    const context = await ringfence.verify(await contextOf(signer, tenant, ['read', 'write']))
    await ringfence.withTenant(context, (db) => db.query({ ...INSERT, values: [id] }), WRITE)
  }
  const nothing = { writes: 0, failures: 0, longestGap: 0 }
  let met = { ...nothing }
  let asked = true
  process.on('message', () => {
    asked = true
  })
  let last = performance.now()
  for (let id = firstId; ; ) {
    try {
      await insert(id)
    } catch (error) {
      // Without an answer a write may have been committed all the same.
      if (!isDuplicate(error)) {
        if (performance.now() - last > STUCK_MS) throw error
        met.failures += 1
        await pause(RETRY_MS)
        continue
      }
    }
    const now = performance.now()
    met.writes += 1
    met.longestGap = Math.max(met.longestGap, now - last)
    last = now
    id += 1
    if (!asked) continue
    asked = false
    process.send?.(met satisfies Written)
    met = { ...nothing }
  }
}

function isDuplicate(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23505'
}
