import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import pg from 'pg'
import { Ringfence } from '../../src/sdk/ringfence.ts'
import { openServiceGround, type ServiceGround } from '../sdk/service-ground.test-support.ts'

/** PgBouncer's own login: it reads verifiers, which open nothing by themselves, and no data. */
const AUTH_USER = 'pooler_auth'
const AUTH_PASSWORD = 'only-for-this-test'

let service: ServiceGround
let database: string

before(async () => {
  service = await openServiceGround()
  const { ground, harbor } = service
  ;({ database } = (await ground.lease(harbor)).credential)
  const admin = new pg.Client({ ...adminSettings(), database })
  await admin.connect()
  await admin.query(`
    create role ${AUTH_USER} login password '${AUTH_PASSWORD}';
    create schema pooler;
    create function pooler.verifier_of(login text) returns table (usename name, passwd text)
      language sql security definer set search_path = pg_catalog, pg_temp
      as $$ select rolname, rolpassword from pg_authid
            where rolname = login and rolcanlogin and not rolsuper and rolpassword is not null $$;
    revoke all on function pooler.verifier_of from public;
    grant connect on database "${database}" to ${AUTH_USER};
    grant usage on schema pooler to ${AUTH_USER};
    grant execute on function pooler.verifier_of to ${AUTH_USER};
  `)
  await admin.end()
})
after(() => service?.close())

function adminSettings() {
  return service.ground.site.admin(service.ground.site.names.custodyDatabase)
}

interface Pooler {
  readonly host: string
  readonly port: number
}

/** How PgBouncer knows its clients: by the server's own verifiers, so that a lease's password fits both. */
const BY_VERIFIER = {
  database: `auth_user=${AUTH_USER}`,
  auth: [
    'auth_type = scram-sha-256',
    'auth_query = select usename, passwd from pooler.verifier_of($1)',
  ],
}

/** PgBouncer in front of the server of the ground. */
async function startPooler(
  t: TestContext,
  mode: 'session' | 'transaction',
  how = BY_VERIFIER,
): Promise<Pooler> {
  const directory = await mkdtemp(join(tmpdir(), 'rf-pgbouncer-'))
  await chmod(directory, 0o755)
  const { host, port } = adminSettings()
  const own = { host: '127.0.0.1', port: await freePort() }
  const users = join(directory, 'users.txt')
  await writeFile(users, `"${AUTH_USER}" "${AUTH_PASSWORD}"\n`)
  const config = join(directory, 'pgbouncer.ini')
  const settings = [
    `listen_addr = ${own.host}`,
    `listen_port = ${own.port}`,
    'unix_socket_dir =',
    `auth_file = ${users}`,
    ...how.auth,
    `pool_mode = ${mode}`,
  ]
  await writeFile(
    config,
    `[databases]\n* = host=${host} port=${port} ${how.database}\n[pgbouncer]\n${settings.join('\n')}\n`,
  )
  // The server's socket is for the server's own user, and PgBouncer does not run as root.
  const { uid } = await stat(host)
  const child = spawn('pgbouncer', [config], { stdio: ['ignore', 'ignore', 'pipe'], uid })
  t.after(async () => {
    await stop(child)
    await rm(directory, { recursive: true, force: true })
  })
  await listening(child)
  return own
}

async function listening(child: ChildProcess): Promise<void> {
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`pgbouncer ended: ${said}`)))
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes('process up')) resolve()
    })
  })
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

function ringfenceThrough(t: TestContext, pooler: Pooler): Ringfence {
  const ringfence = new Ringfence({
    ...service.platform.options,
    pool: { sessionsMax: 6, route: () => pooler },
  })
  t.after(() => ringfence.close())
  return ringfence
}

const write = { scope: 'write' } as const

describe('PgBouncer in session mode', () => {
  test('carries leases: each tenant reaches its own rows, with its own login', async (t) => {
    const pooler = await startPooler(t, 'session')
    const ringfence = ringfenceThrough(t, pooler)
    for (const tenant of [service.harbor, service.northmere]) {
      const context = await ringfence.verify(await service.platform.context(tenant))
      await ringfence.withTenant(
        context,
        (db) =>
          db.query({
            name: 'add',
            text: 'insert into words.word (id, text) values (1, $1)',
            values: [tenant],
          }),
        write,
      )
      const rows = await ringfence.withTenant(context, async (db) => {
        assert.equal((db as pg.Client).port, pooler.port)
        return (await db.query('select text from words.word')).rows
      })
      assert.deepEqual(rows, [{ text: tenant }])
    }
  })

  test('ends with the lease: sessions are gone and the login opens nothing', async (t) => {
    const pooler = await startPooler(t, 'session')
    const lease = await service.ground.lease(service.harbor)
    const config = { ...lease.credential, ...pooler }
    const client = new pg.Client(config)
    client.on('error', () => {})
    await client.connect()
    await client.query('select 1')
    await service.ground.site.custodian.end(service.harbor, undefined, 'revoked')
    await assert.rejects(client.query('select 1'))
    await client.end().catch(() => {})
    const again = new pg.Client(config)
    again.on('error', () => {})
    await assert.rejects(async () => {
      await again.connect()
      await again.query('select 1')
    })
    await again.end().catch(() => {})
  })

  test('that logs in as a user of its own is refused', async (t) => {
    const { credential } = await service.ground.lease(service.northmere)
    const pooler = await startPooler(t, 'session', {
      database: `user=${credential.user} password=${credential.password}`,
      auth: ['auth_type = any'],
    })
    const ringfence = ringfenceThrough(t, pooler)
    const context = await ringfence.verify(await service.platform.context(service.harbor))
    let reached = false
    const using = ringfence.withTenant(context, async () => {
      reached = true
    })
    await assert.rejects(using, { code: 'engine_unsupported' })
    assert.equal(reached, false)
  })
})

describe('PgBouncer in transaction mode', () => {
  test('is refused by the SDK, with what to do', async (t) => {
    const ringfence = ringfenceThrough(t, await startPooler(t, 'transaction'))
    const context = await ringfence.verify(await service.platform.context(service.harbor))
    const using = ringfence.withTenant(context, async () => assert.fail('it was reached'))
    await assert.rejects(using, { code: 'engine_unsupported', message: /pool_mode = session/ })
  })

  test('would let one request’s setting reach another, and lose its prepared statements', async (t) => {
    const pooler = await startPooler(t, 'transaction')
    const { credential } = await service.ground.lease(service.harbor)
    const [one, other] = [0, 1].map(() => new pg.Client({ ...credential, ...pooler }))
    assert.ok(one && other)
    for (const client of [one, other]) {
      client.on('error', () => {})
      await client.connect()
    }
    await one.query("set statement_timeout = '77s'")
    assert.deepEqual((await other.query('show statement_timeout')).rows, [
      { statement_timeout: '77s' },
    ])
    await one.query({ name: 'mine', text: 'select 1' })
    await other.query('begin')
    await assert.rejects(one.query({ name: 'mine', text: 'select 1' }), /prepared statement "mine"/)
    await Promise.all([one.end(), other.end()])
  })
})
