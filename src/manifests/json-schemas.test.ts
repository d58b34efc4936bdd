import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { parseAllDocuments } from 'yaml'
import { jsonSchemaOf, publishedSchemas } from './json-schemas.ts'
import { MANIFEST_KINDS } from './kinds.ts'
import { manifestFiles } from './manifest-files.ts'
import { readManifests } from './read-manifests.ts'

const PUBLISHED = new URL('../../docs/schemas/', import.meta.url).pathname
const EXAMPLES = new URL('../../examples/manifests/', import.meta.url).pathname

const ajv = new Ajv2020({ allErrors: true, strict: false })
addFormats.default(ajv)
// Ranges of addresses have no format of the standard's.
for (const format of ['cidrv4', 'cidrv6']) ajv.addFormat(format, /^[0-9a-f.:]+\/\d{1,3}$/)
for (const text of publishedSchemas().values()) ajv.addSchema(JSON.parse(text) as object)
const fits = (value: unknown) =>
  ajv.validate('https://ringfence.dev/schemas/v1/manifest.json', value)

const examples = readdirSync(EXAMPLES)
  .filter((name) => name.endsWith('.yaml') && !name.includes('openapi'))
  .flatMap((name) =>
    [...parseAllDocuments(readFileSync(join(EXAMPLES, name), 'utf8'))].map((document) => ({
      name,
      value: document.toJS() as { kind: string; spec: Record<string, unknown> },
    })),
  )

test('the published schemas are those of the code: run "node src/manifests/write-schemas.ts"', () => {
  const published = readdirSync(PUBLISHED).toSorted()
  assert.deepEqual(published, [...publishedSchemas().keys()].toSorted())
  for (const [file, text] of publishedSchemas()) {
    const there: unknown = JSON.parse(readFileSync(join(PUBLISHED, file), 'utf8'))
    assert.deepEqual(there, JSON.parse(text), file)
  }
})

test('every example fits its schema, by a validator that is not ours', () => {
  for (const { name, value } of examples) {
    assert.ok(fits(value), `${name} ${value.kind}: ${ajv.errorsText(ajv.errors)}`)
  }
  assert.deepEqual([...new Set(examples.map(({ value }) => value.kind))].toSorted(), [
    ...MANIFEST_KINDS.toSorted(),
  ])
})

test('every example is read by the code too', () => {
  assert.equal(readManifests(manifestFiles(EXAMPLES)).length, examples.length)
})

test('what the code refuses, the schemas refuse: unknown fields, missing ones, other values', () => {
  for (const { value } of examples) {
    assert.equal(fits({ ...value, spec: { ...value.spec, unknown: 1 } }), false, value.kind)
    assert.equal(fits({ ...value, spec: {} }), false, value.kind)
    assert.equal(fits({ ...value, metadata: { name: 'Not A Name' } }), false, value.kind)
    assert.equal(fits({ ...value, kind: 'Thing' }), false)
  }
})

test('a Plan of a tenant fits no schema', () => {
  const plan = examples.find(({ value }) => value.kind === 'Plan')?.value
  assert.ok(plan !== undefined && fits(plan))
  assert.equal(fits({ ...plan, metadata: { name: 'gold', tenant: 'acme' } }), false)
})

test('each kind has a schema that asks for all four parts', () => {
  for (const kind of MANIFEST_KINDS) {
    const required = jsonSchemaOf(kind)['required']
    assert.deepEqual(required, ['apiVersion', 'kind', 'metadata', 'spec'])
  }
})
