import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AuditDraft, makeEntry } from '../audit/make-entry.ts'
import { parseTenantId } from '../core/tenant.ts'
import { callOf, observationOf } from './observation.ts'

const ACME = parseTenantId('acme')
const GLOBEX = parseTenantId('globex')

const counted = (draft: Partial<AuditDraft>) => {
  const seen = observationOf(
    makeEntry({
      ...{ category: 'authentication', action: 'x', decision: 'allowed', layer: 'x', tenant: ACME },
      actor: { kind: 'user', id: 'alice' },
      ...draft,
    }),
  )
  return seen && [seen.signal, seen.principal]
}
const call = (more: object) => {
  const { signal, principal, tenant } = callOf({
    ...({ specversion: '1.0', id: '1', source: 'urn:g', type: 'dev.ringfence.request' } as const),
    ...{ time: new Date().toISOString(), tenantid: ACME, subject: 'alice', data: {} },
    ...more,
  }) ?? { signal: undefined, principal: undefined, tenant: undefined }
  return [signal, principal, tenant]
}

test('each that is counted is counted for a tenant and for a principal', () => {
  assert.deepEqual(counted({ action: 'user.signed-in' }), ['sign-ins', 'user alice'])
  assert.deepEqual(call({}), ['calls', 'user alice', ACME])
  assert.deepEqual(counted({ action: 'lease.granted' }), ['leases', 'user alice'])
  assert.deepEqual(counted({ action: 'request.denied', decision: 'denied' }), [
    'denials',
    'user alice',
  ])
  const failed = { action: 'user.sign-in-failed', decision: 'failed' } as const
  const nobody = { actor: { kind: 'unknown', id: 'unknown' } } as const
  const tried = { object: { type: 'user', id: 'alice' } }
  assert.deepEqual(counted({ ...failed, ...nobody, ...tried }), ['failed-sign-ins', 'user alice'])
  assert.deepEqual(counted({ ...failed, ...nobody }), ['failed-sign-ins', undefined])
})

test('what is done under a grant is the grant’s at its grantor, and the principal’s at home', () => {
  const used = { action: 'grant.used', grant_id: 'gr-1' }
  const partner = { actor: { kind: 'user', id: 'gina', tenant: GLOBEX } } as const
  assert.deepEqual(counted({ ...used, ...partner }), ['delegations', 'grant gr-1'])
  assert.deepEqual(counted({ ...used, tenant: GLOBEX }), ['delegations', 'user alice'])
  const under = { tenantid: GLOBEX, tenantcontextid: ACME, grantid: 'gr-1', subject: 'grant:gr-1' }
  assert.deepEqual(call(under), ['delegated-calls', 'grant gr-1', ACME])
  const lease = { action: 'lease.granted', grant_id: 'gr-1', ...partner }
  assert.deepEqual(counted(lease), ['leases', 'grant gr-1'])
})
