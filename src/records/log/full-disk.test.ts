import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { logOf } from '../../audit/entry.ts'
import { canMount, mountSmall, scratch, seeded } from '../../clusters/scratch.test-support.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { KeyEncryptionKeys } from './key-encryption.ts'
import { entryFor, idsIn, opened, verified } from './test-logs.test-support.ts'

const ACME = logOf(parseTenantId('acme'))
const PAGE = 65_536

if (canMount()) {
  test('on a full disk entries are refused, none that was answered is lost, and it goes on when there is room', async (t) => {
    const disk = join(scratch(t), 'disk')
    mkdirSync(disk)
    mountSmall(t, disk, 160)
    const keys = new KeyEncryptionKeys([randomBytes(32)])
    const cluster = await seeded(t, { directory: disk })
    const store = await opened(t, { database: cluster.admin, keys })
    const kept: string[] = []
    const append = async () => {
      const entries = Array.from({ length: 20 }, () =>
        entryFor('acme', { detail: { text: 'x'.repeat(2_000) } }),
      )
      await store.append(entries)
      kept.push(...entries.map(({ id }) => id))
    }
    await append()
    const filler = join(disk, 'filler')
    assert.throws(() => {
      for (;;) appendFileSync(filler, Buffer.alloc(PAGE))
    }, /ENOSPC/)
    const appendUntilRefused = async () => {
      for (;;) await append()
    }
    const refusal: unknown = await appendUntilRefused().catch((error: unknown) => error)
    assert.ok(refusal instanceof RingfenceError)
    assert.match(refusal.code, /^(?:not_writable|engine_unavailable)$/)
    rmSync(filler)
    await store.close()
    await cluster.stop().catch(() => {})
    const again = await seeded(t, { directory: disk })
    const second = await opened(t, { database: again.admin, keys })
    const before = await idsIn(second, ACME)
    assert.equal(new Set(before).size, before.length)
    for (const id of kept) assert.ok(before.includes(id))
    await second.append([entryFor('acme')])
    await second.sign()
    const { findings, size } = await verified(second, ACME)
    assert.deepEqual(findings, [])
    assert.equal(size, before.length + 1)
  })
}
