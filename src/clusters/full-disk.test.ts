import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import { clusterFailure } from './server-failure.ts'
import { ask, canMount, mountSmall, scratch, started } from './scratch.test-support.ts'

test('every way a full disk shows itself becomes the same error', () => {
  for (const evidence of [
    Object.assign(new Error('write'), { code: 'ENOSPC' }),
    new Error('initdb: error: could not write to file: No space left on device'),
    new Error('FATAL: could not write lock file "postmaster.pid": No space left on device'),
  ]) {
    const error = clusterFailure('cell', '/srv/cell', 5432, evidence)
    assert.equal(error instanceof RingfenceError && error.code, 'disk_full')
    assert.match(
      error.message,
      /disk of cluster cell is full: free at least \d+ MiB .* \/srv\/cell/,
    )
  }
})

if (canMount()) {
  test('a disk too small for a cluster is named before anything is written to it', async (t) => {
    const disk = join(scratch(t), 'disk')
    mkdirSync(disk)
    mountSmall(t, disk, 40)
    await assert.rejects(started(t, { directory: disk }), {
      code: 'disk_full',
      message: /needs 96 MiB on the disk of .*, where \d+ MiB are free/,
    })
    assert.equal(existsSync(join(disk, 'data')), false)
  })

  test('a disk that fills up later stops a start cleanly, and the next one works', async (t) => {
    const disk = join(scratch(t), 'disk')
    mkdirSync(disk)
    mountSmall(t, disk, 128)
    const first = await started(t, { directory: disk })
    await ask(first.admin, 'CREATE TABLE kept AS SELECT 42 AS n')
    await first.stop()
    const before = readdirSync(disk).sort()
    const filler = join(disk, 'filler')
    assert.throws(() => {
      for (;;) appendFileSync(filler, Buffer.alloc(4096))
    }, /ENOSPC/)
    await assert.rejects(started(t, { directory: disk }), {
      code: 'disk_full',
      message: /free at least/,
    })
    rmSync(filler)
    assert.deepEqual(readdirSync(disk).sort(), before)
    const second = await started(t, { directory: disk })
    assert.deepEqual(await ask(second.admin, 'SELECT n FROM kept'), [42])
  })
}
