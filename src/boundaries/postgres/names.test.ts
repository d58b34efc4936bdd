import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  bridgeDatabase,
  groupRoles,
  keyOffset,
  LOGIN_SLOTS,
  type LoginScope,
  loginPattern,
  loginRole,
  loginScopeOf,
  namesFor,
  newTenantKey,
  randomPrefix,
  tenantKey,
} from './names.ts'

/** PostgreSQL cuts longer identifiers off without an error. */
const IDENTIFIER_BYTES_MAX = 63

const prefixes = fc.stringMatching(/^[a-z][a-z0-9]{1,11}$/)
const applications = fc.stringMatching(/^[a-z][a-z0-9_]{0,30}$/)
const scopes = fc.constantFrom<LoginScope>('read', 'write', 'export')
const slots = fc.integer({ min: 0, max: LOGIN_SLOTS - 1 })

test('no name of an installation is cut off, and none is there twice', () => {
  fc.assert(
    fc.property(prefixes, applications, (prefix, application) => {
      const names = namesFor(prefix, application)
      const roles = [names.owner, names.definer, names.custodian, ...groupRoles(names)]
      const databases = [names.custodyDatabase, names.pooledDatabase, names.templateDatabase]
      const key = newTenantKey()
      const all = [
        ...roles,
        ...databases,
        bridgeDatabase(names, key),
        loginRole(names, key, 'read', 0),
      ]
      for (const name of all) assert.ok(Buffer.byteLength(name) <= IDENTIFIER_BYTES_MAX, name)
      assert.equal(new Set(roles).size, roles.length)
      assert.equal(new Set(databases).size, databases.length)
    }),
  )
})

test("a login's name tells the tenant's key and the scope, and only logins look like one", () => {
  fc.assert(
    fc.property(prefixes, scopes, slots, (prefix, scope, slot) => {
      const names = namesFor(prefix, 'app')
      const key = newTenantKey()
      const role = loginRole(names, key, scope, slot)
      const pattern = new RegExp(loginPattern(names))
      assert.match(role, pattern)
      const start = keyOffset(names) - 1
      assert.equal(role.slice(start, start + 32), key.replaceAll('-', ''))
      assert.equal(loginScopeOf(role), scope)
      const others = [...groupRoles(names), names.owner, names.definer, names.custodian]
      for (const other of others) assert.doesNotMatch(other, pattern)
      assert.doesNotMatch(`${role}\n`, pattern)
      assert.doesNotMatch(`x${role}`, pattern)
    }),
  )
})

test('two logins have one name only if they are the same', () => {
  const names = namesFor('rf', 'app')
  const seen = new Set<string>()
  for (const key of [newTenantKey(), newTenantKey()]) {
    for (const scope of ['read', 'write', 'export'] as const) {
      for (let slot = 0; slot < LOGIN_SLOTS; slot += 1) seen.add(loginRole(names, key, scope, slot))
    }
  }
  assert.equal(seen.size, 2 * 3 * LOGIN_SLOTS)
})

test('installations with different prefixes share no role and no database', () => {
  const [one, other] = [namesFor('rf', 'app'), namesFor(randomPrefix(), 'app')]
  const flat = (names: typeof one) => [
    ...groupRoles(names),
    names.owner,
    names.definer,
    names.custodian,
    names.custodyDatabase,
    names.pooledDatabase,
    names.templateDatabase,
  ]
  const both = new Set(flat(one))
  for (const name of flat(other)) assert.ok(!both.has(name), name)
})

test('a prefix or a key that could mean something in SQL is refused', () => {
  for (const prefix of ['', 'a', 'A1', '1a', 'a_b', "a'", 'a'.repeat(13), 'é1']) {
    assert.throws(() => namesFor(prefix, 'app'), RangeError)
  }
  const key = newTenantKey()
  assert.equal(tenantKey(key), key)
  for (const bad of ['', key.toUpperCase(), `${key}\n`, key.replaceAll('-', ''), `${key}'`]) {
    assert.throws(() => tenantKey(bad), TypeError)
  }
})
