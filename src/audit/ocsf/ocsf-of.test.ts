import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseTenantId } from '../../core/tenant.ts'
import { type AuditEntry, auditEntrySchema, CATEGORIES } from '../entry.ts'
import { makeEntry } from '../make-entry.ts'
import { ocsfOf } from './ocsf-of.ts'

/** By the schema's own definition: attributes that are required, and those of which one is. */
const EVERY = [
  'activity_id',
  'category_uid',
  'class_uid',
  'metadata',
  'severity_id',
  'time',
  'type_uid',
]
const DEMANDED: Readonly<Record<number, readonly (readonly string[])[]>> = {
  2004: [['finding_info']],
  3001: [['user']],
  3002: [['user'], ['service', 'dst_endpoint']],
  3004: [['entity']],
  6003: [['actor'], ['api'], ['src_endpoint']],
}
const ACTIVITIES: Readonly<Record<number, readonly number[]>> = {
  2004: [1, 2, 3, 99],
  3001: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 99],
  3002: [1, 2, 3, 4, 5, 99],
  3004: [1, 2, 3, 4, 99],
  6003: [1, 2, 3, 4, 99],
}

const draft = (category: AuditEntry['category'], action: string) =>
  makeEntry({
    tenant: parseTenantId('acme'),
    category,
    action,
    actor: { kind: 'user', id: 'alice' },
    object: { type: 'thing', id: '1' },
    decision: 'denied',
    layer: 'check',
    reason: 'because',
    request_id: 'r-1',
  })

function check(entry: AuditEntry): void {
  const event = ocsfOf(entry)
  const uid = Number(event['class_uid'])
  for (const name of EVERY) assert.ok(event[name] !== undefined, name)
  for (const some of DEMANDED[uid] ?? [['none']]) {
    assert.ok(
      some.some((name) => event[name] !== undefined),
      `${uid}: ${some.join(' or ')}`,
    )
  }
  // Only there who acts is by a profile, and that has to be said.
  const { profiles } = event['metadata'] as { readonly profiles?: readonly string[] }
  assert.deepEqual(profiles, uid === 2004 || uid === 3004 ? ['host'] : undefined)
  assert.equal(event['category_uid'], Math.floor(uid / 1000))
  const activity = Number(event['activity_id'])
  assert.ok(ACTIVITIES[uid]?.includes(activity), `${uid}: activity ${activity}`)
  assert.equal(event['type_uid'], uid * 100 + activity)
  assert.equal(event['time'], Date.parse(entry.time))
  assert.equal(
    event['status_id'],
    entry.decision === 'denied' || entry.decision === 'failed' ? 2 : 1,
  )
  assert.deepEqual(JSON.parse(JSON.stringify(event)), event)
}

for (const category of CATEGORIES) {
  test(`an entry of ${category} is an event with all that its class demands`, () => {
    for (const word of ['created', 'changed', 'removed', 'signed-in', 'used', 'denied', 'token']) {
      for (const area of ['user', 'thing', 'token', 'password', 'totp']) {
        check(draft(category, `${area}.${word}`))
      }
    }
  })
}

test('what is done is the activity that OCSF calls it', () => {
  const activityOf = (category: AuditEntry['category'], action: string) => {
    const event = ocsfOf(draft(category, action))
    return [event['class_uid'], event['activity_id']]
  }
  assert.deepEqual(activityOf('authentication', 'user.signed-in'), [3002, 1])
  assert.deepEqual(activityOf('authentication', 'user.signed-out'), [3002, 2])
  assert.deepEqual(activityOf('authentication', 'token.issued'), [3002, 4])
  assert.deepEqual(activityOf('directory', 'password.changed'), [3001, 3])
  assert.deepEqual(activityOf('directory', 'totp.enrolled'), [3001, 10])
  assert.deepEqual(activityOf('directory', 'user.created'), [3001, 1])
  assert.deepEqual(activityOf('directory', 'group.removed'), [3004, 4])
  assert.deepEqual(activityOf('lease', 'lease.granted'), [6003, 1])
  assert.deepEqual(activityOf('detection', 'calls.spike'), [2004, 1])
})

test('of whatever a caller sends comes an entry that logs take, and an event', () => {
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 600 }), fc.constant('\0'))
  fc.assert(
    fc.property(
      fc.record({
        category: fc.constantFrom(...CATEGORIES),
        id: text,
        object: text,
        layer: text,
        reason: text,
        request_id: text,
        trace_id: text,
        address: fc.oneof(text, fc.ipV4(), fc.ipV6()),
        detail: fc.dictionary(text, fc.anything({ withBigInt: true, maxDepth: 1 }), {
          maxKeys: 45,
        }),
      }),
      ({ id, object, detail, ...rest }) => {
        const entry = makeEntry({
          ...rest,
          action: 'request.denied',
          actor: { kind: 'unknown', id },
          object: { type: object, id: object },
          decision: 'denied',
          detail,
        })
        auditEntrySchema.parse(entry)
        check(entry)
      },
    ),
    { numRuns: 60 },
  )
})
