import assert from 'node:assert/strict'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { findDistributionBinaries } from './server-binaries.ts'
import { isRoot } from './server-user.ts'
import { ask, scratch, seeded, started } from './scratch.test-support.ts'

const statusOf = (pid: number): string => readFileSync(`/proc/${pid}/status`, 'utf8')
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a first start makes a cluster, a later one finds its data, a stop leaves no process', async (t) => {
  const directory = scratch(t)
  const first = await started(t, { directory, profile: 'cell' })
  assert.equal(first.serverVersion >= 180_000, true)
  assert.deepEqual(await ask(first.admin, 'CREATE TABLE kept AS SELECT 42 AS n'), [])
  await Promise.all([first.stop(), first.stop()])
  assert.deepEqual(await first.exited, { code: 0, signal: null })
  assert.equal(isAlive(first.pid), false)
  const second = await started(t, { directory, profile: 'cell' })
  assert.deepEqual(await ask(second.admin, 'SELECT n FROM kept'), [42])
  assert.equal(second.admin.password, first.admin.password)
})

test('the settings are the safe ones, on every server that is here', async (t) => {
  const distribution = findDistributionBinaries().map(({ binaries }) => binaries)
  for (const binaries of [undefined, ...distribution]) {
    const directory = scratch(t)
    const cluster = await started(t, { directory, ...(binaries ? { binaries } : {}) })
    const names = ['fsync', 'full_page_writes', 'data_checksums', 'listen_addresses']
    names.push('password_encryption', 'log_statement', 'server_encoding')
    const settings = names.map((name) => `current_setting('${name}')`).join(', ')
    const safe = ['on', 'on', 'on', '', 'scram-sha-256', 'none', 'UTF8']
    assert.deepEqual(await ask(cluster.admin, `SELECT ${settings}`), safe)
    assert.deepEqual(
      await ask(
        cluster.admin,
        `SELECT count(*)::int, min(type), min(auth_method) FROM pg_hba_file_rules`,
      ),
      [1, 'local', 'scram-sha-256'],
    )
    const [verifier] = await ask(cluster.admin, 'SELECT rolpassword FROM pg_authid WHERE rolsuper')
    assert.match(String(verifier), /^SCRAM-SHA-256\$/)
    await cluster.stop()
  }
})

test('nobody gets in without the password', async (t) => {
  const { admin } = await started(t, { directory: scratch(t) })
  for (const password of ['', 'postgres', `${admin.password}x`]) {
    await assert.rejects(ask({ ...admin, password }, 'SELECT 1'))
  }
})

test('only the server and its owner can enter its data and its socket', async (t) => {
  const directory = scratch(t)
  const cluster = await started(t, { directory })
  const mode = (path: string) => statSync(path).mode & 0o777
  assert.equal(mode(cluster.admin.host), 0o700)
  assert.equal(mode(join(directory, 'data')), 0o700)
  for (const secret of ['admin-password', 'server.log', 'holder.pid']) {
    assert.equal(mode(join(directory, secret)), 0o600, secret)
  }
})

test('the server holds no right of root and no group of ours', async (t) => {
  const cluster = await seeded(t, { directory: scratch(t) })
  const status = statusOf(cluster.pid)
  const [, uid] = /^Uid:\s+(\d+)/m.exec(status) ?? []
  assert.notEqual(uid, '0')
  assert.equal(uid === String(process.getuid?.()), !isRoot)
  if (isRoot) {
    assert.match(status, /^Groups:\s*$/m)
    assert.match(status, /^CapEff:\s+0+$/m)
  }
})

test('two clusters side by side share no user, password or data', async (t) => {
  const [top, other] = [scratch(t), scratch(t)]
  const [a, b] = await Promise.all([
    started(t, { directory: join(top, 'a') }),
    started(t, { directory: join(other, 'a') }),
  ])
  await ask(a.admin, 'CREATE TABLE only_in_a ()')
  assert.deepEqual(await ask(b.admin, `SELECT to_regclass('only_in_a')`), [null])
  await assert.rejects(ask({ ...b.admin, password: a.admin.password ?? '' }, 'SELECT 1'))
  const owner = (directory: string) => statSync(join(directory, 'a', 'data')).uid
  assert.equal(owner(top) === owner(other), !isRoot)
})

test('a server is found where it was after its next start, wherever its socket has to be', async (t) => {
  const directory = join(scratch(t), 'with spaces', 'and-long'.repeat(12))
  const first = await seeded(t, { directory })
  await first.stop()
  const second = await seeded(t, { directory })
  assert.equal(second.admin.host, first.admin.host)
  assert.deepEqual(await ask(first.admin, 'SELECT 1'), [1])
})

test('a directory with spaces, quotes and a long name works', async (t) => {
  const directory = join(scratch(t), `O'Neil "& Sons", 100% \\ ünï`, 'deep'.repeat(30))
  const first = await started(t, { directory })
  assert.ok(Buffer.byteLength(first.admin.host) < 90)
  assert.deepEqual(await ask(first.admin, 'SELECT 1'), [1])
  await first.stop()
  assert.throws(() => statSync(first.admin.host), /ENOENT/)
  const second = await started(t, { directory })
  assert.deepEqual(await ask(second.admin, 'SELECT 1'), [1])
})

test('neither the log nor any argument ever holds a secret', async (t) => {
  const directory = scratch(t)
  const lines: string[] = []
  const cluster = await started(t, { directory, log: (line) => lines.push(line) })
  const planted = 'planted-2b1f'
  for (const sql of [
    `CREATE ROLE someone PASSWORD '${planted}'`,
    `ALTER ROLE nobody_there PASSWORD '${planted}'`,
    `ALTER ROLE someone PASSWORD '${planted}' WRONG`,
    `SELECT '${planted}'::int`,
    `DO $$ BEGIN RAISE WARNING '${planted}'; END $$`,
  ]) {
    await ask(cluster.admin, sql).catch(() => undefined)
  }
  const password = cluster.admin.password ?? ''
  await assert.rejects(ask({ ...cluster.admin, password: planted }, 'SELECT 1'))
  assert.equal(readFileSync(`/proc/${cluster.pid}/cmdline`, 'utf8').includes(password), false)
  await cluster.stop()
  assert.match(lines.join('\n'), /password authentication failed/)
  const logs = readdirSync(directory).filter((name) => name.startsWith('server.log'))
  assert.deepEqual(logs, ['server.log'])
  const log = readFileSync(join(directory, 'server.log'), 'utf8')
  for (const text of [log, lines.join('\n')]) {
    assert.equal(text.includes(planted), false)
    assert.equal(text.includes(password), false)
  }
})

test('the caller hears of a server that dies, and can start it again', async (t) => {
  const directory = scratch(t)
  const first = await seeded(t, { directory })
  process.kill(first.pid, 'SIGKILL')
  assert.deepEqual(await first.exited, { code: null, signal: 'SIGKILL' })
  const second = await seeded(t, { directory })
  assert.deepEqual(await ask(second.admin, 'SELECT 1'), [1])
})

test('a cluster copied from a seed has its data and a password of its own', async (t) => {
  const top = scratch(t)
  const seed = await seeded(t, { directory: join(top, 'seed') })
  await ask(seed.admin, 'CREATE TABLE kept AS SELECT 42 AS n')
  await assert.rejects(
    started(t, { directory: join(top, 'early'), seed: join(top, 'seed') }),
    { code: 'cluster_locked' },
    'a running seed is not copied',
  )
  await seed.stop()
  const copies = await Promise.all(
    ['a', 'b'].map((name) => started(t, { directory: join(top, name), seed: join(top, 'seed') })),
  )
  for (const copy of copies) {
    assert.deepEqual(await ask(copy.admin, 'SELECT n FROM kept'), [42])
    const password = seed.admin.password ?? ''
    await assert.rejects(ask({ ...copy.admin, password }, 'SELECT 1'))
  }
  await assert.rejects(started(t, { directory: join(top, 'c'), seed: join(top, 'none') }), {
    code: 'invalid_argument',
  })
})

test('a taken TCP port is named, and a free one takes passwords only', async (t) => {
  const directory = scratch(t)
  const listener = createServer().listen(0, '127.0.0.1')
  t.after(() => listener.close())
  await new Promise((resolve) => listener.once('listening', resolve))
  const address = listener.address()
  assert.ok(address !== null && typeof address === 'object')
  const options = { directory, port: address.port, settings: { listen_addresses: '127.0.0.1' } }
  await assert.rejects(seeded(t, options), {
    code: 'port_taken',
    message: new RegExp(`port ${address.port} is taken: .*another port`),
  })
  await new Promise((resolve) => listener.close(resolve))
  const { admin } = await seeded(t, options)
  assert.deepEqual(await ask({ ...admin, host: '127.0.0.1' }, 'SELECT 1'), [1])
  await assert.rejects(ask({ ...admin, host: '127.0.0.1', password: 'wrong' }, 'SELECT 1'))
})

test('settings win over the profile, and those that would open the cluster are refused', async (t) => {
  const directory = scratch(t)
  const { admin } = await seeded(t, {
    directory,
    settings: { work_mem: '5MB', 'rf.note': "it's \\ odd" },
  })
  const sql = `SELECT current_setting('work_mem'), current_setting('rf.note')`
  assert.deepEqual(await ask(admin, sql), ['5MB', "it's \\ odd"])
  const bad: Record<string, string>[] = [
    { listen_addresses: '*' },
    { hba_file: '/tmp/x' },
    { port: '1' },
    { 'a b': '1' },
    { work_mem: "1\nfsync = 'off'" },
  ]
  for (const settings of bad) {
    await assert.rejects(seeded(t, { directory: scratch(t), settings }), {
      code: 'invalid_argument',
    })
  }
  await assert.rejects(seeded(t, { directory: scratch(t), settings: { no_such_thing: '1' } }), {
    code: 'invalid_argument',
    message: /setting that this PostgreSQL refuses/,
  })
  await assert.rejects(seeded(t, { directory: scratch(t), port: 70_000 }), {
    code: 'invalid_argument',
  })
})
