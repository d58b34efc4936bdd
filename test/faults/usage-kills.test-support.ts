import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { JWK } from 'jose'
import type pg from 'pg'
import { until } from '../../src/core/until.test-support.ts'
import { ACME, type MeteringSite, meterOf } from '../../src/metering/metering-site.test-support.ts'
import { freePort } from '../../src/platform/ports.ts'

export interface UsageProcess {
  readonly role: 'collector' | 'service'
  readonly clientKey: JWK
  readonly contextKey: JWK
  readonly database: pg.ClientConfig
  readonly port: number
  readonly spool: string
  /** A service that only sends what another has left when it does not. */
  readonly records: boolean
}

const FIXTURE = fileURLToPath(new URL('usage-process.fixture.ts', import.meta.url))
const ALIVE_MS_MAX = 250
const DAY_MS = 86_400_000

/** A private key as a process is given it. */
export async function privateJwk(): Promise<JWK> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
  ])
  const { key_ops: _ops, ext: _ext, ...jwk } = await crypto.subtle.exportKey('jwk', pair.privateKey)
  return { ...jwk, kid: crypto.randomUUID(), alg: 'ES256' }
}

/**
 * Kills a service that records usage, and who collects it, each at random moments, again and again; then
 * shows that all that was promised is there once, and that the meter says just that.
 */
export async function killUsage(site: MeteringSite, kills: number): Promise<void> {
  const metering = await site.open()
  await metering.setMeters([meterOf({ name: 'visits', aggregation: 'sum', value: 'n' })], 1)
  const spool = realpathSync(mkdtempSync(join(tmpdir(), 'rf-spool-')))
  const common = {
    ...{ clientKey: await privateJwk(), contextKey: await privateJwk(), spool },
    database: { ...site.database },
    port: await freePort('127.0.0.1'),
  }
  const promised = new Set<string>()
  const children = new Set<ChildProcess>()
  const start = async (role: UsageProcess['role'], records = true) => {
    const given: UsageProcess = { ...common, role, records }
    const child = spawn(process.execPath, [FIXTURE, JSON.stringify(given)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    children.add(child)
    let isReady = false
    let isSent = false
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'ready') isReady = true
      else if (line === 'sent') isSent = true
      else promised.add(line)
    })
    await until(() => isReady || child.exitCode !== null)
    assert.ok(isReady, `${role} did not start`)
    return { child, sent: () => isSent }
  }
  const kill = async ({ child }: { readonly child: ChildProcess }) => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    // What it had promised is in the pipe.
    child.stdout?.resume()
    children.delete(child)
  }
  try {
    let collector = await start('collector')
    let service = await start('service')
    for (let n = 0; n < kills; n += 1) {
      await sleep(Math.random() * ALIVE_MS_MAX)
      const which = Math.random()
      if (which < 0.6) await kill(service)
      if (which > 0.4) await kill(collector)
      if (which > 0.4) collector = await start('collector')
      if (which < 0.6) service = await start('service')
    }
    service.child.stdin?.write('stop\n')
    await until(service.sent)
    await kill(service)
    await kill(collector)
    await metering.settled()
    const { rows } = await site.asked.query<{ id: string }>(
      'select id from usage.event where tenant = $1',
      [ACME],
    )
    const kept = new Set(rows.map(({ id }) => id))
    assert.ok(promised.size > kills, `${promised.size} were promised`)
    assert.equal(kept.size, rows.length)
    assert.deepEqual(
      [...promised].filter((id) => !kept.has(id)),
      [],
    )
    const today = Math.floor(Date.now() / DAY_MS) * DAY_MS
    const [reading] = await metering.readings.read({
      ...{ tenant: ACME, meter: 'visits', window: 'whole' },
      from: new Date(today - DAY_MS),
      to: new Date(today + DAY_MS),
    })
    assert.equal(reading?.quantity, BigInt(rows.length) * 1_000_000n)
  } finally {
    for (const child of children) child.kill('SIGKILL')
    rmSync(spool, { recursive: true, force: true })
  }
}
