import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { parseTenantId } from '../../core/tenant.ts'
import type { WireApproval } from '../api/schemas.ts'
import { FakeServiceNow } from './fake-servicenow.test-support.ts'
import type { OutsideMessage, Receiver } from './receiver.ts'
import { serviceNowReceiver } from './servicenow-receiver.ts'

const APPROVAL: WireApproval = {
  id: 'approval-1',
  workflow: 'onboard-1',
  tenant: 'acme',
  kind: 'onboard',
  subject: null,
  summary: null,
  requested_by: 'alice',
  requested_at: '2026-06-01T12:00:00.000Z',
  expires_at: '2026-06-08T12:00:00.000Z',
  state: 'pending',
  decided_by: null,
  decided_at: null,
  comment: null,
  external_ref: null,
}
const asked = (approval: WireApproval = APPROVAL): OutsideMessage => ({
  id: 'msg_1',
  type: 'approval.requested',
  data: approval,
})
const MOVE: OutsideMessage = {
  id: 'msg_2',
  type: 'change.started',
  data: {
    workflow: 'move-1',
    kind: 'move',
    tenant: parseTenantId('acme'),
    requestedBy: 'alice',
    summary: 'moves from pooled to silo',
  },
}

let now: FakeServiceNow
let receiver: Receiver
before(async () => {
  now = new FakeServiceNow()
  await now.start()
})
after(() => now.stop())
beforeEach(() => {
  now.records.change_request.length = 0
  now.records.sc_request.length = 0
  now.posts = 0
  receiver = serviceNowReceiver({
    name: 'servicenow',
    instance: now.url,
    authorization: () => now.credential,
    fields: { assignment_group: 'platform' },
  })
})

describe('ServiceNow', () => {
  test('gets a request for an onboarding, and a change for what else is to be approved', async () => {
    assert.match((await receiver.deliver(asked())) ?? '', /^REQ\d{7}$/)
    const change = asked({ ...APPROVAL, id: 'approval-2', kind: 'offboard' })
    assert.match((await receiver.deliver(change)) ?? '', /^CHG\d{7}$/)
    const [request] = now.records.sc_request
    assert.equal(request?.correlation_id, 'approval:approval-1')
    assert.equal(request?.approval, 'requested')
    assert.equal(request?.assignment_group, 'platform')
  })

  test('gets a change record for a move, which asks nobody', async () => {
    assert.match((await receiver.deliver(MOVE)) ?? '', /^CHG/)
    const [change] = now.records.change_request
    assert.equal(change?.state, '-5')
    assert.equal(change?.approval, 'not requested')
    assert.match(change?.description ?? '', /pooled to silo/)
  })

  test('gets one record however often it is told, and gives its number each time', async () => {
    const numbers = new Set<string | undefined>()
    for (let n = 0; n < 3; n += 1) numbers.add(await receiver.deliver(asked()))
    assert.equal(numbers.size, 1)
    assert.equal(now.posts, 1)
  })

  for (const [what, fields, approve] of [
    ['approved', { approval: 'approved' }, true],
    ['rejected', { approval: 'rejected' }, false],
    ['cancelled', { request_state: 'closed_cancelled' }, false],
    [
      'approved and then cancelled',
      { approval: 'approved', request_state: 'closed_cancelled' },
      false,
    ],
  ] as const) {
    test(`${what} there is ${approve ? 'approved' : 'refused'} here, by the one who did it`, async () => {
      const number = await receiver.deliver(asked())
      assert.equal(await receiver.decisionOn?.(APPROVAL.id), undefined)
      const [record] = now.records.sc_request
      assert.ok(record)
      now.change(record, fields, 'bob')
      const decision = await receiver.decisionOn?.(APPROVAL.id)
      assert.equal(decision?.approve, approve)
      assert.equal(decision?.decidedBy, 'bob')
      assert.equal(decision?.approval, APPROVAL.id)
      assert.match(decision?.comment ?? '', new RegExp(`^${number}`))
    })
  }

  test('a change’s state -4 to 0 decides nothing, 4 refuses', async () => {
    await receiver.deliver(asked({ ...APPROVAL, kind: 'move' }))
    const [change] = now.records.change_request
    assert.ok(change)
    for (const state of ['-4', '-3', '-2', '-1', '0']) {
      now.change(change, { state }, 'bob')
      assert.equal(await receiver.decisionOn?.(APPROVAL.id), undefined, state)
    }
    now.change(change, { state: '4' }, 'bob')
    assert.equal((await receiver.decisionOn?.(APPROVAL.id))?.approve, false)
  })

  test('another’s record is not taken for ours: neither by its number nor by a query it ignores', async () => {
    await receiver.deliver(asked())
    assert.equal(await receiver.decisionOn?.('approval-9'), undefined)
    const [record] = now.records.sc_request
    assert.ok(record)
    now.change(record, { correlation_display: 'another system', approval: 'approved' }, 'mallory')
    assert.equal(await receiver.decisionOn?.(APPROVAL.id), undefined)
  })

  test('an id that would be a second condition of the query is never sent', async () => {
    const bad = asked({ ...APPROVAL, id: 'x^ORapproval=approved' })
    await assert.rejects(receiver.deliver(bad), { code: 'conflict' })
    assert.equal(now.posts, 0)
  })

  test('trouble there is to be tried again, and its credential is in no message', async () => {
    for (const status of [401, 403, 429, 500, 503]) {
      now.trouble.push(status)
      await assert.rejects(
        receiver.deliver(asked()),
        (error: Error & { code: string }) =>
          error.code === 'engine_unavailable' && !error.message.includes(now.credential),
      )
    }
    assert.match((await receiver.deliver(asked())) ?? '', /^REQ/)
  })

  test('is asked over HTTPS, or on this machine', () => {
    for (const instance of ['http://example.service-now.com', 'ftp://x', 'https://a:b@x', 'x']) {
      assert.throws(() => serviceNowReceiver({ name: 'x', instance, authorization: () => '' }), {
        code: 'invalid_argument',
      })
    }
  })
})
