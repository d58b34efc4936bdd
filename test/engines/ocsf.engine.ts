import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { type AuditEntry, CATEGORIES } from '../../src/audit/entry.ts'
import { makeEntry } from '../../src/audit/make-entry.ts'
import { OCSF_VERSION, type OcsfEvent, ocsfOf } from '../../src/audit/ocsf/ocsf-of.ts'
import { parseTenantId } from '../../src/core/tenant.ts'

const PYTHON = process.env['RINGFENCE_TEST_OCSF_PYTHON'] ?? 'python3'
/** Of every class of that version of OCSF, by its number: the schema that events of it are held to. */
const SCRIPT = `
import json, sys
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
version, *uids = sys.argv[1:]
schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version))
name = lambda uid: schema.lookup_class_name_from_uid(class_uid=int(uid))
made = lambda uid, profiles: schema.get_class_schema(class_name=name(uid), profiles=profiles)
print(json.dumps({uid: [made(uid, []), made(uid, ['host'])] for uid in uids}))
`
const CLASSES = ['2004', '3001', '3002', '3004', '6003']

const validators = compiled()

/** For each class: without a profile, and with the only one that we use. */
function compiled(): ReadonlyMap<number, readonly ValidateFunction[]> {
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', SCRIPT, OCSF_VERSION, ...CLASSES], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  assert.equal(status, 0, stderr)
  const schemas = JSON.parse(stdout) as Readonly<Record<string, readonly object[]>>
  // Titles of values and formats of times are told there in words of OCSF's own.
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false })
  return new Map(
    CLASSES.map((uid) => [Number(uid), (schemas[uid] ?? []).map((one) => ajv.compile(one))]),
  )
}

/** What the schema finds wrong. */
function faultsOf(event: OcsfEvent): readonly string[] {
  const { profiles } = event['metadata'] as { readonly profiles?: readonly string[] }
  if (profiles !== undefined) assert.deepEqual(profiles, ['host'])
  const validate = validators.get(Number(event['class_uid']))?.[profiles === undefined ? 0 : 1]
  assert.ok(validate, `no schema of class ${String(event['class_uid'])}`)
  const asSent: unknown = JSON.parse(JSON.stringify(event))
  if (validate(asSent)) return []
  return (validate.errors ?? []).map(
    ({ instancePath, message = '', params }) =>
      `${instancePath} ${message} ${JSON.stringify(params)}`,
  )
}

const areas = ['user', 'password', 'totp', 'passkey', 'factors', 'recovery-codes', 'thing']
const words = ['created', 'changed', 'removed', 'enrolled', 'reset', 'signed-in', 'signed-out']
const ends = ['used', 'ended', 'revoked', 'granted', 'denied', 'token', 'undone']
const actions = areas.flatMap((area) => [...words, ...ends].map((word) => `${area}.${word}`))
const decisions: readonly AuditEntry['decision'][] = ['allowed', 'denied', 'done', 'failed']
const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 })

for (const category of CATEGORIES) {
  test(`OCSF ${OCSF_VERSION} finds no fault with entries of ${category}`, () => {
    fc.assert(
      fc.property(
        fc.record(
          {
            action: fc.constantFrom(...actions),
            kind: fc.constantFrom(
              ...(['user', 'operator', 'client', 'workload', 'platform', 'unknown'] as const),
            ),
            id: text,
            decision: fc.constantFrom(...decisions),
            object: fc.record({ type: fc.constantFrom('user', 'api', 'lease'), id: text }),
            partner: fc.constant(parseTenantId('partner')),
            tenant: fc.constant(parseTenantId('acme')),
            reason: text,
            request_id: text,
            trace_id: fc.constant('4bf92f3577b34da6a3ce929d0e0e4736'),
            address: fc.oneof(fc.ipV4(), fc.ipV6()),
            method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'),
          },
          { requiredKeys: ['action', 'kind', 'id', 'decision'] },
        ),
        ({ kind, id, partner, method, ...rest }) => {
          const entry = makeEntry({
            ...{ ...rest, category, layer: 'check' },
            actor: { kind, id, ...(partner === undefined ? {} : { tenant: partner }) },
            on_behalf_of: partner === undefined ? undefined : { kind: 'user', id: 'ann' },
            detail: method === undefined ? undefined : { method, seconds: 1.5, old: true },
          })
          const event = ocsfOf(entry)
          assert.deepEqual(faultsOf(event), [])
          const told = JSON.stringify(event)
          for (const one of [entry.actor.id, entry.object?.id, entry.reason, entry.address]) {
            assert.ok(told.includes(JSON.stringify(one ?? '').slice(1, -1)), 'nothing is lost')
          }
        },
      ),
      { numRuns: 300 },
    )
  })
}

test('an event that is wrong is noticed: the schema can refuse', () => {
  const event = ocsfOf(
    makeEntry({
      ...{ category: 'decision', action: 'request.denied', decision: 'denied', layer: 'token' },
      actor: { kind: 'user', id: 'ann' },
    }),
  )
  assert.deepEqual(faultsOf(event), [])
  const { api: _api, ...without } = event
  assert.ok(faultsOf(without).length > 0)
  assert.ok(faultsOf({ ...event, of_ours: 1 }).length > 0)
  assert.ok(faultsOf({ ...event, activity_id: 17 }).length > 0)
})
