import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseTenantId } from '../core/tenant.ts'
import { AlertBook } from './alert-book.ts'
import { alertSignalSchema, type AlertSignalInput, fingerprintOf, ownerOf } from './alert.ts'
import type { Notice } from './notice.ts'
import { type Silence, silenceOf } from './silence.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const START = Date.UTC(2026, 5, 1)
const acme = parseTenantId('acme')

class Played {
  book = new AlertBook()
  silences: Silence[] = []
  now = START

  say(input: Partial<AlertSignalInput> = {}): void {
    this.book.apply(
      this.book.signal(
        alertSignalSchema.parse({
          name: 'slo-burn',
          severity: 'warning',
          state: 'firing',
          summary: 'it burns',
          at: new Date(this.now),
          ...input,
        }),
      ),
    )
  }

  /** What is told while so much time passes, looked at every second. */
  pass(milliseconds: number): Notice[] {
    const notices: Notice[] = []
    for (const end = this.now + milliseconds; this.now < end; ) {
      this.now += Math.max(SECOND, Math.min(end - this.now, milliseconds / 2_000))
      const change = this.book.due(this.now, this.silences)
      this.book.apply(change)
      notices.push(...change.notices)
    }
    return notices
  }
}

const told = (notices: readonly Notice[]) =>
  notices.map(({ firing, resolved, repeated }) => [
    firing.map(({ labels }) => labels['what'] ?? ''),
    resolved.map(({ labels }) => labels['what'] ?? ''),
    repeated,
  ])

describe('an alert', () => {
  test('is told once, however often it is said, and again when it lasts', () => {
    const played = new Played()
    for (let n = 0; n < 20; n += 1) played.say()
    assert.equal(played.pass(29 * SECOND).length, 0)
    assert.deepEqual(told(played.pass(2 * SECOND)), [[[''], [], false]])
    played.say()
    assert.equal(played.pass(3 * HOUR + 59 * MINUTE).length, 0)
    assert.deepEqual(told(played.pass(2 * MINUTE)), [[[''], [], true]])
    played.say({ state: 'resolved' })
    assert.deepEqual(told(played.pass(6 * MINUTE)), [[[], [''], false]])
    assert.equal(played.pass(9 * HOUR).length, 0)
  })

  test('is told together with others of its rule and owner, and with nobody else’s', () => {
    const played = new Played()
    for (const what of ['a', 'b', 'c']) played.say({ labels: { what } })
    played.say({ labels: { what: 'd' }, tenant: 'acme' })
    played.say({ labels: { what: 'e' }, name: 'budget-spent' })
    const notices = played.pass(MINUTE)
    assert.deepEqual(
      notices.map(({ owner, name, firing }) => [owner, name, firing.length]),
      [
        ['platform', 'slo-burn', 3],
        ['platform', 'budget-spent', 1],
        ['tenant/acme', 'slo-burn', 1],
      ],
    )
  })

  test('that comes and goes before anybody was told is not told', () => {
    const played = new Played()
    played.say()
    played.pass(10 * SECOND)
    played.say({ state: 'resolved' })
    assert.equal(played.pass(HOUR).length, 0)
    assert.equal(played.book.firing('platform').length, 0)
  })

  test('that goes to and fro is told at most every five minutes', () => {
    const played = new Played()
    let count = 0
    for (let n = 0; n < 60; n += 1) {
      played.say({ state: n % 2 === 0 ? 'firing' : 'resolved' })
      count += played.pass(MINUTE).length
    }
    assert.ok(count <= 12, String(count))
  })

  test('that gets worse is told again, and one that gets better is not', () => {
    const played = new Played()
    played.say()
    played.pass(MINUTE)
    played.say({ severity: 'critical' })
    const [notice] = played.pass(6 * MINUTE)
    assert.equal(notice?.severity, 'critical')
    played.say({ severity: 'info' })
    assert.equal(played.pass(HOUR).length, 0)
  })

  test('ends by itself when its detector says nothing more', () => {
    const played = new Played()
    played.say({ until: new Date(START + 10 * MINUTE) })
    assert.equal(played.pass(5 * MINUTE).length, 1)
    assert.deepEqual(told(played.pass(10 * MINUTE)), [[[], [''], false]])
  })

  test('of one owner does not keep another’s out, however many there are', () => {
    const played = new Played()
    for (let n = 0; n < 1_000; n += 1) played.say({ tenant: 'acme', labels: { n: String(n) } })
    assert.throws(() => played.say({ tenant: 'acme', labels: { n: 'more' } }), /too many/)
    played.say({ tenant: 'globex' })
    const notices = played.pass(MINUTE)
    assert.deepEqual(
      notices.map(({ owner, firing, more }) => [owner, firing.length, more]),
      [
        ['tenant/acme', 50, 950],
        ['tenant/globex', 1, 0],
      ],
    )
  })
})

describe('a silence', () => {
  const asked = (played: Played, tenant: typeof acme | undefined, minutes: number) =>
    silenceOf(
      ownerOf(tenant),
      {
        name: 'slo-burn',
        until: new Date(played.now + minutes * MINUTE),
        by: 'pat',
        reason: 'known',
      },
      new Date(played.now),
    )

  test('keeps an alert quiet until it is over, and no longer', () => {
    const played = new Played()
    played.silences.push(asked(played, undefined, 60))
    played.say()
    assert.equal(played.pass(59 * MINUTE).length, 0)
    assert.equal(played.pass(2 * MINUTE).length, 1)
  })

  test('of a tenant does not hide from the operator what the operator is told', () => {
    const played = new Played()
    played.silences.push(asked(played, acme, 60))
    played.say({ labels: { tenant: 'acme' } })
    played.say({ tenant: 'acme' })
    assert.deepEqual(
      played.pass(HOUR - MINUTE).map(({ owner }) => owner),
      ['platform'],
    )
  })

  test('does not keep back the end of what was told', () => {
    const played = new Played()
    played.say()
    played.pass(MINUTE)
    played.silences.push(asked(played, undefined, 60))
    played.say({ state: 'resolved' })
    assert.deepEqual(told(played.pass(10 * MINUTE)), [[[], [''], false]])
  })

  test('is refused when it fits everything or has no end', () => {
    const now = new Date(START)
    const base = { by: 'pat', reason: 'x', until: new Date(START + MINUTE) }
    const refused = { code: 'invalid_argument' }
    assert.throws(() => silenceOf('platform', base, now), refused)
    const forever = { ...base, name: 'x', until: new Date(START + 31 * 24 * HOUR) }
    assert.throws(() => silenceOf('platform', forever, now), refused)
    assert.throws(() => silenceOf('platform', { ...base, name: 'x', until: now }, now), refused)
  })
})

test('a fingerprint is the same for the same thing wrong, and for nothing else', () => {
  const label = fc.stringMatching(/^[a-z][a-z0-9_.]{0,9}$/)
  const one = fc.record({
    name: fc.constantFrom('a', 'b', 'a-b'),
    tenant: fc.constantFrom(undefined, acme, parseTenantId('platform')),
    labels: fc.dictionary(label, fc.string({ maxLength: 5 }), { maxKeys: 4 }),
  })
  const plain = ({ name, tenant, labels }: Parameters<typeof fingerprintOf>[0]) =>
    JSON.stringify([name, tenant ?? null, Object.entries(labels).toSorted()])
  fc.assert(
    fc.property(one, one, (a, b) => {
      assert.equal(fingerprintOf(a) === fingerprintOf(b), plain(a) === plain(b))
      const reversed = Object.fromEntries(Object.entries(a.labels).toReversed())
      assert.equal(fingerprintOf({ ...a, labels: reversed }), fingerprintOf(a))
    }),
  )
})

test('a tenant that is called platform is not the platform', () => {
  assert.notEqual(ownerOf(parseTenantId('platform')), ownerOf(undefined))
})

test('what a detector writes cannot begin a second line of a mail’s subject or of a log', () => {
  const { summary, labels } = alertSignalSchema.parse({
    name: 'x',
    severity: 'info',
    state: 'firing',
    labels: { who: 'a\r\nbcc: b' },
    summary: 'one\r\nBcc: everybody\u2028two',
    at: new Date(),
  })
  assert.equal(summary, 'one Bcc: everybody two')
  assert.equal(labels['who'], 'a bcc: b')
})
