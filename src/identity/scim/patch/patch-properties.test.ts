import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ScimPatchOperation, type ScimResource, scimPatch } from 'scim-patch'
import type { Document } from '../resource/document.ts'
import { GROUP_SCHEMA } from '../schema/group-schema.ts'
import { USER_SCHEMA } from '../schema/user-schema.ts'
import { ScimError } from '../scim-error.ts'
import { applyPatch } from './apply-patch.ts'
import { readPatch } from './patch-request.ts'
import { ANA, members, PATCH, patched, TEAM } from './patched.test-support.ts'

test('any patch is done or refused in the words of SCIM, and reaches nothing outside', () => {
  const json = fc.jsonValue({ maxDepth: 3 })
  const path = fc.oneof(
    fc.constantFrom(
      'active',
      'name',
      'name.givenName',
      'emails',
      'emails.type',
      'emails[type eq "work"]',
      '__proto__',
      'emails[',
      ']',
      'members',
      'members[value eq "u1"]',
      'members.value',
      'schemas',
      'displayName',
    ),
    fc.string({ unit: 'binary', maxLength: 20 }),
  )
  const value = fc.oneof(
    json,
    fc.dictionary(path, json, { maxKeys: 3 }),
    fc.constantFrom('True', members('u1', 'u5')),
  )
  const operation = fc.oneof(
    json,
    fc.record(
      { op: fc.constantFrom('add', 'Replace', 'REMOVE'), path, value },
      { requiredKeys: ['op'] },
    ),
  )
  const body = fc.oneof(
    json,
    fc.record({ schemas: fc.constant([PATCH]), Operations: fc.array(operation, { maxLength: 4 }) }),
  )
  const before = JSON.stringify([ANA, TEAM])
  fc.assert(
    fc.property(
      body,
      fc.constantFrom([USER_SCHEMA, ANA], [GROUP_SCHEMA, TEAM]),
      (sent, [schema, document]) => {
        try {
          applyPatch(document, readPatch(schema, 'id-1', sent))
        } catch (error) {
          assert.ok(error instanceof ScimError, String(error))
        }
        assert.equal(JSON.stringify([ANA, TEAM]), before, 'the document before is left alone')
      },
    ),
    { numRuns: 3_000 },
  )
  assert.equal(Object.keys(Object.prototype).length, 0)
})

test('a patch in the standard form comes out as scim-patch makes it', () => {
  const email = fc.record({ value: fc.constantFrom('a@x.example', 'b@x.example', 'ana@x.example') })
  const text = fc.constantFrom('One', 'Two')
  const operation = fc.oneof(
    fc.record({
      op: fc.constantFrom('add', 'replace'),
      path: fc.constantFrom('displayName', 'name.givenName', 'name.familyName'),
      value: text,
    }),
    fc.record({
      op: fc.constantFrom('add', 'replace'),
      path: fc.constant('active'),
      value: fc.boolean(),
    }),
    fc.record({
      op: fc.constant('replace'),
      path: fc.constant('emails'),
      value: fc.uniqueArray(email, { minLength: 1, maxLength: 2, selector: (one) => one.value }),
    }),
    fc.record({
      op: fc.constant('replace'),
      path: fc.constant('name'),
      value: fc.record({ givenName: text }, { requiredKeys: [] }),
    }),
    fc.record({
      op: fc.constant('remove'),
      path: fc.constantFrom(
        'displayName',
        'name.givenName',
        'emails',
        'emails[value eq "b@x.example"]',
      ),
    }),
    fc.record({
      op: fc.constantFrom('add', 'replace'),
      value: fc.record({ displayName: text, active: fc.boolean() }, { requiredKeys: ['active'] }),
    }),
  )
  fc.assert(
    fc.property(fc.array(operation, { minLength: 1, maxLength: 4 }), (made) => {
      const operations = JSON.parse(JSON.stringify(made)) as typeof made
      const theirs = structuredClone(ANA) as unknown as ScimResource
      // Of a list that is not there, it refuses to remove by a filter.
      fc.pre(!hasLostItsList(operations))
      const expected = scimPatch(theirs, operations as ScimPatchOperation[])
      assert.deepEqual(
        withoutEmpty(patched(ANA, ...operations)),
        withoutEmpty(expected as unknown as Document),
      )
    }),
    { numRuns: 500 },
  )
})

/** It leaves empty objects behind where there is nothing any more. */
function withoutEmpty(document: Document): Document {
  return Object.fromEntries(
    Object.entries(document).filter(
      ([, value]) => typeof value !== 'object' || Object.keys(value).length > 0,
    ),
  )
}

function hasLostItsList(
  operations: readonly { readonly op: string; readonly path?: string }[],
): boolean {
  const lost = operations.findIndex(
    ({ op, path }) => op === 'remove' && path?.startsWith('emails') === true,
  )
  return (
    lost >= 0 && operations.slice(lost + 1).some(({ path }) => path?.startsWith('emails[') === true)
  )
}
