import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { scratch } from '../../src/clusters/scratch.test-support.ts'
import { parseClientId } from '../../src/core/names.ts'
import { until } from '../../src/core/until.test-support.ts'
import { tokenOf } from '../../src/gateway/door.test-support.ts'
import { upstream } from '../../src/gateway/upstream.test-support.ts'
import { Http2Caller } from '../../src/edge/http2-caller.test-support.ts'
import { listen } from '../../src/http/listen.ts'
import { ACME, meteringSite } from '../../src/metering/metering-site.test-support.ts'
import { MemoryLogs } from '../../src/records/intake/memory-logs.test-support.ts'
import { openIntake } from '../../src/records/intake/open-intake.ts'
import { startIntakeSite } from '../../src/records/intake/intake-site.test-support.ts'
import { SigningKey } from '../../src/tokens/signing-key.ts'
import { KeySet } from '../../src/tokens/verify-token.ts'
import { GatewayWorkers, HOST } from './gateway-workers.test-support.ts'

const KILLS = 4
const CALLS = 50
const SILENCE_MS = 5_000
const GATEWAY = parseClientId('ringfence-gateway')
const AUDIENCE = 'ringfence-records'

test(`a gateway that is killed ${KILLS} times with usage in its journal: each answer that somebody has whole counts once`, async (t) => {
  const service = await upstream(t)
  const directory = scratch(t)
  const [metered, control] = [await meteringSite(), await startIntakeSite()]
  const key = await SigningKey.create('ES256')
  const keyFile = join(directory, 'records.jwk')
  writeFileSync(keyFile, JSON.stringify(key.privateJwk), { mode: 0o600 })
  const socket = join(directory, 'records.sock')
  const gateway = await GatewayWorkers.prepare(directory, service.url, {
    journalDirectory: join(directory, 'journal'),
    records: {
      ...{ address: `unix:${socket}`, audience: AUDIENCE, client: GATEWAY },
      ...{ key: keyFile, source: 'one' },
    },
  })
  const metering = await metered.open()
  const intake = await openIntake({
    ...{ database: control.records, audience: AUDIENCE, logs: new MemoryLogs() },
    planes: () => [
      { client: GATEWAY, keys: new KeySet([key.publicJwk]), categories: ['decision'] },
    ],
    ...{ usage: metering.store, log: () => {} },
  })
  const open = () => listen(intake.app.fetch, { socket })
  let listening: Awaited<ReturnType<typeof listen>> | undefined
  t.after(async () => {
    await listening?.close()
    await intake.close()
    await metered.close()
    await control.stop()
  })
  await gateway.start()
  let [sent, whole] = [0, 0]
  const authorization = `Bearer ${tokenOf('acme')}`
  const call = async (calls: number) => {
    const caller = new Http2Caller(gateway.port, HOST, { authorization })
    for (let n = 0; n < calls; n += 1) {
      sent += 1
      // A connection that was on its way to a worker that was killed is nobody's.
      const silence = sleep(SILENCE_MS, 0)
      const status = await Promise.race([caller.get('/x').catch(() => 0), silence])
      if (status === 200) whole += 1
      else break
    }
    caller.close()
  }
  // Of workers and of all, while the records plane is away and while it is there.
  for (let kill = 0; kill < KILLS; kill += 1) {
    if (kill === KILLS / 2) listening = await open()
    await call(CALLS)
    const calling = call(CALLS)
    if (kill % 2 === 0) {
      const ready = gateway.count('worker-ready')
      for (const pid of await gateway.workers()) process.kill(pid, 'SIGKILL')
      await calling
      await gateway.until(() => gateway.count('worker-ready') >= ready + 2)
    } else {
      await gateway.killFirst()
      await calling
      await gateway.start()
    }
  }
  await call(CALLS)
  assert.ok(whole >= KILLS * CALLS)
  const ids = async () => {
    const { rows } = await metered.asked.query<{ id: string }>(
      'select id from usage.event where tenant = $1',
      [ACME],
    )
    return rows.map(({ id }) => id)
  }
  // All of it comes by itself, also what killed workers had left.
  await until(async () => (await ids()).length >= whole)
  await gateway.stop()
  const all = await ids()
  assert.equal(new Set(all).size, all.length)
  assert.ok(all.length <= sent, 'nothing counts that was not asked')
  assert.equal((await intake.state()).quarantined, 0)
  t.diagnostic(
    `${whole} whole answers, ${all.length} counted, ${service.seen.length} at the service`,
  )
})
