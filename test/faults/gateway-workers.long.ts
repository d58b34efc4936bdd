import assert from 'node:assert/strict'
import { Agent, request } from 'node:https'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import { scratch } from '../../src/clusters/scratch.test-support.ts'
import { callsMeanwhile } from '../../src/edge/calls-meanwhile.test-support.ts'
import { Http2Caller } from '../../src/edge/http2-caller.test-support.ts'
import { tokenOf } from '../../src/gateway/door.test-support.ts'
import { BOUND, presenting, proofFor } from '../../src/gateway/dpop.test-support.ts'
import { upstream } from '../../src/gateway/upstream.test-support.ts'
import { GatewayWorkers, HOST } from './gateway-workers.test-support.ts'

const CALLERS = 6
const ROLLS = 5
const KILLS = 5
const SILENCE_MS = 60_000

let gateway: GatewayWorkers
const agent = new Agent({ keepAlive: true, maxSockets: CALLERS })

before(async (t) => {
  assert.ok('after' in t)
  const service = await upstream(t)
  gateway = await GatewayWorkers.prepare(scratch(t), service.url)
  await gateway.start()
})
after(async () => {
  agent.destroy()
  await gateway.stop()
})

interface Heard {
  readonly status: number
  /** Of its certificate; a session that was resumed says nothing of it. */
  readonly fingerprint: string | undefined
}

function get(headers: readonly string[], own = agent): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const sending = request(
      {
        ...{ port: gateway.port, host: '127.0.0.1', servername: HOST, path: '/x', agent: own },
        rejectUnauthorized: false,
        headers: ['host', HOST, ...headers],
      },
      (response) => {
        const { socket } = response
        assert.ok(socket instanceof TLSSocket)
        const shown: { readonly fingerprint256?: string } = socket.getPeerCertificate()
        response.on('error', reject)
        response.resume().on('end', () => {
          resolve({ status: response.statusCode ?? 0, fingerprint: shown.fingerprint256 })
        })
      },
    )
    // A connection that was on its way to a worker that was killed is nobody's.
    sending.setTimeout(SILENCE_MS, () => sending.destroy(new Error('nobody answers')))
    sending.on('error', reject)
    sending.end()
  })
}

async function whileCalled(act: () => Promise<void>) {
  const over = new AbortController()
  const statuses = new Map<string, number>()
  const fingerprints = new Set<string>()
  const headers = ['authorization', `Bearer ${tokenOf('acme')}`]
  const note = (what: string) => statuses.set(what, (statuses.get(what) ?? 0) + 1)
  const callers = Array.from({ length: CALLERS }, async () => {
    while (!over.signal.aborted) {
      try {
        const { status, fingerprint } = await get(headers)
        note(String(status))
        if (fingerprint !== undefined) fingerprints.add(fingerprint)
      } catch (error) {
        note(String(error))
      }
    }
  })
  try {
    await wait(200)
    await act()
  } finally {
    over.abort()
    await Promise.all(callers)
  }
  return { statuses, fingerprints }
}

test(`no request is lost while all workers are replaced ${ROLLS} times, and their certificate twice`, async () => {
  const { statuses, fingerprints } = await whileCalled(async () => {
    for (let roll = 1; roll <= ROLLS; roll += 1) {
      if (roll % 2 === 0) await gateway.putCertificate()
      await gateway.roll()
    }
  })
  assert.deepEqual([...statuses.keys()], ['200'], JSON.stringify([...statuses]))
  assert.ok((statuses.get('200') ?? 0) > 500)
  assert.equal(fingerprints.size, 3)
})

test(`over HTTP/2 no request is lost while all workers are replaced ${ROLLS} times`, async () => {
  const authorization = `Bearer ${tokenOf('acme')}`
  const open = () => new Http2Caller(gateway.port, HOST, { authorization })
  const { outcomes, callers } = await callsMeanwhile(open, async () => {
    for (let roll = 1; roll <= ROLLS; roll += 1) await gateway.roll()
  })
  assert.deepEqual([...outcomes.keys()], ['200'], JSON.stringify([...outcomes]))
  assert.ok((outcomes.get('200') ?? 0) > 500)
  assert.ok(callers.every(({ connections }) => connections > ROLLS / 2))
})

test(`when workers are killed only what was under way with them is lost, ${KILLS} times`, async () => {
  const { statuses } = await whileCalled(async () => {
    for (let kill = 0; kill < KILLS; kill += 1) {
      const ready = gateway.count('worker-ready')
      const pids = await gateway.workers()
      process.kill(pids[kill % pids.length] ?? 0, 'SIGKILL')
      await gateway.until(() => gateway.count('worker-ready') === ready + 1)
    }
  })
  const lost = [...statuses].filter(([what]) => what !== '200')
  const number = lost.reduce((sum, [, times]) => sum + times, 0)
  assert.ok(number <= KILLS * CALLERS, JSON.stringify(lost))
  for (const [what] of lost)
    assert.match(what, /ECONNRESET|socket hang up|disconnected|nobody answers/)
})

test('a proof of possession is good once, whichever worker it comes to', async () => {
  const token = tokenOf('acme', BOUND)
  const headers = presenting(token, proofFor(token, `https://${HOST}/x`))
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => get(headers, new Agent({ keepAlive: false }))),
  )
  const served = answers.filter(({ status }) => status === 200)
  assert.equal(served.length, 1)
  assert.equal(answers.filter(({ status }) => status === 401).length, 11)
})
