import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import { parseClientId, parseSubject } from '../../src/core/names.ts'
import type { TenantId } from '../../src/core/tenant.ts'
import { connect } from '../../src/identity/sessions/redis/connect.ts'
import { type RealmUser, RealmUsers } from '../../src/identity/sessions/redis/realm-users.ts'
import {
  type RedisServer,
  startRedis,
} from '../../src/identity/sessions/redis/redis-server.test-support.ts'
import { serverOf } from '../../src/redis/redis-server.ts'
import { sessionsContract } from '../../src/identity/sessions/sessions-contract.test-support.ts'
import {
  type SessionsSite,
  type SiteRealm,
  startSessionsSite,
} from '../../src/identity/sessions/sessions-site.test-support.ts'
import { freePort } from '../../src/platform/ports.ts'
import { certificate } from './certificate.ts'

/** Of the server's own list: name, arity, and at the tenth place its subcommands. */
type CommandInfo = [string, number, ...unknown[]] & { readonly 9: CommandInfo[] }

const servers: RedisServer[] = []
after(async () => {
  for (const server of servers) await server.stop()
})

async function redis(): Promise<RedisServer> {
  const server = await startRedis()
  servers.push(server)
  return server
}

sessionsContract('Redis', async () =>
  startSessionsSite({ redis: (await redis()).settings, insideAllowed: true }),
)

describe('Redis', () => {
  let server: RedisServer
  let site: SessionsSite
  let acme: SiteRealm
  let globex: SiteRealm
  before(async () => {
    server = await redis()
    site = await startSessionsSite({ redis: { ...server.settings, connectionsMax: 3 } })
    acme = await site.newRealm('acme')
    globex = await site.newRealm('globex')
  })
  after(() => site.stop())

  const ownRealm = () => site.newRealm(`own-${randomBytes(6).toString('hex')}`)

  /** Who a realm is, as its row says it under the sealing key. */
  async function userOf(tenant: TenantId): Promise<RealmUser> {
    const { database, sealing } = site.identity.parts
    const nobody = { username: 'nobody', password: 'none' }
    const users = new RealmUsers(database, sealing, serverOf(server.settings), nobody)
    const user = await users.find(tenant)
    assert.ok(user !== undefined)
    return user
  }

  const keysOf = ({ prefix }: RealmUser) => server.admin.keys(`${prefix}*`)
  const until = async (condition: () => Promise<boolean>) => {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20))
  }

  test('a realm’s user reads and writes what is its realm’s, and nothing of another one', async () => {
    await site.enter(acme)
    await site.enter(globex)
    const own = await userOf(acme.tenant)
    const other = await userOf(globex.tenant)
    const [mine = ''] = await keysOf(own)
    const [theirs = ''] = await keysOf(other)
    const asAcme = await connect(serverOf(server.settings), own)
    try {
      assert.match((await asAcme.get(mine)) ?? '', /Session/)
      assert.equal(await asAcme.set(`${own.prefix}new`, 'x', 'EX', 10), 'OK')
      const before = await server.admin.get(theirs)
      assert.match(before ?? '', /Session/)
      for (const attempt of [
        () => asAcme.get(theirs),
        () => asAcme.set(theirs, 'mine now'),
        () => asAcme.unlink(theirs),
        () => asAcme.unlink(mine, theirs),
        () => asAcme.set('rf:', 'x'),
        () => asAcme.get(`${own.prefix.slice(0, -1)}0:x`),
        () => asAcme.keys('*'),
        () => asAcme.scan(0),
        () => asAcme.eval(`return redis.call('get', ARGV[1])`, 0, theirs),
        () => asAcme.rename(theirs, mine),
        () => asAcme.subscribe('x'),
      ]) {
        await assert.rejects(attempt, /NOPERM/)
      }
      assert.equal(await server.admin.get(theirs), before)
    } finally {
      asAcme.disconnect()
    }
  })

  test('of all commands of this server a realm’s user may give those few that it needs', async () => {
    await site.enter(acme)
    const { username, prefix } = await userOf(acme.tenant)
    const commands = ((await server.admin.call('COMMAND')) as CommandInfo[]).flatMap((info) =>
      info[9].length === 0 ? [info] : info[9],
    )
    assert.ok(commands.length > 300)
    const allowed: string[] = []
    const unclear: string[] = []
    for (const [command, arity] of commands) {
      const words = command.split('|')
      const values = Array.from({ length: Math.abs(arity) - words.length }, () => `${prefix}x`)
      const said = String(await server.admin.call('ACL', 'DRYRUN', username, ...words, ...values))
      if (said === 'OK') allowed.push(command)
      else if (!said.includes('no permissions to run')) unclear.push(`${command}: ${said}`)
    }
    assert.deepEqual(unclear, [])
    // The server lets everybody sign in as somebody and sign out: auth, hello, quit, reset.
    const needed = ['auth', 'get', 'hello', 'ping', 'quit', 'reset', 'set', 'unlink']
    assert.deepEqual(allowed.sort(), needed)
  })

  test('the platform’s own user reads no key', async () => {
    const [key = ''] = await keysOf(await userOf(acme.tenant))
    const { settings } = server
    const password = readFileSync(settings.passwordFile, 'utf8').trim()
    const manager = await connect(serverOf(settings), { username: settings.user, password })
    try {
      await assert.rejects(() => manager.get(key), /NOPERM/)
      await assert.rejects(() => manager.keys('*'), /NOPERM/)
    } finally {
      manager.disconnect()
    }
  })

  test('every key ends by itself, and neither names nor values have what a cookie holds', async () => {
    const realm = await ownRealm()
    const { browser } = await site.enter(realm)
    // Somebody who came as far as the page for signing in.
    const url = client.buildAuthorizationUrl(realm.app, {
      redirect_uri: 'https://app.test/cb',
      scope: 'openid',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
    })
    await site.browser().get(url.href)
    // And one who is signed in and is asked again.
    url.searchParams.set('prompt', 'login')
    await browser.get(url.href)
    const keys = await keysOf(await userOf(realm.tenant))
    assert.ok(keys.some((key) => key.includes(':Session:')))
    assert.ok(keys.some((key) => key.includes(':Interaction:')))
    for (const key of keys) {
      assert.ok((await server.admin.ttl(key)) > 0, key)
      const text = `${key} ${await server.admin.get(key)}`
      assert.ok(!text.includes(site.cookieOf(browser)), key)
    }
    const { rows } = await site.admin.query(
      `select model from identity.artifact where tenant = $1 and model in ('Session', 'Interaction')`,
      [realm.tenant],
    )
    assert.deepEqual(rows, [])
  })

  test('what an ended session has left is cleared away', async () => {
    const realm = await ownRealm()
    await site.enter(realm)
    const user = await userOf(realm.tenant)
    assert.equal((await keysOf(user)).length, 1)
    await site.sessions.endSubject(realm.tenant, parseSubject('alice'))
    await until(async () => (await keysOf(user)).length === 0)
  })

  test('more realms than there may be connections are served in turn', async () => {
    const realms: SiteRealm[] = []
    for (let count = 0; count < 6; count += 1) realms.push(await ownRealm())
    const all = await Promise.all(realms.map(() => site.with('curl/8')))
    for (const [index, realm] of realms.entries()) {
      const browser = all[index]
      if (browser !== undefined) await site.enter(realm, { browser })
    }
    for (const [index, realm] of realms.entries()) {
      const browser = all[index]
      assert.ok(browser !== undefined && (await site.isSignedIn(realm, browser)))
    }
    await until(async () => {
      const list = String(await server.admin.call('CLIENT', 'LIST'))
      return list.split('\n').filter((line) => / user=rf-/.test(line)).length <= 3
    })
  })

  test('a removed realm’s user is deleted with its connections, and its name is not used again', async () => {
    const realm = await ownRealm()
    const { browser } = await site.enter(realm)
    const before = await userOf(realm.tenant)
    const left = await connect(serverOf(server.settings), before)
    try {
      assert.equal(await left.ping(), 'PONG')
      await site.identity.realms.remove(realm.tenant)
      await site.identity.maintain()
      await assert.rejects(() => left.ping())
      await assert.rejects(connect(serverOf(server.settings), before), /WRONGPASS/)
      const users = (await server.admin.call('ACL', 'USERS')) as string[]
      assert.ok(!users.includes(before.username))
    } finally {
      left.disconnect()
    }
    const again = await site.newRealm(realm.tenant)
    assert.equal(await site.isSignedIn(again, browser), false)
    const own = await site.enter(again)
    assert.equal(await site.isSignedIn(again, own.browser), true)
    assert.notEqual((await userOf(realm.tenant)).prefix, before.prefix)
  })

  test('while it is away nobody signs in, and everything else goes on; what ended then stays ended', async () => {
    const realm = await ownRealm()
    const robot = parseClientId('robot')
    const secret = await site.identity.realms.putClient(realm.tenant, robot, {
      roles: [],
      scopes: ['read'],
    })
    const asRobot = await site.app(realm.tenant, String(secret), { client_id: robot })
    const offline = await site.enter(realm)
    // Bound to its session: it is looked for with each refresh.
    const bound = await site.enter(realm, {}, { scope: 'openid read', prompt: 'login' })
    const ended = await site.enter(realm)
    await server.admin.save()
    await server.kill()

    const { status } = await (await site.with('curl/8')).get(
      client.buildAuthorizationUrl(realm.app, {
        redirect_uri: 'https://app.test/cb',
        scope: 'openid',
        code_challenge: 'x'.repeat(43),
        code_challenge_method: 'S256',
      }).href,
    )
    assert.equal(status, 503)
    assert.ok(await client.clientCredentialsGrant(asRobot, { scope: 'read' }))
    assert.equal(await site.refreshes(realm, offline.refreshToken), true)
    assert.equal(await site.refreshes(realm, bound.refreshToken), true)
    assert.equal(await site.sessions.endSession(realm.tenant, ended.sid), true)
    assert.ok((await site.revoked(realm.tenant)).includes(`session ${ended.sid}`))
    assert.equal(await site.refreshes(realm, ended.refreshToken), false)

    await server.start()
    // It remembers the session, and has forgotten all users: they are made anew.
    assert.equal((await keysOf(await userOf(realm.tenant))).length, 3)
    assert.equal(await site.isSignedIn(realm, ended.browser), false)
    assert.equal(await site.isSignedIn(realm, offline.browser), true)
    const back = await site.enter(realm)
    assert.equal(await site.isSignedIn(realm, back.browser), true)
  })

  test('over TLS it is reached by the name in its certificate, under the authority of the settings', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'rf-tls-'))
    const own = await certificate(directory, 'own')
    const other = await certificate(directory, 'other')
    const port = await freePort('127.0.0.1')
    const { keyFile, caFile } = own
    const secure = await startRedis(
      ['--tls-port', `${port}`, '--tls-auth-clients', 'no', '--tls-ca-cert-file', caFile].concat([
        '--tls-cert-file',
        caFile,
        '--tls-key-file',
        keyFile,
      ]),
      { url: `rediss://localhost:${port}`, caFile },
    )
    try {
      const { settings } = secure
      const password = readFileSync(settings.passwordFile, 'utf8').trim()
      const login = { username: settings.user, password }
      const manager = await connect(serverOf(settings), login)
      assert.equal(await manager.acl('DELUSER', 'nobody'), 0)
      manager.disconnect()
      const wrong = { ...settings, caFile: other.caFile }
      await assert.rejects(connect(serverOf(wrong), login), /self-signed certificate/)
      const elsewhere = { ...settings, url: `rediss://127.0.0.1:${port}` }
      await assert.rejects(connect(serverOf(elsewhere), login), /does not match certificate/)
    } finally {
      await secure.stop()
      rmSync(directory, { recursive: true })
    }
  })

  test('no password is in a log, in a setting or in clear text in the database', async () => {
    const { password } = await userOf(acme.tenant)
    const { rows } = await site.admin.query('select to_jsonb(s) from identity.session_redis s')
    const users = await server.admin.call('ACL', 'LIST')
    const places = JSON.stringify([site.logged, rows, users, server.settings])
    assert.ok(!places.includes(password))
  })
})
