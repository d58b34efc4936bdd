import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { applyMapping, type ExternalClaims } from './apply-mapping.ts'
import { type MappingSpec, mappingSchema, OIDC_MAPPING, SAML_MAPPING } from './mapping-spec.ts'

const fieldsOf = (spec: MappingSpec, claims: ExternalClaims) =>
  applyMapping(spec, claims).user.fields

describe('a mapping', () => {
  test('keeps what it names and says what it leaves behind', () => {
    const { user, ignored } = applyMapping(OIDC_MAPPING, {
      sub: 'u1',
      email: 'ann@acme.example',
      email_verified: true,
      name: 'Ann',
      birthdate: '1970-01-01',
      address: { street_address: 'planted' },
    })
    assert.deepEqual(user.fields, {
      email: 'ann@acme.example',
      displayName: 'Ann',
      givenName: undefined,
      familyName: undefined,
    })
    assert.equal(user.emailVerified, true)
    assert.deepEqual(ignored, ['address', 'birthdate', 'sub'])
    assert.ok(!JSON.stringify(user).includes('planted'))
  })

  test('reads the names that SAML providers use', () => {
    const fields = fieldsOf(SAML_MAPPING, {
      'urn:oid:0.9.2342.19200300.100.1.3': ['ann@acme.example'],
      sn: ['Able'],
    })
    assert.equal(fields.email, 'ann@acme.example')
    assert.equal(fields.familyName, 'Able')
  })

  test('follows paths, takes the first that is there, lowers, captures, and sets constants', () => {
    const spec = mappingSchema.parse({
      userName: {
        lower: { capture: { from: { claim: 'upn' }, pattern: '([^@]+)@acme\\.example' } },
      },
      displayName: { firstOf: [{ claim: 'absent' }, { claim: ['profile', 'names', 'full'] }] },
      email: { firstOf: [{ claim: 'none' }, { constant: 'shared@acme.example' }] },
      emailVerified: { constant: 'true' },
    })
    const { user } = applyMapping(spec, {
      upn: 'ANN@acme.example',
      profile: { names: { full: 'Ann Able' } },
    })
    assert.deepEqual(user.fields, {
      userName: 'ann',
      displayName: 'Ann Able',
      email: 'shared@acme.example',
    })
    assert.equal(user.emailVerified, true)
  })

  test('gives the roles that are listed, and no others', () => {
    const spec = mappingSchema.parse({
      roles: {
        claim: ['realm_access', 'groups'],
        map: [
          { value: 'Doctors', role: 'doctor' },
          { value: 'All', role: 'staff' },
          { value: 'Everyone', role: 'staff' },
        ],
      },
    })
    const rolesOf = (groups: unknown) => applyMapping(spec, { realm_access: { groups } }).user.roles
    assert.deepEqual(rolesOf(['All', 'Everyone', 'Doctors', 'owner']), ['doctor', 'staff'])
    assert.deepEqual(rolesOf('Doctors'), ['doctor'])
    assert.deepEqual(rolesOf(['doctors', 'doctor', { value: 'Doctors' }]), [])
    assert.deepEqual(rolesOf(undefined), [])
    assert.equal(applyMapping(OIDC_MAPPING, {}).user.roles, undefined)
  })

  for (const [what, claims] of [
    ['several values', { email: ['a@acme.example', 'b@acme.example'] }],
    ['an object', { email: { toString: 'a@acme.example' } }],
    ['control characters', { email: 'a@acme.example\r\nBcc: x@evil.example' }],
    ['no address', { email: 'a@b@acme.example' }],
    ['letters of another script', { email: 'а@acme.example' }],
    ['too many characters', { email: `${'a'.repeat(600)}@acme.example` }],
    ['nothing', { email: '' }],
  ] as const) {
    test(`leaves out an address with ${what}, and vouches for nothing`, () => {
      const { user } = applyMapping(OIDC_MAPPING, { ...claims, email_verified: true })
      assert.equal(user.fields.email, undefined)
      assert.equal(user.emailVerified, false)
    })
  }

  test('vouches for an address only by `true`', () => {
    for (const [value, expected] of [
      [true, true],
      ['true', true],
      ['TRUE', false],
      [1, false],
      ['yes', false],
      [['true', 'true'], false],
      [null, false],
    ] as const) {
      const { user } = applyMapping(OIDC_MAPPING, {
        email: 'a@acme.example',
        email_verified: value,
      })
      assert.equal(user.emailVerified, expected, String(value))
    }
  })

  test('reads nothing from prototypes', () => {
    const spec = mappingSchema.parse({
      userName: { claim: 'toString' },
      displayName: { claim: ['__proto__', 'x'] },
      givenName: { claim: ['constructor', 'name'] },
    })
    assert.deepEqual(fieldsOf(spec, {}), {
      userName: undefined,
      displayName: undefined,
      givenName: undefined,
    })
  })

  test('never fails, whatever the claims are, and keeps no value that it was not told to', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (claims) => {
        const { user } = applyMapping(OIDC_MAPPING, claims)
        const known = [
          claims['email'],
          claims['name'],
          claims['preferred_username'],
          claims['given_name'],
          claims['family_name'],
        ]
        for (const value of Object.values(user.fields)) {
          assert.ok(
            value === undefined || JSON.stringify(known).normalize('NFC').length >= value.length,
          )
        }
      }),
    )
  })
})

describe('a mapping that is written', () => {
  for (const [what, spec] of [
    ['with a field that is not known', { phone: { claim: 'phone' } }],
    ['with two rules at once', { email: { claim: 'email', constant: 'x' } }],
    [
      'nested too deeply',
      { email: { lower: { lower: { lower: { lower: { claim: 'email' } } } } } },
    ],
    [
      'with a pattern that is not safe',
      { email: { capture: { from: { claim: 'a' }, pattern: '(a+)+' } } },
    ],
    ['with a role that is none', { roles: { claim: 'g', map: [{ value: 'x', role: 'Owner!' }] } }],
  ] as const) {
    test(`${what} is refused`, () => assert.equal(mappingSchema.safeParse(spec).success, false))
  }
})
