// Gateways of one whole platform that count together in Redis, and what an upstream takes at once.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { z } from 'zod'
import { freePort } from '../../src/platform/ports.ts'
import { eventually, type TrialPlatform, trialPlatform } from '../trial-platform.test-support.ts'
import { type LimitsRedis, startLimitsRedis } from './limits-redis.ts'

const QUOTA = 200
const PATH = '/appointments?limit=1'
const specSchema = z.looseObject({
  configuration: z.looseObject({}),
  revocations: z.looseObject({}),
})

interface Gateway {
  readonly url: string
  readonly child: ChildProcess
  readonly output: () => string
}

describe('gateways of one platform that count together', () => {
  let trial: TrialPlatform
  let redis: LimitsRedis
  let room: string
  let gateways: readonly [Gateway, Gateway]

  before(async () => {
    room = mkdtempSync(join(tmpdir(), 'rf-g-'))
    redis = await startLimitsRedis()
    trial = await trialPlatform()
    await trial.up()
    gateways = [await gateway('one'), await gateway('two')]
    await eventually('both know of each other', async () => {
      const known = await redis.server.admin.keys('ringfence:limits:*')
      return known.length > 0
    })
  })
  after(async () => {
    for (const { child } of gateways ?? []) child.kill('SIGKILL')
    trial?.remove()
    await redis?.stop()
    rmSync(room, { recursive: true, force: true })
  })

  /** One more process of the platform's gateway, as it is configured there, with places of its own. */
  async function gateway(name: string): Promise<Gateway> {
    const own = (what: string) => join(room, `${name}-${what}`)
    const document = z
      .looseObject({ spec: specSchema })
      .parse(JSON.parse(readFileSync(join(trial.state, 'planes', 'gateway.json'), 'utf8')))
    const { spec } = document
    const url = `http://127.0.0.1:${await freePort('127.0.0.1')}`
    const changed = {
      ...spec,
      listen: { host: '127.0.0.1', port: Number(new URL(url).port) },
      admin: { socket: own('admin') },
      configuration: { ...spec.configuration, directory: own('configuration') },
      revocations: { ...spec.revocations, directory: own('revocations') },
      journalDirectory: own('journal'),
      decisions: undefined,
      limits: { redis: redis.settings },
    }
    const file = own('gateway.json')
    writeFileSync(file, JSON.stringify({ ...document, spec: changed }))
    const child = spawn(process.execPath, ['src/main.ts', 'serve', 'gateway', '--config', file])
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
      })
    }
    await eventually(`gateway ${name} serves`, async () => {
      assert.equal(child.exitCode, null, output)
      return output.includes('"event":"listening"')
    })
    return { url, child, output: () => output }
  }

  const ask = ({ url }: Gateway, tenant: string, token: string) =>
    fetch(`${url}/t/${tenant}${PATH}`, { headers: { authorization: `Bearer ${token}` } })

  /** How many of so many requests are served, asked of both gateways in turn. */
  async function served(times: number, tenant: string, token: string): Promise<number> {
    let count = 0
    for (let n = 0; n < times; n += 1) {
      const response = await ask(gateways[n % 2 === 0 ? 0 : 1], tenant, token)
      await response.arrayBuffer()
      assert.ok([200, 429].includes(response.status), String(response.status))
      if (response.status === 200) count += 1
    }
    return count
  }

  /** Declares a tenant's own limits, and waits until both gateways heed them. */
  async function declare(tenant: object, limits: readonly object[], name: string): Promise<void> {
    const file = join(room, 'tenant.yaml')
    const { id, ...spec } = z.looseObject({ id: z.string() }).parse(tenant)
    const manifest = { apiVersion: 'ringfence.dev/v1', kind: 'Tenant', metadata: { name: id } }
    writeFileSync(file, stringify({ ...manifest, spec: { ...spec, limits } }))
    const done = await trial.run('apply', '-f', file, '--state', trial.state)
    assert.equal(done.code, 0, done.output)
    const token = await trial.token(id)
    for (const one of gateways) {
      await eventually('the limit holds', async () => {
        const response = await ask(one, id, token)
        await response.arrayBuffer()
        return response.headers.get('ratelimit-policy')?.includes(name) === true
      })
    }
  }

  const ACME = { id: 'acme', region: 'eu', plan: 'standard', tier: 'pooled', displayName: 'Acme' }
  const quota = (name: string) => ({
    ...{ kind: 'quota', name, per: 'user', unit: 'requests' },
    ...{ amount: QUOTA, period: 'month', shared: true },
  })

  test('a tenant gets of a shared limit what it is, whichever gateway it asks, and no other pays', async () => {
    await declare(ACME, [quota('first')], 'first')
    const token = await trial.token('acme')
    // Each gateway has been asked until it heeded the limit: that is counted, too.
    const count = await served(QUOTA + 60, 'acme', token)
    assert.ok(count <= QUOTA && count >= QUOTA - 40, `${count}`)
    assert.equal(await served(4, 'acme', token), 0)
    assert.equal(await served(10, 'globex', await trial.token('globex')), 10)
  })

  test('while Redis is away each gateway keeps to its part, says so, and serves; then they count together again', async () => {
    const rate = { kind: 'rate', name: 'second', per: 'user', shared: true }
    await declare(ACME, [{ ...rate, requests: 40, seconds: 86_400 }], 'second')
    await redis.server.kill()
    const token = await trial.token('acme')
    await eventually('both say that it is away', async () => {
      for (const one of gateways) await (await ask(one, 'acme', token)).arrayBuffer()
      return gateways.every(({ output }) => output().includes('"event":"shared limits"'))
    })
    const count = await served(120, 'acme', token)
    // "At the change there may be one burst more."
    assert.ok(count <= 40 + 40, `${count}`)
    assert.equal(await served(6, 'acme', token), 0)
    assert.equal(await served(10, 'globex', await trial.token('globex')), 10)
    await redis.server.start()
    await eventually('both say that it is back', async () =>
      gateways.every(({ output }) => {
        const lines = output().split('\n')
        return (
          lines.findLast((line) => line.includes('"shared limits"'))?.includes('"info"') === true
        )
      }),
    )
    // What each used meanwhile is told with its first question.
    const told = await served(20, 'acme', token)
    assert.ok(told < 20, `${told}`)
    assert.equal(await served(6, 'acme', token), 0)
    assert.equal(await served(10, 'globex', await trial.token('globex')), 10)
  })

  test('a tenant that asks far more than its service can do leaves the others theirs', async () => {
    const [one] = gateways
    const [noisy, quiet] = [await trial.token('initech'), await trial.token('globex')]
    const over = new AbortController()
    const statuses = new Map<number, number>()
    const flood = Array.from({ length: 150 }, async () => {
      while (!over.signal.aborted) {
        const response = await ask(one, 'initech', noisy)
        await response.arrayBuffer()
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
      }
    })
    const heard: number[] = []
    try {
      for (let n = 0; n < 40; n += 1) {
        const response = await ask(one, 'globex', quiet)
        await response.arrayBuffer()
        heard.push(response.status)
      }
    } finally {
      over.abort()
      await Promise.all(flood)
    }
    assert.deepEqual([...new Set(heard)], [200])
    // What is too much is refused, and nothing breaks.
    const known = [200, 429, 503]
    assert.deepEqual(
      [...statuses.keys()].filter((status) => !known.includes(status)),
      [],
    )
    assert.ok((statuses.get(200) ?? 0) > 0)
    const afterwards = await ask(one, 'globex', quiet)
    assert.equal(afterwards.status, 200)
    await afterwards.arrayBuffer()
  })
})
