import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { RingfenceError } from '../../core/errors.ts'
import { loadApplication, tenantColumnOf } from './manifest.ts'

const directory = mkdtempSync(join(tmpdir(), 'rf-manifest-'))
after(() => rmSync(directory, { recursive: true, force: true }))
const path = join(directory, 'ringfence.yaml')

const minimal = () => ({
  apiVersion: 'ringfence.dev/v1',
  kind: 'Application',
  metadata: { name: 'shop' },
  spec: { schema: 'shop', tables: { item: {} } } as Record<string, unknown>,
})

function load(text: string) {
  writeFileSync(path, text)
  return loadApplication(path)
}

/** Loads the smallest manifest with something changed in its spec. */
const withSpec = (spec: Record<string, unknown>) => {
  const manifest = minimal()
  return load(stringify({ ...manifest, spec: { ...manifest.spec, ...spec } }))
}

function refuses(work: () => unknown, ...words: string[]): void {
  assert.throws(work, (error: unknown) => {
    assert.ok(error instanceof RingfenceError, String(error))
    assert.equal(error.code, 'invalid_manifest')
    assert.ok(!error.message.includes('\n'))
    for (const word of words) assert.ok(error.message.includes(word), error.message)
    return true
  })
}

test('the smallest manifest opens its tables for reading only', () => {
  const application = load(stringify(minimal()))
  assert.equal(application.schema, 'shop')
  assert.equal(application.tenantColumn, 'tenant_id')
  assert.deepEqual(
    { ...application.tables },
    { item: { allow: ['select'], hidden: [], sample: {} } },
  )
  assert.deepEqual(application.migrations, [])
})

test('a table that is not named has no rights, whatever it is called', () => {
  const application = load(stringify(minimal()))
  for (const name of ['constructor', 'hasownproperty', '__proto__', 'other']) {
    assert.equal(application.tables[name], undefined)
    assert.equal(tenantColumnOf(application, name), 'tenant_id')
  }
  withSpec({ shared: ['constructor'] })
})

test('what is not YAML, or not one mapping, is refused with the file’s name', () => {
  for (const text of ['', '\t:', '{', 'a: [', '- a', 'x', '--- a\n--- b', '&a [*a]', '\u0000']) {
    refuses(() => load(text), path)
  }
})

test('a file that stands for a huge one is refused', () => {
  const lines = ['a: &a [x,x,x,x,x,x,x,x,x,x]']
  for (const [name, last] of ['ba', 'cb', 'dc', 'ed', 'fe', 'gf'].map((pair) => pair.split(''))) {
    lines.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${last}`).join(',')}]`)
  }
  refuses(() => load(lines.join('\n')), path)
})

test('unknown fields and wrong kinds are refused by name', () => {
  refuses(() => load(stringify({ ...minimal(), extra: 1 })), path)
  refuses(() => load(stringify({ ...minimal(), apiVersion: 'v2' })), 'apiVersion')
  refuses(() => load(stringify({ ...minimal(), kind: 'Deployment' })), 'kind')
  refuses(() => withSpec({ tabels: {} }), 'spec')
  refuses(() => withSpec({ tables: { item: { alow: ['select'] } } }), 'spec.tables.item')
  refuses(() => withSpec({ tables: { item: { allow: ['truncate'] } } }), 'spec.tables.item.allow')
  refuses(() => withSpec({ tables: ['item'] }), 'spec.tables')
  refuses(() => withSpec({ tables: undefined }), 'spec.tables')
})

test('identifiers that would need quoting are refused wherever one is expected', () => {
  const bad = ['Item', 'item-1', 'it em', 'item"', "item'", 'i;drop', 'é', '', '1a', 'a'.repeat(64)]
  for (const name of bad) {
    refuses(() => withSpec({ schema: name }), 'spec.schema')
    refuses(() => withSpec({ tenantColumn: name }), 'spec.tenantColumn')
    refuses(() => withSpec({ tables: { [name]: {} } }), 'spec.tables')
    refuses(() => withSpec({ tables: { item: { hidden: [name] } } }), 'hidden')
    refuses(() => withSpec({ tables: { item: { tenantColumn: name } } }), 'tenantColumn')
    refuses(() => withSpec({ tables: { item: { sample: { [name]: 1 } } } }), 'sample')
    refuses(() => withSpec({ shared: [name] }), 'spec.shared')
    refuses(() => withSpec({ views: [name] }), 'spec.views')
  }
})

test('schemas and names of the server’s and of Ringfence’s own are refused', () => {
  const schemas = ['rf', 'rf_delete', 'ground', 'pg_catalog', 'pg_toast', 'information_schema']
  for (const schema of schemas) refuses(() => withSpec({ schema }), 'spec.schema')
  const names = ['postgres', 'template0', 'template1', 'custody', 'rf_custody', 'pg_x', 'A', 'a-b']
  for (const name of names) {
    refuses(() => load(stringify({ ...minimal(), metadata: { name } })), 'metadata.name')
  }
})

test('only functions of the application’s own schema can be opened', () => {
  withSpec({ functions: ['shop.total(uuid, numeric[])'] })
  for (const name of ['pg_catalog.pg_read_file(text)', 'rf.guard()', 'shopping.total()']) {
    refuses(() => withSpec({ functions: [name] }), name)
  }
  for (const name of ['total()', 'shop.total', 'shop.total(); drop', 'shop.t("x")', "shop.t('')"]) {
    refuses(() => withSpec({ functions: [name] }), 'spec.functions')
  }
})

test('a table cannot hold tenant rows and be shared', () => {
  refuses(() => withSpec({ shared: ['item'] }), 'item')
})

test('files and directories that are not there or not readable are refused', () => {
  refuses(() => loadApplication(join(directory, 'none.yaml')), 'none.yaml')
  refuses(() => loadApplication(directory), directory)
  refuses(() => withSpec({ migrations: './none' }), 'none')
  refuses(() => withSpec({ migrations: './ringfence.yaml' }), 'ringfence.yaml')
  mkdirSync(join(directory, 'odd', '1.sql'), { recursive: true })
  refuses(() => withSpec({ migrations: './odd' }), '1.sql')
  symlinkSync('loop.yaml', join(directory, 'loop.yaml'))
  refuses(() => loadApplication(join(directory, 'loop.yaml')), 'loop.yaml')
})

test('migrations come in order of name, and every change of them changes the digest', () => {
  mkdirSync(join(directory, 'sql'))
  const write = (name: string, sql: string) => writeFileSync(join(directory, 'sql', name), sql)
  write('0010_b.sql', 'b')
  write('0002_a.sql', 'a')
  write('notes.txt', 'not SQL')
  const first = withSpec({ migrations: 'sql' })
  assert.deepEqual(
    first.migrations.map(({ name, sql }) => [name, sql]),
    [
      ['0002_a', 'a'],
      ['0010_b', 'b'],
    ],
  )
  write('0010_b.sql', 'b ')
  const second = withSpec({ migrations: 'sql' })
  assert.notEqual(second.sha256, first.sha256)
  assert.notEqual(second.migrations[1]?.sha256, first.migrations[1]?.sha256)
  assert.equal(second.migrations[0]?.sha256, first.migrations[0]?.sha256)
})

test('where one migration ends and the next begins is part of the digest', () => {
  mkdirSync(join(directory, 'split'))
  writeFileSync(join(directory, 'split', 'a.sql'), 'xb')
  writeFileSync(join(directory, 'split', 'c.sql'), 'y')
  const one = withSpec({ migrations: 'split' })
  writeFileSync(join(directory, 'split', 'a.sql'), 'x')
  rmSync(join(directory, 'split', 'c.sql'))
  writeFileSync(join(directory, 'split', 'bc.sql'), 'y')
  assert.notEqual(withSpec({ migrations: 'split' }).sha256, one.sha256)
})

test('whatever the file holds, it is an application or one clear refusal', () => {
  const names = fc.oneof(
    fc.string(),
    fc.constantFrom('item', 'shop', '__proto__', 'constructor', 'tenant_id', 'pg_x'),
  )
  const table = fc.record(
    {
      allow: fc.array(fc.oneof(fc.constantFrom('select', 'delete'), fc.string())),
      hidden: fc.array(names),
      tenantColumn: names,
      sample: fc.dictionary(names, fc.anything({ maxDepth: 1 })),
    },
    { requiredKeys: [] },
  )
  const spec = fc.record(
    {
      schema: names,
      tenantColumn: names,
      tables: fc.oneof(fc.dictionary(names, table), fc.anything({ maxDepth: 1 })),
      shared: fc.array(names),
      views: fc.array(names),
      functions: fc.array(fc.oneof(names, fc.constant('shop.f()'))),
    },
    { requiredKeys: [] },
  )
  const documents = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    spec.map((spec) => JSON.stringify({ ...minimal(), spec })),
  )
  fc.assert(
    fc.property(documents, (text) => {
      try {
        const application = load(text)
        assert.match(application.schema, /^[a-z_][a-z0-9_]*$/)
      } catch (error) {
        assert.ok(error instanceof RingfenceError, String(error))
        assert.equal(error.code, 'invalid_manifest')
        assert.ok(!error.message.includes('\n'), error.message)
      }
    }),
    { numRuns: 300 },
  )
})
