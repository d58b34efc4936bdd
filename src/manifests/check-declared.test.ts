import assert from 'node:assert/strict'
import { test } from 'node:test'
import { upstreamRule } from '../contracts/upstream-rule.ts'
import { parseTenantId } from '../core/tenant.ts'
import { checkDeclared, type Surroundings } from './check-declared.ts'
import { type Manifest, manifestSchema } from './manifest.ts'
import { pathText } from './problem.ts'

const ACME = parseTenantId('acme')
const AROUND: Surroundings = {
  platformUpstreams: new Set(['records']),
  platformContracts: new Set(['basic']),
  plans: new Set(['standard']),
  apisWithoutContract: new Set(['records']),
  policies: {
    store: () => ({ problems: [], parsed: 'compiled' }),
    platform: (policies) =>
      policies.map(({ id }) => ({ where: `policies/${id}`, message: 'not a forbid' })),
  },
  upstreamRefusal: upstreamRule(),
}

function manifest(kind: string, name: string, spec: object, tenant?: string): Manifest {
  return manifestSchema.parse({
    apiVersion: 'ringfence.dev/v1',
    kind,
    metadata: { name, ...(tenant === undefined ? {} : { tenant }) },
    spec,
  })
}
const api = (name: string, upstream: object, more: object = {}) => ({
  name,
  prefix: `/${name}`,
  upstream,
  ...more,
})
const contract = (...apis: object[]) => manifest('Contract', 'c', { apis }, 'acme')
const own = (url: string) => manifest('Upstream', 'own', { servers: [{ url }] }, 'acme')
const platform = (name: string) => ({ of: 'platform', name })
const tenants = (name: string) => ({ of: 'tenant', name })

function problems(tenant: typeof ACME | undefined, ...manifests: Manifest[]): readonly string[] {
  const kept = manifests.map((one) => ({ manifest: one, generation: 1 }))
  return checkDeclared(tenant, kept, AROUND).problems.map(
    ({ path, message }) => `${pathText(path)}: ${message}`,
  )
}

test('a contract names upstreams that there are, of the platform and of its own tenant', () => {
  const good = contract(api('a', platform('records')), api('b', tenants('own')))
  assert.deepEqual(problems(ACME, good, own('https://crm.example.com')), [])
})

test('an upstream of another tenant and one of nobody are refused in the same words', () => {
  // `theirs` is another tenant's: only what is the owner's own is given to the check.
  assert.deepEqual(problems(ACME, contract(api('a', tenants('theirs')))), [
    'spec.apis[0].upstream: the tenant has no such upstream',
  ])
  assert.deepEqual(problems(ACME, contract(api('a', tenants('nobodys')))), [
    'spec.apis[0].upstream: the tenant has no such upstream',
  ])
  assert.deepEqual(problems(ACME, contract(api('a', platform('own'))), own('https://a.example')), [
    'spec.apis[0].upstream: the platform has no such upstream',
  ])
})

test('a contract of the platform forwards to no tenant’s upstream', () => {
  const plans = manifest('Contract', 'basic', { apis: [api('a', tenants('own'))] })
  assert.match(problems(undefined, plans).join(), /names the platform’s upstreams/)
})

test('two APIs share neither a name nor a prefix', () => {
  const twice = contract(
    api('a', platform('records')),
    api('a', platform('records'), { prefix: '/b' }),
    api('c', platform('records'), { prefix: '/a' }),
  )
  assert.deepEqual(problems(ACME, twice), [
    'spec.apis[1].name: an API of this name is in it already',
    'spec.apis[2].prefix: another API has this prefix',
  ])
})

test('a tenant has one contract and one policy store', () => {
  const other = manifest('Contract', 'd', { apis: [api('a', platform('records'))] }, 'acme')
  assert.equal(problems(ACME, contract(api('a', platform('records'))), other).length, 1)
  const store = (name: string) => manifest('PolicyStore', name, { policies: [] }, 'acme')
  assert.deepEqual(problems(ACME, store('a')), [])
  assert.equal(problems(ACME, store('a'), store('b')).length, 1)
})

test('a guardrail for an API that there is not would guard nothing: it is refused', () => {
  const guardrail = (name: string) =>
    manifest(
      'Guardrail',
      'g',
      { apis: [name], direction: 'both', rules: [{ kind: 'size', bytes: 1 }] },
      'acme',
    )
  assert.deepEqual(problems(ACME, guardrail('records')), [])
  assert.deepEqual(problems(ACME, guardrail('other')), ['spec.apis[0]: there is no such API'])
  const renamed = contract(api('renamed', platform('records')))
  assert.deepEqual(problems(ACME, renamed, guardrail('records')), [
    'spec.apis[0]: there is no such API',
  ])
})

test('a tenant’s own upstream is on the internet; the platform’s is where the platform wants it', () => {
  assert.equal(problems(ACME, own('http://169.254.169.254')).length, 1)
  const inside = manifest('Upstream', 'own', { servers: [{ url: 'http://10.0.0.1' }] })
  assert.deepEqual(problems(undefined, inside), [])
})

test('an OpenAPI document is read, and refers to nothing outside itself', () => {
  const document = (text: string) =>
    problems(ACME, contract(api('a', platform('records'), { openapi: text })))
  assert.deepEqual(document('{"openapi":"3.1.0","paths":{}}'), [])
  for (const text of [
    'no JSON',
    '[]',
    '{"openapi":"2.0","paths":{}}',
    '{"openapi":"3.1.0"}',
    '{"openapi":"3.1.0","paths":{},"paths":{}}',
    '{"openapi":"3.1.0","paths":{"/a":{"$ref":"http://169.254.169.254/"}}}',
    '{"openapi":"3.1.0","paths":{"/a":[{"$ref":"../../etc/passwd"}]}}',
  ]) {
    assert.equal(document(text).length, 1, text)
  }
})

test('the platform’s policies go by the compiler of its own, and a plan by what there is', () => {
  const store = manifest('PolicyStore', 'p', { policies: [{ id: 'x', text: 'permit(…);' }] })
  assert.match(problems(undefined, store).join(), /^spec\.policies\[0\]: policies\/x: not a forbid/)
  const limits = { tiers: ['pooled'], requestsPerMinute: 1, leasesPerMinute: 1, leaseSecondsMax: 1 }
  const plan = manifest('Plan', 'p', { ...limits, contract: 'missing' })
  assert.deepEqual(problems(undefined, plan), ['spec.contract: the platform has no such contract'])
})

test('what was compiled of a tenant’s store goes with it', () => {
  const store = manifest('PolicyStore', 'main', { policies: [] }, 'acme')
  const { compiled } = checkDeclared(ACME, [{ manifest: store, generation: 1 }], AROUND)
  assert.equal(compiled, 'compiled')
})
