import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSubject } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import type { Revocable, Revocation } from '../revocation/revocation.ts'
import { Behalf } from './behalf.ts'

const tenant = parseTenantId('acme')
const token = (change: Partial<Revocable> = {}): Revocable => ({
  tenant,
  id: 't-1',
  session: 's-1',
  subject: parseSubject('ann'),
  client: 'web',
  issuedAt: new Date(1_000),
  ...change,
})
const none: readonly Revocation[] = []

test('a lease on behalf of nobody that is known goes on', () => {
  assert.equal(
    new Behalf().isEnded(() => 'token', none),
    false,
  )
})

test('of a principal with several tokens a single one says nothing', () => {
  const behalf = new Behalf()
  behalf.add(token())
  assert.equal(
    behalf.isEnded(() => 'token', none),
    true,
  )
  behalf.add(token({ id: 't-2' }))
  assert.equal(
    behalf.isEnded(() => 'token', none),
    false,
  )
  assert.equal(
    behalf.isEnded(() => 'session', none),
    true,
  )
})

test('a principal counts from its oldest token on', () => {
  const behalf = new Behalf()
  behalf.add(token({ issuedAt: new Date(2_000) }))
  behalf.add(token({ issuedAt: new Date(1_000) }))
  behalf.add(token({ issuedAt: new Date(3_000) }))
  const at = new Date(1_500)
  assert.equal(
    behalf.isEnded(({ issuedAt }) => (issuedAt <= at ? 'subject' : undefined), none),
    true,
  )
})

test('where there are too many to remember, taking anybody away ends it', () => {
  const behalf = new Behalf()
  for (let n = 0; n <= 1_000; n += 1) behalf.add(token({ session: `s-${n}` }))
  const news = (kind: 'subject' | 'session'): readonly Revocation[] => [
    { kind, tenant, id: parseSubject('zoe'), at: new Date() },
  ]
  assert.equal(
    behalf.isEnded(() => undefined, news('session')),
    false,
  )
  assert.equal(
    behalf.isEnded(() => undefined, news('subject')),
    true,
  )
})

test('of a principal of another tenant it ends with what is taken back there', () => {
  const behalf = new Behalf()
  const home = parseTenantId('globex')
  const source = token({ id: 'home-1', session: 'home-session' })
  behalf.add(token({ source: { ...source, tenant: home } }))
  assert.ok(behalf.standsOn(home))
  assert.ok(!behalf.standsOn(parseTenantId('initech')))
  assert.ok(behalf.isEnded(({ source }) => (source === undefined ? undefined : 'subject'), []))
})
