import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { TenantId } from '../core/tenant.ts'
import { listen } from '../http/listen.ts'
import { planeDocument } from '../platform/plane-config.ts'
import { type ServedControl, servedControl } from './served-control.test-support.ts'

interface Diagnosis {
  readonly check: string
  readonly standing: string
  readonly found: string
  readonly mend?: string
}

async function examine(control: ServedControl, ...args: readonly string[]) {
  const { code, out, err } = await control.run('doctor', '-o', 'json', ...args)
  assert.equal(err, '')
  const diagnoses: readonly Diagnosis[] = JSON.parse(out)
  const of = (check: string) => diagnoses.filter((one) => one.check === check)
  const wrong = diagnoses.filter(({ standing }) => standing === 'wrong').map(({ check }) => check)
  return { code, diagnoses, of, wrong }
}

/** A vending plane's configuration that names a socket in the state directory. */
function configureVending(control: ServedControl): string {
  const socket = join(control.state, 'vending.sock')
  const secret = join(control.state, 'secrets', 'database-vending')
  mkdirSync(join(control.state, 'planes'), { recursive: true })
  mkdirSync(join(control.state, 'secrets'), { recursive: true })
  writeFileSync(secret, 'x', { mode: 0o600 })
  const key = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), kid: 'k', alg: 'EdDSA' } as const
  const database = {
    host: '/tmp',
    port: 5432,
    user: 'rf_vending',
    database: 'x',
    passwordFile: secret,
  }
  const document = planeDocument('vending', {
    database,
    configuration: { directory: control.state, keys: [key] },
    revocations: { directory: control.state },
    listen: { socket },
    audience: 'urn:ringfence:vending',
    journalDirectory: control.state,
    cells: [],
  })
  writeFileSync(join(control.state, 'planes', 'vending.json'), document, { mode: 0o600 })
  return socket
}

describe('ringfence doctor', () => {
  test('finds nothing wrong with what is well, and ends with 0', async (t) => {
    const control = await servedControl(t)
    const { code, wrong, of } = await examine(control)
    assert.deepEqual(wrong, [])
    assert.equal(code, 0)
    for (const check of ['control', 'clock', 'version', 'token', 'node', 'state', 'secrets']) {
      assert.deepEqual(
        of(check).map(({ standing }) => standing),
        ['ok'],
        check,
      )
    }
  })

  test('every wrong and every warning says how to mend it', async (t) => {
    const control = await servedControl(t)
    chmodSync(control.state, 0o777)
    control.plane.isHealthy = false
    const { code, diagnoses } = await examine(control)
    assert.equal(code, 1)
    for (const { standing, mend } of diagnoses) {
      assert.equal(standing === 'wrong' || standing === 'warning', mend !== undefined)
    }
    const table = await control.run('doctor')
    assert.equal(table.code, 1)
    assert.match(table.out, /→ chmod go-rw/)
  })

  test('a state directory that others can look into, secrets that others can read', async (t) => {
    const control = await servedControl(t)
    chmodSync(control.state, 0o755)
    mkdirSync(join(control.state, 'secrets'))
    writeFileSync(join(control.state, 'secrets', 'job.jwk'), '{}', { mode: 0o644 })
    writeFileSync(join(control.state, 'context-keys.json'), '{}', { mode: 0o644 })
    const { wrong, of } = await examine(control)
    assert.deepEqual(wrong, ['state', 'secrets'])
    assert.match(of('secrets')[0]?.found ?? '', /job\.jwk/)
  })

  test('a token file that others can read is found, and not sent', async (t) => {
    const control = await servedControl(t)
    chmodSync(join(control.state, 'operator.token'), 0o644)
    const { wrong } = await examine(control)
    assert.deepEqual(wrong, ['secrets', 'control'])
    assert.deepEqual(control.requests, [])
  })

  test('a control plane that is away, not ready, or refuses the token', async (t) => {
    const control = await servedControl(t)
    control.plane.isHealthy = false
    assert.deepEqual((await examine(control)).wrong, ['control'])
    control.plane.isHealthy = true
    writeFileSync(join(control.state, 'operator.token'), 'rfo_gone')
    assert.deepEqual((await examine(control)).wrong, ['token'])
    writeFileSync(join(control.state, 'control.url'), 'http://127.0.0.1:1')
    assert.deepEqual((await examine(control)).wrong, ['control'])
  })

  test('clocks that are apart', async (t) => {
    const control = await servedControl(t)
    for (const seconds of [-60, 60]) {
      control.instead.push(async (_request, answer) => {
        const response = await answer()
        const date = new Date(Date.now() + seconds * 1000).toUTCString()
        return new Response(response.body, {
          headers: { ...Object.fromEntries(response.headers), date },
        })
      })
      const { wrong, of } = await examine(control)
      assert.deepEqual(wrong, ['clock'])
      assert.match(of('clock')[0]?.found ?? '', /(?:5[89]|6[01]) seconds/)
    }
  })

  test('another version, a region without room, a tenant that stands still', async (t) => {
    const control = await servedControl(t, { version: '0.0.1' })
    control.plane.automatic = false
    await control.run('tenants', 'create', 'acme', '--region', 'eu-west')
    const [id] = control.plane.workflowsById.keys()
    control.plane.fail(id ?? '', 'no room')
    for (const cell of control.plane.cellsByName.values()) cell.open = false
    const { wrong, of } = await examine(control)
    assert.deepEqual(wrong, ['tenants'])
    assert.match(of('tenants')[0]?.mend ?? '', /ringfence tenants resume acme$/)
    assert.equal(of('version')[0]?.standing, 'warning')
    assert.equal(of('room')[0]?.standing, 'warning')
    assert.equal(control.plane.tenantsById.get('acme' as TenantId)?.status, 'requested')
  })

  test('a plane that does not answer, one that is not ready, one that is', async (t) => {
    const control = await servedControl(t)
    const socket = configureVending(control)
    assert.deepEqual((await examine(control)).wrong, ['vending'])
    let ready = false
    const plane = await listen(() => new Response('{}', { status: ready ? 200 : 503 }), { socket })
    const waiting = await examine(control)
    assert.deepEqual(waiting.wrong, ['vending'])
    assert.match(waiting.of('vending')[0]?.mend ?? '', /configuration/)
    ready = true
    assert.deepEqual((await examine(control)).wrong, [])
    await plane.close()
    // One that only says that it runs.
    const healthy = (request: Request) =>
      new Response('{}', { status: new URL(request.url).pathname === '/healthz' ? 200 : 404 })
    const simple = await listen(healthy, { socket })
    t.after(() => simple.close())
    assert.deepEqual((await examine(control)).wrong, [])
    writeFileSync(join(control.state, 'planes', 'vending.json'), '{', { mode: 0o600 })
    assert.deepEqual((await examine(control)).wrong, ['vending'])
  })

  test('a database server that nobody supervises any more', async (t) => {
    const control = await servedControl(t)
    const server = spawn('sleep', ['60'])
    t.after(() => server.kill('SIGKILL'))
    const gone = spawn('true')
    await new Promise((resolve) => gone.once('exit', resolve))
    const cluster = join(control.state, 'cells', 'eu-1', 'cluster')
    mkdirSync(join(cluster, 'data'), { recursive: true })
    writeFileSync(join(cluster, 'data', 'postmaster.pid'), `${server.pid}\n/x\n`)
    writeFileSync(join(cluster, 'holder.pid'), `${process.pid}\n`)
    assert.equal((await examine(control)).of('leftovers')[0]?.standing, 'ok')
    writeFileSync(join(cluster, 'holder.pid'), `${gone.pid}\n`)
    const found = (await examine(control)).of('leftovers')[0]
    assert.equal(found?.standing, 'warning')
    assert.match(found?.found ?? '', new RegExp(`process ${server.pid}`))
  })

  test('without a platform here it says so, and looks at the machine all the same', async (t) => {
    const control = await servedControl(t)
    const state = join(control.state, 'nowhere')
    const { code, out } = await control.runAs({ state }, 'doctor', '-o', 'json')
    assert.equal(code, 1)
    const checks: Diagnosis[] = JSON.parse(out)
    assert.equal(checks.find(({ check }) => check === 'disk')?.standing, 'ok')
    assert.equal(checks.find(({ check }) => check === 'control')?.standing, 'wrong')
  })
})
