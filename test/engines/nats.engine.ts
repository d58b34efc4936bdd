import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { scratch } from '../../src/clusters/scratch.test-support.ts'
import type { RingfenceError } from '../../src/core/errors.ts'
import { natsBell } from '../../src/revocation/nats-bell.ts'
import { natsSchema } from '../../src/revocation/nats-settings.ts'
import type {
  RevocationFollower,
  RevocationFollowerOptions,
} from '../../src/revocation/revocation-follower.ts'
import {
  revocable,
  type RevocationSite,
  revocationSite,
  session,
} from '../../src/revocation/revocation-site.test-support.ts'
import { PostgresFeed } from '../../src/revocation/postgres-feed.ts'
import { until } from '../../src/snapshot/control-database.test-support.ts'

/** Longer than the test: who learns of something has been rung. */
const NEVER_MS = 600_000
const TOKEN = 'a-token-of-the-test'

/** A NATS server of a test's own, that can be stopped and started. */
async function natsServer(t: TestContext) {
  const port = await freePort()
  const tokenFile = `${scratch(t)}/token`
  writeFileSync(tokenFile, `${TOKEN}\n`)
  let child: ChildProcess | undefined
  const stop = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const start = async () => {
    const options = ['--addr', '127.0.0.1', '--port', String(port), '--auth', TOKEN]
    const server = spawn(process.env['RINGFENCE_TEST_NATS'] ?? 'nats-server', options, {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child = server
    let said = ''
    await new Promise<void>((resolve, reject) => {
      server.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString()
        if (said.includes('Server is ready')) resolve()
      })
      server.once('exit', () => reject(new Error(said)))
    })
  }
  t.after(stop)
  await start()
  const settings = natsSchema.parse({ servers: [`nats://127.0.0.1:${port}`], tokenFile })
  return { settings, start, stop }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** One who hears nothing of the database but by the bell, and never looks by itself. */
const byBellAlone = (
  site: RevocationSite,
  options: Partial<RevocationFollowerOptions>,
): Promise<RevocationFollower> =>
  site.follow({
    pollMs: NEVER_MS,
    database: (_onNews) => PostgresFeed.open(site.settings, () => {}),
    ...options,
  })

const knows = (follower: RevocationFollower, id: string) =>
  follower.find(revocable({ session: id })) !== undefined

test('one who listens to the database rings for those who cannot', async (t) => {
  const site = await revocationSite(t)
  const { settings } = await natsServer(t)
  const bell = natsBell(settings)
  const ringer = await site.follow({ bell, rings: true, pollMs: NEVER_MS })
  const others = await Promise.all([byBellAlone(site, { bell }), byBellAlone(site, { bell })])
  await Promise.all([ringer, ...others].map((follower) => follower.ready()))
  for (let n = 0; n < 5; n += 1) {
    // The first may come before everybody has hung up the bell: then that makes them look.
    await site.publish(session(`session-${n}`))
    await until(() => others.every((follower) => knows(follower, `session-${n}`)))
  }
})

test('while the bell is away everybody looks by itself, and it is heard again when it is back', async (t) => {
  const site = await revocationSite(t)
  const server = await natsServer(t)
  const bell = natsBell(server.settings)
  const troubles: RingfenceError[] = []
  const onTrouble = (trouble: RingfenceError) => troubles.push(trouble)
  const ringer = await site.follow({ bell, rings: true })
  const looking = await byBellAlone(site, { bell, onTrouble, pollMs: 100 })
  const listening = await byBellAlone(site, { bell })
  await Promise.all([ringer, looking, listening].map((follower) => follower.ready()))
  await site.publish(session('before'))
  await until(() => knows(listening, 'before'))
  await server.stop()
  await until(() => troubles.length > 0)
  assert.match(troubles[0]?.message ?? '', /bell/)
  await site.publish(session('meanwhile'))
  await until(() => knows(looking, 'meanwhile'))
  assert.ok(looking.known)
  await server.start()
  // Coming back rings: something may have been missed.
  await until(() => knows(listening, 'meanwhile'))
  await site.publish(session('after'))
  await until(() => knows(listening, 'after'))
})

test('a bell that cannot be hung up says so, and keeps nobody from closing', async (t) => {
  const site = await revocationSite(t)
  const troubles: RingfenceError[] = []
  const { settings } = await natsServer(t)
  const tokenFile = `${scratch(t)}/token`
  writeFileSync(tokenFile, 'another\n')
  for (const wrong of [
    natsSchema.parse({ servers: ['nats://127.0.0.1:1'] }),
    { ...settings, tokenFile },
    { ...settings, tokenFile: `${tokenFile}.none` },
  ]) {
    troubles.length = 0
    const follower = await site.follow({
      bell: natsBell(wrong),
      onTrouble: (trouble) => troubles.push(trouble),
    })
    await follower.ready()
    await until(() => troubles.length > 0)
    assert.equal(troubles[0]?.code, 'engine_unavailable')
    assert.doesNotMatch(JSON.stringify(troubles), /another/)
    await follower.close()
  }
})
