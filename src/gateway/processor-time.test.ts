import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RingfenceError } from '../core/errors.ts'
import { parseTenantId } from '../core/tenant.ts'
import { type UsageEvent, usageEventSchema } from '../usage/usage-event.ts'
import { ProcessorTime } from './processor-time.ts'

const NEVER_MS = 1_000_000

function request(tenant: string, bytes: number): UsageEvent {
  return {
    ...{ specversion: '1.0', id: crypto.randomUUID(), source: '/g', type: 'dev.ringfence.request' },
    ...{ time: new Date().toISOString(), tenantid: parseTenantId(tenant) },
    data: { request_bytes: 0, response_bytes: bytes },
  }
}

function opened() {
  const events: UsageEvent[] = []
  const stage = { worked: 0, full: false, log: [] as string[], events }
  const time = new ProcessorTime({
    sink: {
      async write(all) {
        if (stage.full) throw new RingfenceError('not_writable', 'the disk is full')
        events.push(...all)
      },
    },
    source: '/g',
    worked: () => stage.worked,
    everyMs: NEVER_MS,
    log: (line) => stage.log.push(line),
  })
  const shares = () =>
    events
      .filter(({ type }) => type === 'dev.ringfence.gateway-time')
      .map(({ tenantid, data }) => [tenantid, data['cpu_us']])
  return { stage, time, shares }
}

test('a process’s time is shared by requests and their bytes, as usage that the records plane takes', async () => {
  const { stage, time, shares } = opened()
  await time.write([request('acme', 0), request('globex', 65_536)])
  await time.write([request('acme', 0)])
  stage.worked = 4_000
  await time.close()
  assert.deepEqual(shares(), [
    ['acme', 2_000],
    ['globex', 2_000],
  ])
  for (const event of stage.events) usageEventSchema.parse(event)
  assert.equal(stage.events.length, 5, 'requests are passed on')
})

test('shares add up to what was worked, whoever asked how much', async () => {
  const asked = fc.array(
    fc.tuple(fc.constantFrom('acme', 'globex', 'initech'), fc.nat(10_000_000)),
    { minLength: 1, maxLength: 40 },
  )
  await fc.assert(
    fc.asyncProperty(asked, fc.nat(60_000_000), async (requests, micros) => {
      const { stage, time, shares } = opened()
      for (const [tenant, bytes] of requests) await time.write([request(tenant, bytes)])
      stage.worked = micros
      await time.close()
      const sum = shares().reduce((all, [, share]) => all + Number(share), 0)
      assert.ok(Math.abs(sum - micros) <= shares().length)
      assert.deepEqual(
        new Set(shares().map(([tenant]) => tenant)),
        new Set(requests.map(([tenant]) => tenant)),
      )
    }),
    { numRuns: 200 },
  )
})

test('without requests nobody pays, and a full disk fails no request for it', async () => {
  const { stage, time, shares } = opened()
  stage.worked = 9_000
  await time.close()
  assert.deepEqual(shares(), [])
  const second = opened()
  await second.time.write([request('acme', 1)])
  second.stage.full = true
  await assert.rejects(second.time.write([request('acme', 1)]), { code: 'not_writable' })
  second.stage.worked = 5
  await second.time.close()
  assert.deepEqual(second.stage.log, ['processor time of 5 µs is not entered: RingfenceError'])
})
