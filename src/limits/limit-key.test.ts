import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { COUNTED_PER } from '../contracts/limit.ts'
import { parseApiName } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import { type Caller, limitId, limitKey, othersKey, type LimitSource } from './limit-key.ts'

const label = fc.stringMatching(/^[a-z](?:-?[a-z0-9]){0,6}$/)
/** Whatever a realm lets its clients and users be called, and more. */
const chosen = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12 }),
  label,
  fc
    .tuple(label, fc.constantFrom(' ', '-', ':', '/', '.', '|', '\0', '\n'), label)
    .map((parts) => parts.join('')),
)
const callers: fc.Arbitrary<Caller> = fc.record({
  tenant: label.map(parseTenantId),
  api: label,
  home: label.map(parseTenantId),
  client: chosen,
  user: chosen,
  address: fc.oneof(fc.ipV4(), fc.ipV6()),
})
const sources: fc.Arbitrary<LimitSource> = fc.oneof(
  fc.constantFrom(
    { from: 'base' as const },
    { from: 'plan' as const },
    { from: 'tenant' as const },
  ),
  label.map((name) => ({ from: 'api' as const, api: parseApiName(name) })),
)
const limits = fc.record({
  source: sources,
  kind: fc.constantFrom('rate', 'quota', 'concurrency'),
  name: label,
  per: fc.constantFrom(...COUNTED_PER),
})

describe('the key of a count', () => {
  test('is never that of another tenant, whatever either calls its limits, clients and users', () => {
    fc.assert(
      fc.property(callers, limits, callers, limits, (one, its, other, others) => {
        fc.pre(one.tenant !== other.tenant)
        const key = limitKey(limitId(its.source, its.kind, its.name), its.per, one)
        const otherId = limitId(others.source, others.kind, others.name)
        assert.notEqual(key, limitKey(otherId, others.per, other))
        assert.notEqual(key, othersKey(otherId, other.tenant))
        assert.ok(key.startsWith(`${one.tenant} `))
      }),
      { numRuns: 500 },
    )
  })

  test('is the same, whether or not its caller keeps those that were made', () => {
    fc.assert(
      fc.property(callers, fc.array(limits, { maxLength: 24 }), (caller, all) => {
        const keeping = { ...caller, keys: [] }
        for (const { source, kind, name, per } of [...all, ...all]) {
          const id = limitId(source, kind, name)
          assert.equal(limitKey(id, per, keeping), limitKey(id, per, caller))
        }
        assert.ok(keeping.keys.length <= 16)
      }),
      { numRuns: 200 },
    )
  })

  test('tells apart what of one tenant is different', () => {
    fc.assert(
      fc.property(callers, chosen, limits, limits, (caller, user, its, others) => {
        const id = limitId(its.source, its.kind, its.name)
        const otherId = limitId(others.source, others.kind, others.name)
        const other = { ...caller, user }
        const same = id === otherId && (its.per !== 'user' || user === caller.user)
        if (its.per === others.per) {
          const equal = limitKey(id, its.per, caller) === limitKey(otherId, others.per, other)
          assert.equal(equal, same)
        } else {
          assert.notEqual(limitKey(id, its.per, caller), limitKey(otherId, others.per, other))
        }
        assert.notEqual(limitKey(id, its.per, caller), othersKey(otherId, caller.tenant))
      }),
      { numRuns: 500 },
    )
  })

  const caller = (tenant: string, change: Partial<Caller> = {}): Caller => ({
    tenant: parseTenantId(tenant),
    api: 'clinic',
    home: parseTenantId(tenant),
    client: 'web',
    user: 'ann',
    address: '192.0.2.7',
    ...change,
  })
  const id = limitId({ from: 'plan' }, 'rate', 'each')
  const keyOf = (per: 'client' | 'user' | 'address', one: Caller) => limitKey(id, per, one)

  test('`a` with the user `b-c` is not `a-b` with the user `c`', () => {
    for (const separator of ['-', ' ', ':', '/', ' plan rate each user ']) {
      const one = caller('a', { user: `b${separator}c` })
      const other = caller('a-b', { user: 'c' })
      assert.notEqual(keyOf('user', one), keyOf('user', other))
    }
  })

  test('a user of another realm is not the namesake in the tenant’s own', () => {
    const own = caller('acme')
    const guest = caller('acme', { home: parseTenantId('globex') })
    assert.notEqual(keyOf('user', own), keyOf('user', guest))
    assert.notEqual(keyOf('client', own), keyOf('client', guest))
  })

  test('all addresses of one IPv6 network count as one, and networks count apart', () => {
    const address = (text: string) => keyOf('address', caller('acme', { address: text }))
    assert.equal(address('2001:db8:0:7::1'), address('2001:db8:0:7:ffff:1:2:3'))
    assert.equal(address('2001:db8::1'), address('2001:db8:0:0:ffff::'))
    assert.equal(address('::1'), address('::2'))
    assert.notEqual(address('2001:db8:0:7::1'), address('2001:db8:0:8::1'))
    assert.notEqual(address('192.0.2.7'), address('192.0.2.8'))
  })
})
