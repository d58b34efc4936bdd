import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DenialThrottle } from '../audit/denial-throttle.ts'
import { type AuditEntry, auditEntrySchema } from '../audit/entry.ts'
import { OPERATORS_REALM } from '../core/operators-realm.ts'
import { parseTenantId } from '../core/tenant.ts'
import { actAs, duringControl, duringRequest, enter, enterChange, enterDenial } from './entering.ts'

const acme = parseTenantId('acme')

/** Keeps what is handed over, each of which must be an entry that a log takes. */
function kept() {
  const entries: AuditEntry[] = []
  return {
    entries,
    query: async (_sql: string, [json]: unknown[]) => {
      entries.push(...auditEntrySchema.array().parse(JSON.parse(String(json))))
    },
  }
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const request = {
  headers: { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` },
  address: '192.0.2.7',
}

test('what a request brings about is entered with where it came from, and as whose doing it has shown', async () => {
  const rows = kept()
  await duringRequest(request, async () => {
    await enterChange(rows, acme, 'user.created', 'u-1')
    actAs({ kind: 'client', id: 'scim:1' })
    await enterChange(rows, acme, 'user.removed', 'u-1')
  })
  const [before, after] = rows.entries
  assert.equal(before?.address, '192.0.2.7')
  assert.equal(before.trace_id, TRACE)
  assert.equal(before.actor.kind, 'platform')
  assert.deepEqual(after?.actor, { kind: 'client', id: 'scim:1' })
  assert.equal(after.request_id, before.request_id)
  assert.deepEqual(after.object, { type: 'user', id: 'u-1' })
})

test('two requests at once are not taken for each other', async () => {
  const rows = kept()
  const one = (id: string, wait: number) =>
    duringRequest({ headers: {}, address: `192.0.2.${id}` }, async () => {
      await new Promise((resolve) => setTimeout(resolve, wait))
      actAs({ kind: 'user', id })
      await enterChange(rows, acme, 'user.changed', id)
    })
  await Promise.all([one('1', 5), one('2', 1)])
  for (const { actor, object, address } of rows.entries) {
    assert.equal(actor.id, object?.id)
    assert.equal(address, `192.0.2.${actor.id}`)
  }
})

test('what control has done is the platform’s doing, and what is nobody’s request too', async () => {
  const rows = kept()
  await duringControl('control', () => enterChange(rows, acme, 'keys.made', 'k-1'))
  await enterChange(rows, acme, 'keys.made', 'k-2')
  assert.deepEqual(
    rows.entries.map(({ actor }) => actor.id),
    ['control', 'identity'],
  )
  assert.equal(rows.entries[0]?.category, 'keys')
})

test('the operators’ realm is in the platform’s log', async () => {
  const rows = kept()
  await enterChange(rows, OPERATORS_REALM, 'user.created', 'olga')
  await enter(rows, acme, { category: 'grant', action: 'grant.used', decision: 'allowed' })
  assert.deepEqual(
    rows.entries.map(({ tenant }) => tenant),
    [undefined, acme],
  )
})

test('beyond a bound, denials are entered as a number', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const rows = kept()
  const throttle = new DenialThrottle(2)
  const deny = () => enterDenial(rows, throttle, acme, { action: 'token.refused' })
  for (let n = 0; n < 5; n += 1) await deny()
  assert.equal(rows.entries.length, 2)
  t.mock.timers.tick(60_001)
  await deny()
  const [counted, last] = rows.entries.slice(2)
  assert.equal(counted?.action, 'denials.uncounted')
  assert.equal(counted.tenant, undefined)
  assert.equal(counted.detail?.['count'], 3)
  assert.equal(last?.action, 'token.refused')
})
