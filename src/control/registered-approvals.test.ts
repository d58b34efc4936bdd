import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type ControlSite,
  fillCatalogue,
  GUARDED,
  jane,
  request,
  settled,
  startControlSite,
  succeeded,
  until,
} from './control-site.test-support.ts'
import { RingfenceError } from '../core/errors.ts'
import type { OpenControlPlane } from './open-control-plane.ts'
import type { OutsideDecision } from './ports.ts'

let site: ControlSite
let plane: OpenControlPlane
const told: string[] = []

before(async () => {
  site = await startControlSite()
  plane = await site.open({
    receivers: [
      {
        name: 'changes',
        deliver: async ({ type, data }) => {
          told.push(`${type} ${data.tenant}`)
          return `CHG-${told.length}`
        },
      },
    ],
    readDecision: (headers, body) => {
      if (headers['signature'] !== 'good') {
        throw new RingfenceError('not_authenticated', 'the webhook is not signed by us')
      }
      return JSON.parse(body) as OutsideDecision
    },
  })
  await fillCatalogue(plane)
})
after(() => site?.stop())

async function pending(id: string) {
  const begun = await plane.tenants.create({ ...request(id), plan: GUARDED }, jane)
  await settled(plane, begun)
  const { items } = await plane.approvals.list({ state: 'pending' }, { limit: 100 })
  const approval = items.find(({ workflow }) => workflow === begun.id)
  return { begun, approval: approval ?? assert.fail('there is no approval') }
}

function decision(approval: string, id: string, decidedBy = 'ServiceDesk'): OutsideDecision {
  return { id, approval, approve: true, comment: undefined, channel: 'webhook', decidedBy }
}

test('an approval is told outside, and decided from there once', async () => {
  const { begun, approval } = await pending('acme')
  await until(() => told.includes('approval.requested acme'))
  const body = JSON.stringify(decision(approval.id, 'message-1'))
  await assert.rejects(plane.approvals.receiveWebhook({ signature: 'bad' }, body), {
    code: 'not_authenticated',
  })
  const decided = await plane.approvals.receiveWebhook({ signature: 'good' }, body)
  assert.equal(decided.state, 'approved')
  assert.equal(decided.decidedBy, 'webhook:ServiceDesk')
  await assert.rejects(plane.approvals.receiveWebhook({ signature: 'good' }, body), {
    code: 'conflict',
  })
  await succeeded(plane, begun)
})

test('a message that decided one approval decides no other', async () => {
  const { approval } = await pending('beta')
  const replayed = JSON.stringify(decision(approval.id, 'message-1'))
  await assert.rejects(plane.approvals.receiveWebhook({ signature: 'good' }, replayed), {
    code: 'conflict',
  })
  assert.equal((await plane.approvals.get(approval.id)).state, 'pending')
})

test('the requester does not decide from outside either', async () => {
  const { approval } = await pending('gamma')
  const own = JSON.stringify(decision(approval.id, 'message-2', 'jane'))
  await assert.rejects(plane.approvals.receiveWebhook({ signature: 'good' }, own), {
    code: 'forbidden',
  })
})

test('moves and offboardings open a change record', async () => {
  const id = request('acme').id
  const move = await succeeded(plane, await plane.tenants.move(id, 'bridge', jane))
  assert.equal(move.steps[0]?.name, 'record')
  await succeeded(plane, await plane.tenants.offboard(id, { purge: true, why: 'ended' }, jane))
  await until(() => told.filter((one) => one === 'change.started acme').length === 2)
})
