import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { RingfenceError } from '../../core/errors.ts'
import { listen } from '../../http/listen.ts'
import {
  type ControlSite,
  erin,
  fillCatalogue,
  GUARDED,
  jane,
  onboarded,
  request,
  settled,
  startControlSite,
  succeeded,
  until,
} from '../control-site.test-support.ts'
import { Database } from '../database.ts'
import type { OpenControlPlane } from '../open-control-plane.ts'
import { FakeServiceNow } from './fake-servicenow.test-support.ts'
import { Outbox } from './outbox.ts'
import type { OutsideMessage, Receiver } from './receiver.ts'
import { serviceNowReceiver } from './servicenow-receiver.ts'
import { parseWebhookSecret, signWebhook, verifyWebhook } from './standard-webhooks.ts'
import { webhookReceiver } from './webhook-receiver.ts'

const SECRET = parseWebhookSecret(`whsec_${Buffer.alloc(32, 3).toString('base64')}`)

let site: ControlSite
let database: Database
const opened: Outbox[] = []

before(async () => {
  site = await startControlSite()
  database = new Database(site.settings.rf_control)
  const plane = await site.open()
  await fillCatalogue(plane)
  await plane.close()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((outbox) => outbox.stop()))
})
after(async () => {
  await database.close()
  await site.stop()
})

const PAUSES = { firstPauseMs: 1, idleMs: 5, askSeconds: 0.01 }

/** A control plane that tells receivers. */
function told(...receivers: readonly Receiver[]): Promise<OpenControlPlane> {
  return site.open({
    receivers,
    outboxPauses: PAUSES,
    readDecision: (headers, body) => {
      const { id, decision } = verifyWebhook([SECRET], headers, body)
      const { approval, approve, comment, decided_by } = decision
      return { id, approval, approve, comment, channel: 'webhook', decidedBy: decided_by }
    },
  })
}

function running(receivers: readonly Receiver[]): Outbox {
  const outbox = new Outbox({ database, receivers, decide: async () => {}, ...PAUSES })
  opened.push(outbox)
  outbox.start()
  return outbox
}

/** A receiver that takes what it is told, after as many failures as are asked for. */
class Listener implements Receiver {
  readonly name: string
  readonly messages: OutsideMessage[] = []
  failures: Error[] = []

  constructor(name: string) {
    this.name = name
  }

  async deliver(message: OutsideMessage): Promise<undefined> {
    const failure = this.failures.shift()
    if (failure !== undefined) throw failure
    this.messages.push(message)
  }
}

/** It waited; now it ends well. */
const goesOn = (plane: OpenControlPlane, workflow: string) =>
  until(async () => (await plane.workflows.get(workflow)).state === 'succeeded')

const approvalOf = async (plane: OpenControlPlane, workflow: string) => {
  const { items } = await plane.approvals.list({}, { limit: 50 })
  const found = items.find((approval) => approval.workflow === workflow)
  assert.ok(found)
  return found
}

describe('an approval', () => {
  test('is told outside, decided there by a signed message, and the tenant is made', async () => {
    const bodies: { headers: Headers; body: string }[] = []
    const server = await listen(
      async (incoming) => {
        bodies.push({ headers: incoming.headers, body: await incoming.text() })
        return new Response(null, { status: bodies.length === 1 ? 503 : 204 })
      },
      { host: '127.0.0.1', port: 0 },
    )
    try {
      const url = `${server.url}/hooks?team=platform`
      const plane = await told(webhookReceiver({ name: 'webhook', url, secrets: [SECRET] }))
      const begun = await plane.tenants.create({ ...request('hooked'), plan: GUARDED }, jane)
      assert.equal((await settled(plane, begun)).state, 'waiting')
      await until(() => bodies.length >= 2)
      const [first, second] = bodies
      assert.ok(first && second)
      assert.equal(first.headers.get('webhook-id'), second.headers.get('webhook-id'))
      const signed = Object.fromEntries(
        ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [
          name,
          second.headers.get(name) ?? '',
        ]),
      )
      // A reader of the standard takes it: what fails is only that it is no decision.
      assert.throws(() => verifyWebhook([SECRET], signed, second.body), {
        code: 'invalid_argument',
      })
      const { type, data } = JSON.parse(second.body)
      assert.equal(type, 'approval.requested')
      const decision = (decided_by: string) =>
        JSON.stringify({
          type: 'approval.decided',
          data: { approval: data.id, approve: true, decided_by },
        })
      const send = (id: string, body: string) =>
        plane.approvals.receiveWebhook(signWebhook([SECRET], id, body), body)
      for (const requester of ['jane', 'Jane', ' JANE ']) {
        await assert.rejects(send('m0', decision(requester)), { code: 'forbidden' })
      }
      await send('m1', decision('pat'))
      await assert.rejects(send('m1', decision('pat')), { code: 'conflict' })
      await goesOn(plane, begun.id)
    } finally {
      await server.close()
    }
  })

  test('is decided in ServiceNow, and carries its number here', async () => {
    const now = new FakeServiceNow()
    await now.start()
    try {
      now.trouble.push(503, 500)
      const receiver = serviceNowReceiver({
        name: 'servicenow',
        instance: now.url,
        authorization: () => now.credential,
      })
      const plane = await told(receiver)
      const begun = await plane.tenants.create({ ...request('serviced'), plan: GUARDED }, jane)
      await settled(plane, begun)
      await until(async () => (await approvalOf(plane, begun.id)).externalRef !== undefined)
      const [record] = now.records.sc_request
      assert.ok(record)
      assert.equal((await approvalOf(plane, begun.id)).externalRef, record.number)
      now.change(record, { approval: 'approved' }, 'Bob')
      await goesOn(plane, begun.id)
      assert.equal((await approvalOf(plane, begun.id)).decidedBy, 'servicenow:bob')
    } finally {
      await now.stop()
    }
  })

  test('is not decided in ServiceNow by who asked for it', async () => {
    const now = new FakeServiceNow()
    await now.start()
    try {
      const receiver = serviceNowReceiver({
        name: 'servicenow-2',
        instance: now.url,
        authorization: () => now.credential,
      })
      const plane = await told(receiver)
      const begun = await plane.tenants.create({ ...request('selfish'), plan: GUARDED }, jane)
      await settled(plane, begun)
      await until(() => now.records.sc_request.length > 0)
      const [record] = now.records.sc_request
      assert.ok(record)
      now.change(record, { approval: 'approved' }, 'jane')
      await until(async () => {
        const sql = `select 1 from approvals.message where receiver = 'servicenow-2'
          and decided_at is not null`
        return (await site.ask(sql)).length > 0
      })
      assert.equal((await approvalOf(plane, begun.id)).state, 'pending')
    } finally {
      await now.stop()
    }
  })

  test('holds nobody up while the receiver is away: it is decided here', async () => {
    const away = new Listener('away')
    away.failures = Array.from(
      { length: 1000 },
      () => new RingfenceError('engine_unavailable', 'away'),
    )
    const plane = await told(away)
    const begun = await plane.tenants.create({ ...request('impatient'), plan: GUARDED }, jane)
    await settled(plane, begun)
    const { id } = await approvalOf(plane, begun.id)
    await plane.approvals.decide(id, true, undefined, erin)
    await goesOn(plane, begun.id)
  })
})

describe('a change', () => {
  test('of tier and an offboarding are told once each, before they begin', async () => {
    const changes = new Listener('changes')
    const plane = await told(changes)
    const acme = await onboarded(plane, 'changing')
    await succeeded(plane, await plane.tenants.move(acme, 'bridge', jane))
    await succeeded(plane, await plane.tenants.offboard(acme, { purge: true, why: 'over' }, jane))
    await until(() => changes.messages.length >= 2)
    assert.deepEqual(
      changes.messages.map(({ type, data }) => `${type} ${data.kind} ${data.tenant}`).toSorted(),
      ['change.started move changing', 'change.started offboard changing'],
    )
  })
})

describe('a message', () => {
  const change = (workflow: string) => ({
    workflow,
    kind: 'move' as const,
    tenant: request('acme').id,
    requestedBy: 'jane',
    summary: 'moves',
  })

  test('that was entered many times is delivered with one id, to each receiver', async () => {
    const one = new Listener('one')
    const two = new Listener('two')
    const outbox = running([one, two])
    await Promise.all(Array.from({ length: 10 }, () => outbox.record(change('w-many'))))
    await until(() => one.messages.length > 0 && two.messages.length > 0)
    await outbox.stop()
    assert.equal(one.messages.length, 1)
    assert.equal(two.messages.length, 1)
    assert.notEqual(one.messages[0]?.id, two.messages[0]?.id)
  })

  test('is tried again after trouble, and not after the receiver wants no more', async () => {
    const listener = new Listener('tried')
    listener.failures = [
      new RingfenceError('timed_out', 'slow'),
      new RingfenceError('engine_unavailable', 'away'),
      new TypeError('a bug'),
    ]
    await running([listener]).record(change('w-again'))
    await until(() => listener.messages.length === 1)
    const gone = new Listener('gone')
    gone.failures = [new RingfenceError('conflict', '410')]
    await running([gone]).record(change('w-gone'))
    const state = `select given_up_at is not null as over from approvals.message
      where receiver = 'gone'`
    await until(async () => (await site.ask<{ over: boolean }>(state))[0]?.over === true)
    assert.deepEqual(gone.messages, [])
  })

  test('whose deliverer died is delivered by another process, under the same id', async () => {
    const name = 'resumed'
    // Claimed, and never reported: as a killed process leaves it.
    const dead = new Outbox({
      database,
      receivers: [{ name, deliver: () => Promise.resolve(undefined) }],
      decide: async () => {},
    })
    await dead.record(change('w-dead'))
    const claim = `update approvals.message set next_at = clock_timestamp() + interval '120 s'
      where receiver = '${name}' returning id`
    const [claimed] = await site.ask<{ id: string }>(claim)
    const listener = new Listener(name)
    const outbox = running([listener])
    await outbox.stop()
    assert.equal(listener.messages.length, 0)
    await site.ask(`update approvals.message set next_at = now() where receiver = '${name}'`)
    running([listener])
    await until(() => listener.messages.length === 1)
    assert.equal(listener.messages[0]?.id, claimed?.id)
  })

  test('is delivered once by several processes that look at the same time', async () => {
    const listener = new Listener('shared')
    const outboxes = Array.from({ length: 4 }, () => running([listener]))
    await Promise.all(
      outboxes.flatMap((outbox, n) =>
        Array.from({ length: 10 }, (_, m) => outbox.record(change(`w-shared-${n}-${m}`))),
      ),
    )
    await until(() => listener.messages.length >= 40)
    await Promise.all(outboxes.map((outbox) => outbox.stop()))
    assert.equal(new Set(listener.messages.map(({ id }) => id)).size, 40)
    assert.equal(listener.messages.length, 40)
  })
})
