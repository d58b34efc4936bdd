import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { RingfenceError } from '../core/errors.ts'
import { loadPlatform } from './platform-manifest.ts'

let path: string
before(() => {
  path = join(mkdtempSync(join(tmpdir(), 'ringfence-manifest-')), 'platform.yaml')
})
after(() => rmSync(join(path, '..'), { recursive: true, force: true }))

const GOOD = {
  apiVersion: 'ringfence.dev/v1',
  kind: 'Platform',
  metadata: { name: 'demo' },
  spec: {
    application: './app.yaml',
    cells: [{ name: 'eu-1', region: 'eu' }],
    tenants: [{ id: 'acme', tier: 'pooled', region: 'eu', displayName: 'Acme' }],
  },
}

function load(value: unknown) {
  writeFileSync(path, typeof value === 'string' ? value : stringify(value))
  return loadPlatform(path)
}

const withSpec = (spec: object) => ({ ...GOOD, spec: { ...GOOD.spec, ...spec } })
const tenant = (changes: object) => withSpec({ tenants: [{ ...GOOD.spec.tenants[0], ...changes }] })

test('paths are relative to the manifest, and what it leaves out has sensible values', () => {
  const manifest = load(GOOD)
  assert.equal(manifest.tenants[0]?.plan, 'standard')
  assert.equal(manifest.audience, 'https://demo.ringfence.internal')
  assert.deepEqual(manifest.listen.gateway, { host: '127.0.0.1', port: 4180 })
  assert.equal(manifest.application, join(path, '..', 'app.yaml'))
})

test('how the front door is reached, and a bell for revocations, can be said', () => {
  const nats = { servers: ['tls://nats.example.com:4222'] }
  const manifest = load(withSpec({ gateway: { publicProtocol: 'https' }, revocations: { nats } }))
  assert.equal(manifest.gateway.publicProtocol, 'https')
  assert.deepEqual(manifest.revocations.nats?.servers, nats.servers)
})

const REFUSED: readonly (readonly [string, unknown, RegExp])[] = [
  ['a tenant in a region without a cell', tenant({ region: 'us' }), /no cell in region us/],
  ['a tenant id that is none', tenant({ id: 'Acme' }), /tenants\.0\.id: a tenant id has/],
  ['a tier that there is not', tenant({ tier: 'gold' }), /tenants\.0\.tier/],
  ['a field that there is not', withSpec({ frob: 1 }), /Unrecognized/],
  [
    'two tenants of one name',
    withSpec({ tenants: [GOOD.spec.tenants[0], GOOD.spec.tenants[0]] }),
    /acme is there twice/,
  ],
  ['no cell', withSpec({ cells: [] }), /cells/],
  ['a plan that there is not', tenant({ plan: 'gold' }), /acme: there is no plan gold/],
  [
    'a workload of a service that there is not',
    withSpec({ workloads: [{ client: 'web', service: 'shop' }] }),
    /web: there is no service shop/,
  ],
  [
    'a process of a workload that there is not',
    withSpec({ processes: [{ name: 'x', command: ['x'], ready: 'x', workload: 'web' }] }),
    /x: there is no workload web/,
  ],
  [
    'two tenants of one host name',
    withSpec({
      tenants: ['acme', 'globex'].map((id) => ({
        ...GOOD.spec.tenants[0],
        id,
        hosts: ['app.example.com'],
      })),
    }),
    /host app\.example\.com is there twice/,
  ],
  [
    'a process whose readiness is no pattern',
    withSpec({ processes: [{ name: 'x', command: ['x'], ready: '(' }] }),
    /processes\.0\.ready/,
  ],
  ['another kind', { ...GOOD, kind: 'Application' }, /kind/],
  [
    'an alias bomb',
    'a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]',
    /alias/i,
  ],
]
for (const [what, value, says] of REFUSED) {
  test(`${what} is refused by name`, () => {
    assert.throws(
      () => load(value),
      (error: RingfenceError) => {
        assert.equal(error.code, 'invalid_manifest')
        assert.match(error.message, says)
        return true
      },
    )
  })
}

test('whatever a file holds, it is read or refused with a typed error', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.object().map((value) => stringify(value)),
      ),
      (text) => {
        try {
          load(text)
        } catch (error) {
          assert.ok(error instanceof RingfenceError, String(error))
          assert.equal(error.code, 'invalid_manifest')
        }
      },
    ),
    { numRuns: 200 },
  )
})
