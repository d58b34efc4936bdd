import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { removeCluster } from './cluster-place.ts'
import { packagedBinaries } from './server-binaries.ts'
import { isReachableByAll, isRoot } from './server-user.ts'
import { ask, holder, scratch, seeded, seededOptions, started } from './scratch.test-support.ts'

const NOBODY = { uid: 65_534, gid: 65_534 }

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let i = 0; !holds(); i++) {
    if (i > 2_000) throw new Error(`never happened: ${what}`)
    await sleep(5)
  }
}

const partials = (directory: string): string[] =>
  existsSync(directory) ? readdirSync(directory).filter((name) => name.includes('partial')) : []

test('a directory that another live process uses is refused, and that process named', async (t) => {
  const directory = scratch(t)
  const other = holder(t, { directory, ...(await seededOptions()) })
  assert.match(await other.next(), /^ready /)
  await assert.rejects(started(t, { directory }), {
    code: 'cluster_locked',
    message: new RegExp(`in use by process ${other.child.pid}`),
  })
  await assert.rejects(removeCluster('test', directory), { code: 'cluster_locked' })
  other.child.stdin?.end()
  assert.equal(await other.next(), 'stopped')
  await started(t, { directory })
})

test('of many processes that start one directory at once, one gets it', async (t) => {
  const directory = scratch(t)
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => holder(t, { directory }).next()),
  )
  assert.equal(answers.filter((line) => line.startsWith('ready')).length, 1)
  assert.equal(answers.filter((line) => line.startsWith('refused cluster_locked')).length, 3)
})

test('the server of a process that was killed is stopped, and its data found', async (t) => {
  const directory = scratch(t)
  const other = holder(t, { directory, ...(await seededOptions()) })
  const [, pid] = (await other.next()).split(' ')
  await other.kill()
  assert.equal(isAlive(Number(pid)), true, 'the server outlived its process')
  const lines: string[] = []
  const cluster = await started(t, { directory, log: (line) => lines.push(line) })
  assert.equal(isAlive(Number(pid)), false)
  assert.match(lines.join('\n'), /earlier process had left/)
  assert.deepEqual(await ask(cluster.admin, 'SELECT 1'), [1])
})

test('a pid file whose number belongs to another process now stops nothing', async (t) => {
  const directory = scratch(t)
  const first = await seeded(t, { directory })
  await first.stop()
  const data = join(directory, 'data')
  const { uid, gid } = statSync(data)
  writeFileSync(join(data, 'postmaster.pid'), `${process.pid}\n${data}\n1\n5432\n/tmp\n\n 1 2\n`)
  chownSync(join(data, 'postmaster.pid'), uid, gid)
  const second = await seeded(t, { directory })
  assert.deepEqual(await ask(second.admin, 'SELECT 1'), [1])
})

test('a start after a kill in the middle of initdb makes the data anew', async (t) => {
  const directory = scratch(t)
  const other = holder(t, { directory })
  const isHalfWritten = () =>
    partials(directory).some((name) => existsSync(join(directory, name, 'data', 'base', '1')))
  await until('initdb writes', isHalfWritten)
  await other.kill()
  assert.equal(existsSync(join(directory, 'data')), false)
  const cluster = await started(t, { directory })
  assert.deepEqual(await ask(cluster.admin, 'SELECT 1'), [1])
  assert.deepEqual(partials(directory), [])
})

test('data that is not whole, or of another version, is refused and left as it is', async (t) => {
  const directory = scratch(t)
  const data = join(directory, 'data')
  mkdirSync(data)
  writeFileSync(join(data, 'something'), '')
  await assert.rejects(started(t, { directory }), {
    code: 'cluster_damaged',
    message: /not a whole PostgreSQL data directory: restore/,
  })
  writeFileSync(join(data, 'PG_VERSION'), '13\n')
  await assert.rejects(started(t, { directory }), {
    code: 'cluster_damaged',
    message: /made by PostgreSQL 13 and this is PostgreSQL \d+: /,
  })
  assert.deepEqual(readdirSync(data).sort(), ['PG_VERSION', 'something'])
})

test('a damaged control file, and a lost password, are named as damage', async (t) => {
  const directory = scratch(t)
  await (await seeded(t, { directory })).stop()
  const password = join(directory, 'admin-password')
  const kept = readFileSync(password)
  rmSync(password)
  await assert.rejects(seeded(t, { directory }), { code: 'cluster_damaged', message: /password/ })
  writeFileSync(password, kept)
  writeFileSync(join(directory, 'data', 'global', 'pg_control'), Buffer.alloc(8192))
  await assert.rejects(seeded(t, { directory }), { code: 'cluster_damaged', message: /restore/ })
})

test('a directory that cannot be written is named', async (t) => {
  const directory = join(scratch(t), 'closed')
  mkdirSync(directory)
  if (isRoot) chownSync(directory, NOBODY.uid, NOBODY.gid)
  chmodSync(directory, 0o555)
  const other = holder(t, { directory }, isRoot ? NOBODY : {})
  assert.match(await other.next(), /^refused not_writable cluster test cannot write to \/.*closed/)
  writeFileSync(join(directory, '..', 'file'), '')
  await assert.rejects(started(t, { directory: join(directory, '..', 'file') }), {
    code: 'not_writable',
  })
})

test('a folder without usable server programs is refused', async (t) => {
  const empty = scratch(t)
  await assert.rejects(started(t, { directory: scratch(t), binaries: empty }), {
    code: 'engine_unsupported',
  })
  assert.throws(() => packagedBinaries('linux', 'riscv64'), {
    code: 'engine_unsupported',
    message: /no embedded PostgreSQL for linux-riscv64: give the URL/,
  })
})

test('a state directory behind a symbolic link is the same cluster', async (t) => {
  const top = scratch(t)
  symlinkSync(join(top, 'real'), join(top, 'link'))
  mkdirSync(join(top, 'real'))
  await seeded(t, { directory: join(top, 'real') })
  await assert.rejects(seeded(t, { directory: join(top, 'link') }), { code: 'cluster_locked' })
})

test('an interrupted process takes its server with it', async (t) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const other = holder(t, { directory: scratch(t), ...(await seededOptions()) })
    const [, pid] = (await other.next()).split(' ')
    other.child.kill(signal)
    await until(`the server ends after ${signal}`, () => !isAlive(Number(pid)))
  }
})

test('removing a cluster leaves nothing', async (t) => {
  const directory = join(scratch(t), 'cluster')
  await (await seeded(t, { directory })).stop()
  await removeCluster('test', directory)
  assert.equal(existsSync(directory), false)
  await removeCluster('test', directory)
})

if (isRoot) {
  const repositoryIsReachable = await isReachableByAll(import.meta.dirname)

  if (repositoryIsReachable) {
    test('an ordinary user runs it as itself', async (t) => {
      const directory = join(scratch(t), 'mine')
      mkdirSync(directory)
      chownSync(directory, NOBODY.uid, NOBODY.gid)
      const other = holder(t, { directory }, NOBODY)
      const [word, pid] = (await other.next()).split(' ')
      assert.equal(word, 'ready')
      assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Uid:\s+65534\s/m)
    })

    test('a user who is not in /etc/passwd is told what initdb needs', async (t) => {
      const stranger = { uid: 54_321, gid: 54_321 }
      const directory = join(scratch(t), 'mine')
      mkdirSync(directory)
      chownSync(directory, stranger.uid, stranger.gid)
      const other = holder(t, { directory }, stranger)
      assert.match(await other.next(), /^refused engine_unsupported .*no entry in \/etc\/passwd/)
    })
  }

  test('below a directory that only root may enter, the data goes to /var/lib', async (t) => {
    const directory = join(scratch(t), 'private', 'cluster')
    mkdirSync(join(directory, '..'), { mode: 0o700 })
    // What is below the temporary directory is treated otherwise, so it is elsewhere here.
    const elsewhere = scratch(t)
    for (let start = 0; start < 2; start++) {
      const other = holder(t, { directory }, {}, { TMPDIR: elsewhere })
      assert.match(await other.next(), /^ready \d+ \/var\/lib\/ringfence\/clusters\//)
      other.child.stdin?.end()
      assert.equal(await other.next(), 'stopped')
    }
    const place = readFileSync(join(directory, 'place'), 'utf8').trim()
    assert.equal(statSync(join(directory, '..')).mode & 0o777, 0o700)
    assert.equal(existsSync(join(place, 'data', 'PG_VERSION')), true)
    await removeCluster('test', directory)
    assert.equal(existsSync(place), false)
    assert.equal(existsSync(directory), false)
  })

  test('below a private temporary directory, the data stays with its cluster', async (t) => {
    const directory = join(scratch(t), 'private', 'cluster')
    mkdirSync(join(directory, '..'), { mode: 0o700 })
    await started(t, { directory })
    assert.equal(existsSync(join(directory, 'data', 'PG_VERSION')), true)
  })
}
