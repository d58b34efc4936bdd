import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { parseServiceName, parseSubject } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { type TenantContext, verifyContext } from '../tokens/tenant-context.ts'
import { KeySet } from '../tokens/verify-token.ts'
import { SignedContexts } from './signed-contexts.ts'
import { type TokenKey, tokenKeyOf } from './token-key.ts'

const key = await SigningKey.create('ES256')
const keys = { request: new KeySet([key.publicJwk]), job: new KeySet([]) }
const token = tokenKeyOf('a token')
const origin = { id: 'token-1', client: 'web', issuedAt: new Date(1_800_000_000_000) }

const context = (change: Partial<TenantContext> = {}): TenantContext => ({
  kind: 'request',
  tenant: parseTenantId('acme'),
  service: parseServiceName('clinic'),
  subject: parseSubject('ann'),
  scopes: ['read', 'write'],
  roles: ['nurse'],
  requestId: 'r-1',
  origin,
  ...change,
})

const book = (reuseSeconds: number, max = 100) =>
  new SignedContexts(key, { seconds: 60, reuseSeconds, max })

function sign(contexts: SignedContexts, { requestId, ...said }: TenantContext, by: TokenKey) {
  return contexts.sign(said, requestId, by)
}

function clock(t: TestContext): (seconds: number) => void {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  return (seconds) => t.mock.timers.tick(seconds * 1000)
}

test('a context goes with further requests that say the same, and says for which it was made', async () => {
  const contexts = book(5)
  const first = sign(contexts, context(), token)
  const second = sign(contexts, context({ requestId: 'r-2', roles: ['nurse'] }), token)
  assert.equal(second.text, first.text)
  assert.equal(second.requestId, 'r-1')
  const verified = await verifyContext(first.text, keys, parseServiceName('clinic'))
  assert.equal(verified.requestId, 'r-1')
})

test('a context is not used longer than it may be, so that a service has time for it', async (t) => {
  const pass = clock(t)
  const contexts = book(5)
  const first = sign(contexts, context(), token)
  pass(3.7)
  assert.equal(sign(contexts, context(), token).text, first.text)
  pass(1.4)
  const later = sign(contexts, context({ requestId: 'r-2' }), token)
  assert.notEqual(later.text, first.text)
  assert.equal(later.requestId, 'r-2')
})

test('a context is not used in a time before it was signed: no service would take it', async (t) => {
  const now = Date.now()
  t.mock.timers.enable({ apis: ['Date'], now })
  const contexts = book(5)
  const first = sign(contexts, context(), token)
  t.mock.timers.setTime(now - 600_000)
  const second = sign(contexts, context({ requestId: 'r-2' }), token)
  assert.notEqual(second.text, first.text)
  await verifyContext(second.text, keys, parseServiceName('clinic'))
  assert.equal(sign(contexts, context(), token).text, second.text)
})

test('without reuse every request has a context of its own', () => {
  const contexts = book(0)
  const texts = [1, 2, 3].map((n) => sign(contexts, context({ requestId: `r-${n}` }), token).text)
  assert.equal(new Set(texts).size, 3)
})

test('one token has no other token’s context, whatever they say', () => {
  const contexts = book(5)
  const first = sign(contexts, context(), token)
  const other = sign(contexts, context(), tokenKeyOf('another token'))
  assert.notEqual(other.text, first.text)
})

test('what is kept is bounded, by tokens and of each', () => {
  const contexts = book(5, 2)
  const [one, two, three] = ['1', '2', '3'].map((name) => tokenKeyOf(name))
  assert.ok(one !== undefined && two !== undefined && three !== undefined)
  const first = sign(contexts, context(), one)
  sign(contexts, context(), two)
  sign(contexts, context(), three)
  assert.notEqual(sign(contexts, context(), one).text, first.text)
  const early = sign(contexts, context(), token)
  for (let n = 0; n < 20; n += 1) sign(contexts, context({ roles: [`role-${n}`] }), token)
  assert.notEqual(sign(contexts, context(), token).text, early.text)
})

test('whatever was asked before, a context says what it is asked to say', async () => {
  const tenants = ['acme', 'globex'].map((name) => parseTenantId(name))
  const services = ['clinic', 'billing'].map((name) => parseServiceName(name))
  const asked = fc.record({
    tenant: fc.constantFrom(...tenants),
    service: fc.constantFrom(...services),
    subject: fc.constantFrom(parseSubject('ann'), parseSubject('bob')),
    scopes: fc.constantFrom<TenantContext['scopes'][]>(['read'], ['write'], ['read', 'write']),
    roles: fc.constantFrom([], ['nurse'], ['nurse', 'admin'], ['nurse,admin']),
    session: fc.constantFrom('s-1', 's-2'),
    acr: fc.constantFrom('urn:1', 'urn:2'),
    origin: fc.constantFrom(origin, { ...origin, id: 'token-2' }),
    actor: fc.constantFrom({ subject: parseSubject('eve') }, { subject: parseSubject('joe') }),
    withActor: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(asked, { minLength: 2, maxLength: 12 }), async (list) => {
      const contexts = book(5)
      for (const { withActor, actor, ...said } of list) {
        const wanted = context({ ...said, ...(withActor ? { actor } : {}) })
        const { text } = sign(contexts, wanted, token)
        const got = await verifyContext(text, keys, wanted.service)
        const { id: _, issuedAt: __, expiresAt: ___, ...says } = got
        assert.deepEqual(says, wanted)
      }
    }),
    { numRuns: 60 },
  )
})
