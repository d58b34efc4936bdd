import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Document } from '../resource/document.ts'
import { ANA, members, patched, TEAM } from './patched.test-support.ts'

test('what Entra ID sends is understood', () => {
  assert.equal(patched(ANA, { op: 'Replace', path: 'active', value: 'False' })['active'], false)
  assert.deepEqual(
    patched(ANA, { op: 'Replace', path: 'emails[type eq "work"].value', value: 'new@x.example' })[
      'emails'
    ],
    [{ value: 'new@x.example', type: 'work', primary: true }],
  )
  const { emails: _none, ...bare } = ANA
  assert.deepEqual(
    patched(bare, { op: 'Add', path: 'emails[type eq "work"].value', value: 'a@x.example' })[
      'emails'
    ],
    [{ type: 'work', value: 'a@x.example' }],
  )
  assert.deepEqual(
    patched(bare, {
      op: 'Replace',
      path: 'emails[type eq "work" and primary eq true].value',
      value: 'a@x.example',
    })['emails'],
    [{ type: 'work', primary: true, value: 'a@x.example' }],
  )
  const flat = patched(ANA, {
    op: 'Add',
    value: {
      'name.givenName': 'Anna',
      'emails[type eq "work"].value': 'anna@x.example',
      'urn:ietf:params:scim:schemas:core:2.0:User:displayName': 'Anna',
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department': 'Ward',
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { manager: 'x' },
      title: 'Dr',
      'addresses[type eq "work"].formatted': 'Street 1',
    },
  })
  assert.deepEqual(flat, {
    ...ANA,
    displayName: 'Anna',
    name: { givenName: 'Anna', familyName: 'A' },
    emails: [{ value: 'anna@x.example', type: 'work', primary: true }],
  })
  assert.deepEqual(
    patched(TEAM, { op: 'Add', path: 'members', value: members('u3', 'u1') })['members'],
    members('u1', 'u2', 'u3'),
  )
  assert.deepEqual(
    patched(TEAM, { op: 'Remove', path: 'members', value: members('u1') })['members'],
    members('u2'),
  )
  assert.deepEqual(
    patched(TEAM, { op: 'Remove', path: 'members[value eq "u2"]' })['members'],
    members('u1'),
  )
})

test('what Okta sends is understood', () => {
  assert.equal(patched(ANA, { op: 'replace', value: { active: false } })['active'], false)
  assert.equal(
    patched(TEAM, { op: 'replace', value: { id: 'id-1', displayName: 'Crew' } })['displayName'],
    'Crew',
  )
  assert.deepEqual(
    patched(
      TEAM,
      { op: 'remove', path: 'members[value eq "u1"]' },
      { op: 'add', path: 'members', value: [{ value: 'u9', display: 'ann@x.example' }] },
    )['members'],
    members('u2', 'u9'),
  )
  assert.deepEqual(
    patched(TEAM, { op: 'replace', path: 'members', value: members('u7') })['members'],
    members('u7'),
  )
})

test('a removal that names nobody removes nobody; one without names removes all', () => {
  assert.deepEqual(patched(TEAM, { op: 'remove', path: 'members', value: [] }), TEAM)
  assert.deepEqual(patched(TEAM, { op: 'remove', path: 'members[value eq "u8"]' }), TEAM)
  assert.equal(patched(TEAM, { op: 'remove', path: 'members' })['members'], undefined)
})

test('one primary address at most is left', () => {
  const two = patched(ANA, {
    op: 'add',
    path: 'emails',
    value: { value: 'b@x.example', primary: true },
  })
  assert.deepEqual(two['emails'], [
    { value: 'ana@x.example', type: 'work', primary: false },
    { value: 'b@x.example', primary: true },
  ])
})

test('null and nothing take away', () => {
  assert.equal(
    patched(ANA, { op: 'replace', path: 'displayName', value: null })['displayName'],
    undefined,
  )
  assert.equal(
    patched(ANA, { op: 'replace', path: 'displayName', value: '' })['displayName'],
    undefined,
  )
  assert.deepEqual(
    patched(ANA, { op: 'replace', path: 'name', value: { givenName: null } })['name'],
    { familyName: 'A' },
  )
  assert.equal(
    patched(ANA, { op: 'remove', path: 'emails[type eq "work"].value' })['emails'],
    undefined,
  )
})

const bad: readonly (readonly [string, Document, unknown, string])[] = [
  ['an id', ANA, { op: 'replace', path: 'id', value: 'x' }, 'mutability'],
  ['another id without a path', TEAM, { op: 'replace', value: { id: 'id-2' } }, 'mutability'],
  ['meta', ANA, { op: 'replace', path: 'meta.version', value: 'x' }, 'mutability'],
  ['the removal of the user name', ANA, { op: 'remove', path: 'userName' }, 'mutability'],
  ['the removal of being active', ANA, { op: 'remove', path: 'active' }, 'mutability'],
  ['a user name of nothing', ANA, { op: 'replace', path: 'userName', value: '' }, 'mutability'],
  ['a prototype', ANA, { op: 'add', path: '__proto__.polluted', value: 'x' }, 'invalidPath'],
  ['a constructor', ANA, { op: 'add', path: 'constructor', value: 'x' }, 'invalidPath'],
  [
    'a prototype without a path',
    ANA,
    JSON.parse('{"op":"add","value":{"__proto__":{"x":1}}}'),
    'invalidPath',
  ],
  ['an unknown attribute', ANA, { op: 'add', path: 'tenant', value: 'blue' }, 'invalidPath'],
  [
    'an unknown extension',
    ANA,
    { op: 'add', path: 'urn:x:2.0:User:badge', value: '1' },
    'invalidPath',
  ],
  ['a path that is a number', ANA, { op: 'add', path: 7, value: 'x' }, 'invalidPath'],
  [
    'a filter on one value',
    ANA,
    { op: 'add', path: 'name[givenName eq "x"]', value: 'x' },
    'invalidPath',
  ],
  ['a filter that is none', ANA, { op: 'remove', path: 'emails[type is "work"]' }, 'invalidFilter'],
  [
    'a filter of a part that there is not',
    ANA,
    { op: 'remove', path: 'emails[__proto__ pr]' },
    'invalidFilter',
  ],
  [
    'nobody to replace',
    TEAM,
    { op: 'replace', path: 'members[value sw "x"]', value: { value: 'y' } },
    'noTarget',
  ],
  ['a removal of nothing', ANA, { op: 'remove' }, 'noTarget'],
  ['a value that is a list', ANA, { op: 'add', value: ['x'] }, 'invalidValue'],
  ['a name that is a list', ANA, { op: 'add', path: 'displayName', value: ['x'] }, 'invalidValue'],
  [
    'a member that is a number',
    TEAM,
    { op: 'add', path: 'members', value: [{ value: 7 }] },
    'invalidValue',
  ],
  [
    'a member without a value',
    TEAM,
    { op: 'add', path: 'members', value: [{ display: 'x' }] },
    'invalidValue',
  ],
  ['another verb', ANA, { op: 'copy', path: 'displayName', value: 'x' }, 'invalidSyntax'],
  ['a verb twice', ANA, { op: 'add', Op: 'remove', path: 'displayName' }, 'invalidSyntax'],
]
for (const [what, document, operation, scimType] of bad) {
  test(`a patch of ${what} is refused`, () => {
    assert.throws(() => patched(document, operation), { name: 'RingfenceError', scimType })
  })
}
