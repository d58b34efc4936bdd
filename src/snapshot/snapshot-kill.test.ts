import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { scratch } from '../clusters/scratch.test-support.ts'
import { compact } from './compact.ts'
import { until } from '../core/until.test-support.ts'
import { controlDatabase } from './control-database.test-support.ts'
import { samplePlatform, sampleTenant, tenantId } from './sample.test-support.ts'
import type { FollowerOptions } from './snapshot-follower.ts'

const AWAY = { host: '127.0.0.1', port: 1, user: 'nobody', database: 'none' }
const KILLS = 8

test('a follower that is killed while it writes has a whole configuration on disk, of any version', async (t) => {
  const control = await controlDatabase(t)
  const directory = `${scratch(t)}/snapshot`
  const filler = Array.from({ length: 300 }, (_, n) => sampleTenant(`t${n}`))
  await control.publish({ platform: samplePlatform, tenants: filler })
  /** Each version can be told by its issuer. */
  const publish = async (version: number) => {
    const issuer = `https://id.example/v${version}`
    assert.equal(await control.publish({ tenants: [sampleTenant('acme', { issuer })] }), version)
    if (version % 5 === 0) await compact(control.client, control.key, 1)
  }
  let version = 1
  await publish(++version)

  let highest = 0
  for (let kill = 0; kill < KILLS; kill += 1) {
    const child = follow({
      directory,
      keys: [control.key.publicJwk],
      database: control.settings,
      pollMs: 10,
      rewriteAfter: 3,
    })
    const lines = createInterface({ input: child.stdout })
    await once(lines, 'line')
    // The very first must have had the time to write anything at all.
    if (kill === 0) await until(() => existsSync(`${directory}/snapshot.log`))
    const changes = 1 + Math.floor(Math.random() * 12)
    for (let n = 0; n < changes; n += 1) await publish(++version)
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 30))
    child.kill('SIGKILL')
    await once(child, 'exit')

    const alone = await control.follow({
      directory,
      database: AWAY,
      onTrouble: (trouble) => assert.notEqual(trouble.code, 'snapshot_refused'),
    })
    const now = alone.current()
    assert.equal(now.tenant(tenantId('acme'))?.issuer, `https://id.example/v${now.version}`)
    assert.equal([...now.tenants()].length, 301)
    assert.ok(now.version >= highest, 'it went back')
    highest = now.version
    await alone.close()
  }
  assert.ok(highest > KILLS, 'nothing was followed')
})

function follow(options: FollowerOptions) {
  const script = fileURLToPath(new URL('follow.test-support.ts', import.meta.url))
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(JSON.stringify(options))
  return child
}
