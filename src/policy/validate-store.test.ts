import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ACME, CLINIC_SCHEMA, CLINIC_STORE, GLOBEX } from './policy-site.test-support.ts'
import { validatePlatformPolicies } from './validate-platform.ts'
import { validateStore, type WrittenStore } from './validate-store.ts'

const ALL = 'permit(principal, action, resource);'
const policies = (...texts: readonly string[]) =>
  texts.map((text, index) => ({ id: `p${index}`, text }))

function problemsOf(store: Partial<WrittenStore>, tenant = ACME): readonly string[] {
  const written = { policies: [], ...store }
  return validateStore(written, tenant).problems.map(({ where, message }) => `${where}: ${message}`)
}

test('a store that is good is made ready for gateways', () => {
  const { problems, parsed } = validateStore(CLINIC_STORE, ACME)
  assert.deepEqual(problems, [])
  assert.ok(parsed?.includes('owners-sign'))
})

describe('what names another tenant’s is refused', () => {
  const own = /begin with acme\//
  const FOREIGN: Readonly<Record<string, Partial<WrittenStore>>> = {
    'a resource in a scope': {
      policies: policies('permit(principal, action, resource == Api::"globex/clinic");'),
    },
    'a tenant': { policies: policies('permit(principal, action, resource in Tenant::"globex");') },
    'a principal': {
      policies: policies('permit(principal == User::"globex/eve", action, resource);'),
    },
    'a type with a role': {
      policies: policies('permit(principal is User in Role::"globex/admin", action, resource);'),
    },
    'a literal deep in a condition': {
      policies: policies(
        'permit(principal, action, resource) when { if context.mfa then principal in [Role::"globex/x"] else false };',
      ),
    },
    'an id that only begins alike': {
      policies: policies('permit(principal in Role::"acme2/admin", action, resource);'),
    },
    'an id with escapes in it': {
      policies: policies('permit(principal in Role::"\\u{67}lobex/admin", action, resource);'),
    },
    'a principal of a link': {
      templates: [{ id: 't', text: 'permit(principal == ?principal, action, resource);' }],
      links: [{ id: 'l', template: 't', principal: 'User::"globex/eve"' }],
    },
    'an entity': {
      entities: [{ uid: { type: 'Role', id: 'globex/admin' }, attrs: {}, parents: [] }],
    },
    'a parent of an entity': {
      entities: [
        {
          uid: { type: 'Role', id: 'acme/admin' },
          attrs: {},
          parents: [{ type: 'Role', id: 'globex/admin' }],
        },
      ],
    },
    'an attribute of an entity': {
      schema: CLINIC_SCHEMA,
      entities: [
        {
          uid: { type: 'Clinic::Record', id: 'acme/1' },
          attrs: { owner: { type: 'User', id: 'globex/eve' }, seen: '2024-01-01' },
          parents: [],
        },
      ],
    },
  }
  for (const [what, store] of Object.entries(FOREIGN)) {
    test(what, () => {
      const { problems } = validateStore({ policies: [], ...store }, ACME)
      const messages = problems.map(({ message }) => message).join('\n')
      assert.match(messages, own)
      assert.doesNotMatch(messages, /globex/)
    })
  }

  test('and the same store is good for the tenant that it is of', () => {
    assert.deepEqual(problemsOf(FOREIGN['a resource in a scope'] ?? {}, GLOBEX), [])
  })
})

describe('what cannot be what was meant is refused', () => {
  const WRONG: Readonly<Record<string, readonly [Partial<WrittenStore>, RegExp]>> = {
    'no Cedar': [{ policies: policies('forbid(') }, /^policies\/p0: /],
    'two policies in one text': [{ policies: policies(`${ALL} ${ALL}`) }, /^policies\/p0: /],
    'a template among policies': [
      { policies: policies('permit(principal == ?principal, action, resource);') },
      /^policies\/p0: /,
    ],
    'an attribute that there is not': [
      { policies: policies('permit(principal, action, resource) when { context.nothing };') },
      /nothing/,
    ],
    'an action that there is not': [
      { policies: policies('permit(principal, action == Action::"fly", resource);') },
      /fly/,
    ],
    'an attribute that may be missing': [
      { policies: policies('forbid(principal, action, resource) when { context.acr == "x" };') },
      /acr/,
    ],
    'two with one id': [{ policies: [...policies(ALL), ...policies(ALL)] }, /an id is there twice/],
    'a link of nothing': [{ links: [{ id: 'l', template: 't' }] }, /.+/],
    'a number that JSON cannot carry': [
      { policies: policies('forbid(principal, action, resource) when { 9007199254740993 > 1 };') },
      /not whole, or too large/,
    ],
    'a type outside of a namespace': [{ schema: 'entity Ward;' }, /stands in a namespace/],
    'a type of the platform’s again': [{ schema: 'entity User;' }, /declared twice/],
    'a type that hides one of the platform’s': [
      { schema: 'namespace A { entity User; }' },
      /shadows/,
    ],
    'more of the platform’s actions': [{ schema: 'action GET in [write];' }, /^schema: /],
    'a user': [
      { entities: [{ uid: { type: 'User', id: 'acme/ada' }, attrs: {}, parents: [] }] },
      /comes with each request/,
    ],
    'an action as an entity': [
      {
        entities: [
          {
            uid: { type: 'Action', id: 'GET' },
            attrs: {},
            parents: [{ type: 'Action', id: 'write' }],
          },
        ],
      },
      /comes with each request/,
    ],
    'an entity of a wrong form': [
      {
        schema: CLINIC_SCHEMA,
        entities: [{ uid: { type: 'Clinic::Record', id: 'acme/1' }, attrs: {}, parents: [] }],
      },
      /^entities: /,
    ],
    'an entity above itself': [
      {
        entities: [
          {
            uid: { type: 'Role', id: 'acme/a' },
            attrs: {},
            parents: [{ type: 'Role', id: 'acme/a' }],
          },
        ],
      },
      /.+/,
    ],
    'a bundle of nothing': [{ rego: 'AAAA' }, /^rego: /],
  }
  for (const [what, [store, expected]] of Object.entries(WRONG)) {
    test(what, () => assert.match(problemsOf(store).join('\n'), expected))
  }
})

describe('what nobody can evaluate is refused, and harms nobody else', () => {
  const when = (expression: string) => `permit(principal, action, resource) when { ${expression} };`
  const LARGE: Readonly<Record<string, Partial<WrittenStore>>> = {
    'brackets in brackets': {
      policies: policies(when('('.repeat(4_000) + 'true' + ')'.repeat(4_000))),
    },
    'lists in lists': {
      policies: policies(when(`${'['.repeat(2_000)}${']'.repeat(2_000)} == []`)),
    },
    'a long chain': { policies: policies(when('true && '.repeat(1_500) + 'true')) },
    'a schema that nests': {
      schema: `namespace A { entity B = { a: ${'Set<'.repeat(3_000)}String${'>'.repeat(3_000)} }; }`,
    },
    'more than a gateway can look at': {
      policies: policies(
        ...Array.from({ length: 30 }, () =>
          when(`context.mfa && [${'1,'.repeat(4_000)}1].contains(1)`),
        ),
      ),
    },
  }
  for (const [what, store] of Object.entries(LARGE)) {
    test(what, () => {
      assert.match(problemsOf(store).join('\n'), /too deeply|too large|too long/)
      assert.deepEqual(validateStore(CLINIC_STORE, ACME).problems, [])
    })
  }
})

test('operations of the tenant’s APIs are actions, part of their method', () => {
  const store = {
    policies: policies('permit(principal, action == Action::"clinic/list", resource);'),
  }
  assert.equal(validateStore(store, ACME).problems.length, 1)
  const operations = [{ name: 'clinic/list', method: 'GET' }]
  assert.deepEqual(validateStore(store, ACME, operations).problems, [])
})

test('the platform’s policies only forbid', () => {
  const forbid = 'forbid(principal, action, resource) when { principal.tenant == Tenant::"acme" };'
  assert.deepEqual(validatePlatformPolicies(policies(forbid)), [])
  assert.match(validatePlatformPolicies(policies(ALL))[0]?.message ?? '', /only forbid/)
  assert.match(validatePlatformPolicies(policies('forbid('))[0]?.message ?? '', /.+/)
})
