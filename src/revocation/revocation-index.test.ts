import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseSubject } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import { KEPT_SECONDS, parseEntries, storedEntry } from './entry.ts'
import { RevocationIndex } from './revocation-index.ts'
import type { Revocable, Revocation } from './revocation.ts'

/** What the contract says, one revocation at a time. */
function covers(revocation: Revocation, token: Revocable): boolean {
  const before = token.issuedAt <= revocation.at
  if (revocation.kind === 'everything') return before
  if (revocation.tenant !== token.tenant) return false
  switch (revocation.kind) {
    case 'tenant':
      return before
    case 'client':
      return before && revocation.id === token.client
    case 'subject':
      return before && revocation.id === token.subject
    case 'session':
      return revocation.id === token.session
    default:
      return revocation.id === token.id
  }
}

// Few names, so that they meet: also one kind's name as another's, and one with a space in it.
const name = fc.constantFrom('a', 'b', 'a b', 'acme a')
const tenant = fc.constantFrom(...['acme', 'acme-a', 'globex'].map(parseTenantId))
const subject = fc.constantFrom(...['a', 'b', 'acme'].map(parseSubject))
const moment = fc.integer({ min: 0, max: 5 }).map((second) => new Date(second * 1000))
const named = fc.record({
  kind: fc.constantFrom('token' as const, 'session' as const, 'client' as const),
  tenant,
  id: name,
  at: moment,
})
const revocation: fc.Arbitrary<Revocation> = fc.oneof(
  { weight: 6, arbitrary: named },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('subject' as const),
      tenant,
      id: subject,
      at: moment,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tenant' as const), tenant, at: moment }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('everything' as const), at: moment }) },
)
const token: fc.Arbitrary<Revocable> = fc.record({
  tenant,
  id: name,
  session: fc.option(name, { nil: undefined }),
  subject,
  client: name,
  issuedAt: moment,
})
const UNTIL = Number.MAX_SAFE_INTEGER

function indexOf(revocations: readonly Revocation[]): RevocationIndex {
  const index = new RevocationIndex()
  for (const revocation of revocations) index.add({ revocation, untilMs: UNTIL })
  return index
}

test('a token is covered exactly when one revocation covers it', () => {
  fc.assert(
    fc.property(fc.array(revocation), token, (revocations, one) => {
      const found = indexOf(revocations).find(one)
      assert.equal(
        found !== undefined,
        revocations.some((revocation) => covers(revocation, one)),
      )
      if (found !== undefined) {
        assert.ok(
          revocations.some((revocation) => revocation.kind === found && covers(revocation, one)),
        )
      }
    }),
    { numRuns: 2_000 },
  )
})

test('what is written down and read again covers the same', () => {
  fc.assert(
    fc.property(fc.array(revocation), fc.array(token), (revocations, tokens) => {
      const index = indexOf(revocations)
      const stored: unknown = JSON.parse(JSON.stringify([...index.entries()].map(storedEntry)))
      const again = new RevocationIndex()
      for (const entry of parseEntries(stored)) again.add(entry)
      for (const one of tokens) assert.equal(again.find(one), index.find(one))
      assert.equal(again.size, index.size)
    }),
  )
})

test('a revocation of a tenant is none of another, and one of a user none of a namesake', () => {
  const [acme, globex] = [parseTenantId('acme'), parseTenantId('globex')]
  const at = new Date(1000)
  const index = indexOf([
    { kind: 'tenant', tenant: acme, at },
    { kind: 'subject', tenant: acme, id: parseSubject('ann'), at },
  ])
  const ann = { id: 't', session: undefined, subject: parseSubject('ann'), client: 'web' }
  assert.equal(index.find({ ...ann, tenant: acme, issuedAt: at }), 'tenant')
  assert.equal(index.find({ ...ann, tenant: globex, issuedAt: at }), undefined)
})

test('what is issued in a later second is good again, but no session and no token comes back', () => {
  const acme = parseTenantId('acme')
  const subject = parseSubject('ann')
  const at = new Date(10_900)
  const index = indexOf([
    { kind: 'subject', tenant: acme, id: subject, at },
    { kind: 'session', tenant: acme, id: 's', at },
  ])
  const issued = (second: number, session: string) =>
    index.find({
      tenant: acme,
      id: 't',
      session,
      subject,
      client: 'c',
      issuedAt: new Date(second * 1000),
    })
  assert.equal(issued(10, 'other'), 'subject')
  assert.equal(issued(11, 'other'), undefined)
  assert.equal(issued(11, 's'), 'session')
})

test('a token without a session is covered by the revocation of none', () => {
  const acme = parseTenantId('acme')
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (id) => {
      const index = indexOf([{ kind: 'session', tenant: acme, id, at: new Date() }])
      const issuedAt = new Date(0)
      const subject = parseSubject('ann')
      const one = { tenant: acme, id: 't', session: undefined, subject, client: 'c', issuedAt }
      assert.equal(index.find(one), undefined)
    }),
  )
})

test('only what says something new is news, and a later one never shortens an earlier', () => {
  const tenant = parseTenantId('acme')
  let steady = 0
  const index = new RevocationIndex(() => steady)
  const add = (second: number, untilMs: number) =>
    index.add({ revocation: { kind: 'tenant', tenant, at: new Date(second * 1000) }, untilMs })
  assert.deepEqual([add(5, 90), add(5, 90), add(3, 10), add(7, 20)], [true, false, false, true])
  assert.equal(index.size, 1)
  steady += KEPT_SECONDS * 1000 + 1
  index.forget(50)
  assert.equal(index.size, 1)
  index.forget(91)
  assert.equal(index.size, 0)
})

test('a clock that was set forward, and right again, brings back nothing that was revoked', () => {
  let steady = 0
  const index = new RevocationIndex(() => steady)
  const acme = parseTenantId('acme')
  const now = Date.UTC(2026, 0, 1)
  const revocation = { kind: 'session', tenant: acme, id: 's-1', at: new Date(now) } as const
  index.add({ revocation, untilMs: now + KEPT_SECONDS * 1000 })
  const isRevoked = () =>
    index.find({
      tenant: acme,
      ...{ id: 't', session: 's-1', subject: parseSubject('ann'), client: 'web' },
      issuedAt: new Date(now),
    }) !== undefined
  steady += 60_000
  index.forget(now + 24 * 3_600_000)
  assert.ok(isRevoked())
  steady += KEPT_SECONDS * 1000
  index.forget(now + 60_000)
  assert.ok(isRevoked(), 'nor does one that was set back')
  index.forget(now + KEPT_SECONDS * 1000 + 60_000)
  assert.equal(isRevoked(), false)
})

test('an entry of a kind that is not known is refused, not passed over', () => {
  const times = { at: 1, until: 2 }
  for (const odd of [
    { kind: 'device', tenant: 'acme', id: 'x', ...times },
    { kind: 'tenant', ...times },
    { kind: 'everything', tenant: 'acme', ...times },
    { kind: 'session', tenant: 'ACME', id: 'x', ...times },
    { kind: 'session', tenant: 'acme', id: '', ...times },
    { kind: 'everything', at: 'now', until: 2 },
  ]) {
    assert.throws(() => parseEntries([odd]), JSON.stringify(odd))
  }
})

test('a token is void with what it was exchanged for, by the widest that covers either', () => {
  const index = new RevocationIndex()
  const [acme, globex] = [parseTenantId('acme'), parseTenantId('globex')]
  const source: Revocable = {
    tenant: globex,
    id: 'home-1',
    session: 's-1',
    subject: parseSubject('kim'),
    client: 'web',
    issuedAt: new Date(1_000),
  }
  const token = { ...source, tenant: acme, id: 't-1', session: 'gr-1', source }
  const revoke = (revocation: Revocation) => index.add({ revocation, untilMs: 9_000 })
  const at = new Date(2_000)
  revoke({ kind: 'subject', tenant: acme, id: parseSubject('ann'), at })
  assert.equal(index.find(token), undefined)
  revoke({ kind: 'session', tenant: acme, id: 'gr-1', at })
  assert.equal(index.find(token), 'session')
  revoke({ kind: 'subject', tenant: globex, id: source.subject, at })
  assert.equal(index.find(token), 'subject')
  assert.equal(index.find({ ...token, source: { ...source, tenant: acme } }), 'session')
})
