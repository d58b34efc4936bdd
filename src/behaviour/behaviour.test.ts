import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { AuditEntry } from '../audit/entry.ts'
import { type AuditDraft, makeEntry } from '../audit/make-entry.ts'
import { parseTenantId } from '../core/tenant.ts'
import type { UsageEvent } from '../usage/usage-event.ts'
import { Behaviour } from './behaviour.ts'
import type { Finding } from './finding.ts'
import { networkOf } from './named-detectors.ts'
import { behaviourSettingsSchema } from './settings.ts'
import { TenantShares } from './tenant-shares.ts'

const HOUR = 3_600_000
const BEGIN = Date.parse('2026-03-02T00:00:00Z')
const ACME = parseTenantId('acme')
const GLOBEX = parseTenantId('globex')

function watched() {
  const findings: Finding[] = []
  const clock = { now: BEGIN }
  const behaviour = new Behaviour({
    settings: behaviourSettingsSchema.parse({}),
    now: () => clock.now,
    found: (finding) => void findings.push(finding),
  })
  return { behaviour, findings, clock }
}

const denied = (draft: Partial<AuditDraft>, at: number): AuditEntry =>
  makeEntry({
    ...{ category: 'decision', action: 'request.denied', decision: 'denied', layer: 'token' },
    actor: { kind: 'unknown', id: 'unknown' },
    time: new Date(at),
    ...draft,
  })
const call = (at: number, subject = 'alice', tenant = ACME): UsageEvent => ({
  specversion: '1.0',
  id: String(at),
  source: 'urn:g',
  type: 'dev.ringfence.request',
  time: new Date(at).toISOString(),
  tenantid: tenant,
  subject,
  data: {},
})

/** Fifty calls in each hour, then so many in one. */
function callsAfter(hours: number, last: number) {
  const { behaviour, findings, clock } = watched()
  for (let hour = 0; hour < hours; hour += 1) {
    clock.now = BEGIN + hour * HOUR
    behaviour.used(Array.from({ length: 50 }, (_, place) => call(clock.now + place)))
  }
  clock.now = BEGIN + hours * HOUR
  behaviour.used(Array.from({ length: last }, (_, place) => call(clock.now + place)))
  return findings
}

test('nothing is said of volume before the warm-up is over, and once in an hour after it', () => {
  assert.deepEqual(callsAfter(167, 5_000), [])
  const found = callsAfter(168, 5_000)
  assert.deepEqual(
    found.map(({ detector, about, signal }) => [detector, about, signal]),
    [
      ['unusual-volume', 'the tenant', 'calls'],
      ['unusual-volume', 'user alice', 'calls'],
    ],
  )
  assert.ok(found.every(({ limit, acts }) => limit > 50 && limit < 100 && acts.length === 0))
  assert.deepEqual(callsAfter(168, 60), [])
})

test('thresholds are passed, not reached: 10 in a minute are let be, and 11 in more than one', () => {
  const { behaviour, findings, clock } = watched()
  clock.now = BEGIN + 200_000
  const from = (address: string, count: number, everyMs: number) =>
    Array.from({ length: count }, (_, place) => denied({ address }, BEGIN + place * everyMs))
  behaviour.entered([...from('192.0.2.1', 10, 1), ...from('192.0.2.2', 30, 6_001)])
  assert.deepEqual(findings, [])
  behaviour.entered(from('192.0.2.3', 11, 6_000))
  assert.deepEqual(
    findings.map(({ about }) => about),
    ['192.0.2.3'],
  )
})

test('entries that come in any order are told all the same', () => {
  const all = Array.from({ length: 11 }, (_, place) =>
    denied({ address: '192.0.2.1' }, BEGIN + place * 5_000),
  )
  fc.assert(
    fc.property(fc.shuffledSubarray(all, { minLength: 11 }), (shuffled) => {
      const { behaviour, findings, clock } = watched()
      clock.now = BEGIN + 60_000
      behaviour.entered(shuffled)
      assert.equal(findings.length, 1)
    }),
    { numRuns: 100 },
  )
})

test('a batch that is handed over again counts once', () => {
  const { behaviour, findings } = watched()
  const some = Array.from({ length: 8 }, () => denied({ address: '192.0.2.1' }, BEGIN))
  behaviour.entered(some)
  behaviour.entered(some)
  assert.deepEqual(findings, [])
})

test('tokens that have expired, and callers without any, are no invalid claims', () => {
  const { behaviour, findings } = watched()
  const bad = (draft: Partial<AuditDraft>) =>
    Array.from({ length: 50 }, () => denied({ address: '192.0.2.1', ...draft }, BEGIN))
  behaviour.entered(bad({ reason: 'token: "exp" claim timestamp check failed' }))
  behaviour.entered(bad({ layer: 'one-authorization', reason: 'no bearer token' }))
  behaviour.entered(bad({ layer: 'network-is-not-blocked', reason: 'blocked network' }))
  assert.deepEqual(findings, [])
})

test("nobody ends another's session, or suspends another's grant, by naming it without a good token", () => {
  const { behaviour, findings } = watched()
  // What the gateway enters of callers whom it does not know: their tenant is only what they say.
  const named = { session: 'victims', called_tenant: 'globex', token_id: 'x' }
  for (let place = 0; place < 80; place += 1) {
    const address = `192.0.2.${place % 4}`
    behaviour.entered([
      denied({ address, detail: named, grant_id: 'gr-victims' }, BEGIN + place),
      denied({ layer: 'grant-stands', address, detail: named }, BEGIN + place),
    ])
  }
  assert.ok(findings.length > 0)
  const kinds = new Set(findings.flatMap(({ acts }) => acts.map(({ kind }) => kind)))
  assert.deepEqual([...kinds], ['block-address'])
  assert.ok(findings.every(({ tenant }) => tenant === undefined))
})

test('whatever a tenant’s people do, what is done about it is done to that tenant alone', () => {
  const draft = fc.record({
    layer: fc.constantFrom('token', 'policies', 'grant-stands', 'action-of-the-grant'),
    action: fc.constantFrom('request.denied', 'request.allowed', 'lease.denied'),
    decision: fc.constantFrom('denied', 'allowed'),
    reason: fc.constantFrom('other-service', 'globex', 'x'),
    address: fc.constantFrom('192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'),
    partner: fc.boolean(),
    detail: fc.record({
      session: fc.constantFrom('s-1', 'globex', 'gr-1'),
      called_tenant: fc.constant('globex'),
      claimed_tenant: fc.constant('globex'),
    }),
  })
  let acts = 0
  fc.assert(
    fc.property(fc.array(draft, { minLength: 20, maxLength: 60 }), (drafts) => {
      const { behaviour, findings } = watched()
      behaviour.entered(
        drafts.map(({ partner, action, decision, ...one }) => {
          const actor = {
            kind: 'user',
            id: 'mallory',
            ...(partner ? { tenant: GLOBEX } : {}),
          } as const
          return denied({ ...one, tenant: ACME, action, decision, actor }, BEGIN)
        }),
      )
      for (const finding of findings) {
        for (const act of finding.acts) {
          acts += 1
          if ('tenant' in act) assert.equal(act.tenant, ACME)
          else assert.match(act.network, /^192\.0\.2\./)
        }
      }
    }),
    { numRuns: 200 },
  )
  assert.ok(acts > 0)
})

test('a clock that is ahead closes nobody’s hour, and what is late is not acted on', () => {
  const { behaviour, findings, clock } = watched()
  behaviour.used([call(BEGIN + 400 * HOUR)])
  behaviour.used([call(BEGIN)])
  assert.equal(
    [...behaviour.baselines.changed()].find(({ name }) => name.principal === '')?.kept.count,
    2,
  )
  clock.now = BEGIN + 2 * HOUR
  behaviour.entered(Array.from({ length: 20 }, () => denied({ address: '192.0.2.1' }, BEGIN)))
  assert.deepEqual(findings, [])
})

test('principals without end fill no memory, and push out none of another tenant', () => {
  const { behaviour } = watched()
  behaviour.used([call(BEGIN, 'quiet', GLOBEX)])
  for (let place = 0; place < 10_000; place += 1) behaviour.used([call(BEGIN, `user-${place}`)])
  assert.ok(behaviour.size <= 2_002, String(behaviour.size))
  const of = [...behaviour.baselines.changed()].filter(({ name }) => name.tenant === GLOBEX)
  assert.deepEqual(of.map(({ name }) => name.principal).toSorted(), ['', 'user quiet'])
})

test('a shared map holds no more than it may, and takes from whoever brings something new', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(30)), { maxLength: 200 }),
      (steps) => {
        const shares = new TenantShares<number>({ perTenant: 8, altogether: 12 })
        const had = new Map<string, number>()
        for (const [tenant, key] of steps) {
          const counts = () => Map.groupBy([...shares.entries()], ([whose]) => whose)
          const before = counts()
          shares.getOrMake(tenant, String(key), () => key)
          const now = counts()
          for (const [whose, own] of before) {
            const lost = own.length - (now.get(whose)?.length ?? 0)
            // Another's place goes to a tenant that had nothing, and to no other.
            if (whose !== tenant && lost > 0) assert.equal(before.get(tenant), undefined)
          }
          assert.ok(shares.size <= 12)
          assert.ok((now.get(tenant)?.length ?? 0) <= 8)
          had.set(tenant, (had.get(tenant) ?? 0) + 1)
        }
        assert.equal([...shares.entries()].length, shares.size)
      },
    ),
    { numRuns: 200 },
  )
})

test('an IPv6 host that changes its address stays one', () => {
  assert.equal(networkOf('192.0.2.7'), '192.0.2.7')
  assert.equal(networkOf('2001:db8:0:7:1:2:3:4'), '2001:db8:0:7::/64')
  assert.equal(networkOf('2001:db8::1'), '2001:db8:0:0::/64')
  assert.equal(networkOf('::1'), '0:0:0:0::/64')
})
