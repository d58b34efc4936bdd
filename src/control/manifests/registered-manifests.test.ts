import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSetName } from '../../core/names.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { readReference, referenceOf } from '../../manifests/manifest.ts'
import { manifestFiles } from '../../manifests/manifest-files.ts'
import { InvalidManifests } from '../../manifests/problem.ts'
import { readManifests } from '../../manifests/read-manifests.ts'
import { jane, succeeded } from '../control-site.test-support.ts'
import { declaredSite, own, refused } from './declared-site.test-support.ts'
import {
  administrator,
  contract,
  guardrail,
  manifest,
  plan,
  store,
  upstream,
} from './declared.test-support.ts'

const { here, apply, changesOf, served } = declaredSite()
const ids = (wanted: { readonly name: string }[] | undefined) => wanted?.map(({ name }) => name)

async function servedPlatform(): Promise<Record<string, { name: string }[]>> {
  const [row] = await here().site.ask<{ platform: Record<string, { name: string }[]> }>(
    'select platform from snapshot.head',
  )
  return row?.platform ?? {}
}

test('what is applied is in force in one record, and applying it again changes nothing', async () => {
  const wanted = [
    own('acme'),
    contract('acme', 'platform/records', 'tenant/crm'),
    guardrail('sizes', 'acme'),
    store('acme', 'permit(…);'),
  ]
  const first = await apply(wanted)
  assert.deepEqual(
    first.changes.map(({ change }) => change),
    ['created', 'created', 'created', 'created'],
  )
  const config = await served('acme')
  assert.deepEqual(ids(config?.contract?.apis), ['records', 'crm'])
  assert.deepEqual(ids(config?.upstreams), ['crm'])
  assert.deepEqual(ids(config?.guardrails), ['sizes'])
  assert.equal(config?.policy?.version, 1)
  assert.equal(config.policy.parsed, 'acme: 1 policies over 2 APIs')
  assert.equal((await served('globex'))?.contract, undefined)
  const again = await apply(wanted)
  assert.equal(again.version, first.version)
  assert.deepEqual([...new Set(again.changes.map(({ change }) => change))], ['unchanged'])
})

test('one thing that is wrong stops all of it, and everything that is wrong is told', async () => {
  const { site } = here()
  const before = await site.ask('select * from registry.object order by owner, kind, name')
  const error = await refused(
    apply([
      guardrail('more', 'globex'),
      own('globex', 'http://169.254.169.254'),
      contract('globex', 'tenant/nothing', 'platform/missing'),
      store('globex', 'wrong'),
    ]),
    'invalid_manifest',
  )
  assert.ok(error instanceof InvalidManifests)
  assert.deepEqual(
    error.problems.map(({ subject, path }) => `${subject} ${path}`),
    [
      'Contract globex/globex spec.apis[0].upstream',
      'Contract globex/globex spec.apis[1].upstream',
      'PolicyStore globex/main spec.policies[0]',
      'Upstream globex/crm spec.servers[0].url',
    ],
  )
  const now = await site.ask('select * from registry.object order by owner, kind, name')
  assert.deepEqual(now, before)
})

test('a dry run says what would be, with what was, and changes nothing', async () => {
  const { plane } = here()
  const { version } = await apply([])
  const tried = await apply([guardrail('sizes', 'acme', 99), guardrail('new', 'acme')], {
    dryRun: true,
  })
  assert.equal(tried.dryRun, true)
  assert.deepEqual(tried.changes[0]?.diff, [{ path: 'rules[0].bytes', before: 10, after: 99 }])
  assert.deepEqual(
    tried.changes.map(({ change }) => change),
    ['configured', 'created'],
  )
  assert.equal((await apply([])).version, version)
  await refused(plane.manifests.get(referenceOf(guardrail('new', 'acme')), jane), 'not_found')
})

test('a set is pruned of what is not described any more, and nothing else is', async () => {
  const set = parseSetName('repository')
  await apply([guardrail('one', 'acme'), guardrail('two', 'globex'), guardrail('three')], { set })
  await apply([guardrail('loose', 'acme')])
  assert.deepEqual(await changesOf([guardrail('three')], { set, prune: true }), [
    '/three unchanged',
    'acme/one removed',
    'globex/two removed',
  ])
  assert.deepEqual(ids((await served('acme'))?.guardrails), ['loose', 'sizes'])
  await refused(apply([guardrail('three')], { set: parseSetName('other') }), 'conflict')
  await refused(apply([], { prune: true }), 'invalid_argument')
  await apply([], {
    remove: [referenceOf(guardrail('loose', 'acme')), referenceOf(guardrail('three'))],
  })
})

test('what contracts rest on stays: the platform’s upstreams, and a tenant’s own', async () => {
  const records = referenceOf(upstream('records', 'http://x'))
  const error = await refused(apply([], { remove: [records] }), 'invalid_manifest')
  assert.doesNotMatch(error.message, /acme/)
  await refused(apply([], { remove: [referenceOf(own('acme'))] }), 'invalid_manifest')
})

test('every generation is kept, numbers are given once, and an older one can be put back', async () => {
  const { plane } = here()
  const reference = referenceOf(guardrail('kept', 'acme'))
  for (const bytes of [1, 2])
    await apply([guardrail('kept', 'acme', bytes)], { why: `size ${bytes}` })
  await apply([], { remove: [reference] })
  await apply([guardrail('kept', 'acme', 3)])
  const { items } = await plane.manifests.history(reference, { limit: 10 }, jane)
  assert.deepEqual(
    items.map(({ generation, act, why }) => [generation, act, why]),
    [
      [4, 'created', 'applied'],
      [3, 'removed', 'applied'],
      [2, 'configured', 'size 2'],
      [1, 'created', 'size 1'],
    ],
  )
  const first = await plane.manifests.generation(reference, 1, jane)
  assert.deepEqual(first.manifest, guardrail('kept', 'acme', 1))
  await refused(plane.manifests.generation(reference, 3, jane), 'not_found')
  await apply([first.manifest])
  await apply([], { remove: [reference] })
})

test('the version of a policy store counts on over another store in its place', async () => {
  const version = async () => (await served('globex'))?.policy?.version
  await apply([store('globex', 'a'), guardrail('g', 'globex')])
  await apply([store('globex', 'b')])
  assert.equal(await version(), 2)
  const other = manifest('PolicyStore', 'other', { policies: [] }, 'globex')
  await apply([other], { remove: [referenceOf(store('globex'))] })
  assert.ok(((await version()) ?? 0) > 2)
})

test('a condition on the version is met, or nothing is changed', async () => {
  const { plane } = here()
  const reference = referenceOf(guardrail('conditional', 'acme'))
  await refused(
    apply([guardrail('conditional', 'acme')], { expected: 'present' }),
    'precondition_failed',
  )
  await apply([guardrail('conditional', 'acme')], { expected: 'absent' })
  const { generation, hash } = await plane.manifests.get(reference, jane)
  await apply([guardrail('conditional', 'acme', 11)], { expected: { generation, hash } })
  const stale = { expected: { generation, hash } }
  await refused(apply([guardrail('conditional', 'acme', 12)], stale), 'precondition_failed')
  await refused(apply([], { remove: [reference], ...stale }), 'precondition_failed')
})

test('a tenant is onboarded by its manifest together with what it declares, and changed by it', async () => {
  const { plane } = here()
  const spec = { displayName: 'Initech', tier: 'pooled', region: 'eu-west', plan: 'standard' }
  const tenant = (more: object) => manifest('Tenant', 'initech', { ...spec, ...more })
  const network = { allow: ['198.51.100.0/24'] }
  const { changes } = await apply([guardrail('g', 'initech'), tenant({ network })])
  const workflow = changes[1]?.workflow
  assert.ok(workflow)
  await succeeded(plane, await plane.workflows.get(workflow))
  const config = await served('initech')
  assert.deepEqual([config?.network, ids(config?.guardrails)], [network, ['g']])
  await apply([tenant({ hosts: ['initech.example'] })])
  const changed = await served('initech')
  assert.deepEqual([changed?.network, changed?.hosts], [undefined, ['initech.example']])
  assert.deepEqual(await changesOf([tenant({ hosts: ['initech.example'] })]), [
    '/initech unchanged',
  ])
  const { message } = await refused(apply([tenant({ tier: 'silo' })]), 'conflict')
  assert.match(message, /^Tenant initech: spec\.tier: /)
  await refused(apply([], { remove: [readReference('Tenant', 'initech')] }), 'conflict')
  await refused(apply([own('initech', 'https://initech.example')]), 'invalid_manifest')
  await refused(apply([own('acme', 'https://initech.example.:8443')]), 'invalid_manifest')
})

test('a dry run of a tenant onboards nobody', async () => {
  const { plane } = here()
  const spec = { tier: 'pooled', region: 'eu-west', plan: 'standard' }
  await apply([manifest('Tenant', 'nobody', spec)], { dryRun: true })
  await refused(plane.tenants.get(parseTenantId('nobody')), 'not_found')
})

test('a plan carries limits and a contract into the configuration, and loosening it waits for nobody here', async () => {
  const limits = [{ name: 'burst', kind: 'rate', per: 'user', requests: 5, seconds: 1 }]
  await apply([
    contract(undefined, 'platform/records'),
    plan('gold', { limits, contract: 'basic', weight: 3 }),
  ])
  const [gold] = (await servedPlatform())['plans']?.filter(({ name }) => name === 'gold') ?? []
  assert.deepEqual(gold, {
    name: 'gold',
    requestsPerMinute: 600,
    leasesPerMinute: 60,
    leaseSecondsMax: 900,
    limits,
    contract: 'basic',
    weight: 3,
  })
  await refused(apply([], { remove: [readReference('Contract', 'basic')] }), 'invalid_manifest')
  await refused(apply([], { remove: [readReference('Plan', 'standard')] }), 'conflict')
  await apply([], { remove: [readReference('Plan', 'gold'), readReference('Contract', 'basic')] })
})

test('the platform’s policies forbid, and nothing else', async () => {
  await refused(apply([store(undefined, 'permit(…);')]), 'invalid_manifest')
  await apply([store(undefined, 'forbid(…);')])
  assert.equal((await servedPlatform())['policies']?.length, 1)
  await apply([], { remove: [referenceOf(store(undefined))] })
})

test('what is measured is declared by the platform alone, and told with its configuration', async () => {
  const spec = { unit: 'request', events: ['dev.ringfence.request'], aggregation: 'count' }
  const meter = manifest('Meter', 'api-requests', spec)
  await apply([meter])
  assert.deepEqual((await servedPlatform())['meters'], [{ name: 'api-requests', ...spec }])
  for (const by of [administrator('acme'), { ...jane, scopes: ['configuration:write'] as const }]) {
    await refused(apply([], { remove: [referenceOf(meter)] }, by), 'forbidden')
  }
  assert.throws(() => manifest('Meter', 'api-requests', spec, 'acme'))
  await apply([], { remove: [referenceOf(meter)] })
  assert.equal((await servedPlatform())['meters'], undefined)
})

test('what is registered is declared too, whoever made it', async () => {
  const { plane } = here()
  const { items } = await plane.manifests.list({ kind: 'Tenant' }, { limit: 10 }, jane)
  assert.deepEqual(
    ids(items.map(({ manifest: { metadata } }) => ({ name: String(metadata.name) }))),
    ['acme', 'globex', 'initech'],
  )
  const [first] = items
  assert.ok(first)
  assert.deepEqual(await changesOf([first.manifest]), ['/acme unchanged'])
})

test('lists come in pages, each thing once', async () => {
  const { plane } = here()
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await plane.manifests.list({}, { limit: 2, ...(cursor ? { cursor } : {}) }, jane)
    seen.push(...page.items.map(({ manifest: one }) => JSON.stringify(referenceOf(one))))
    cursor = page.next
  } while (cursor !== undefined)
  assert.equal(new Set(seen).size, seen.length)
  const all = await plane.manifests.list({}, { limit: 500 }, jane)
  assert.equal(seen.length, all.items.length)
})

test('drift is seen where the configuration was changed past the control plane', async () => {
  const { site, plane, acme } = here()
  assert.deepEqual((await plane.manifests.drift(jane)).entries, [])
  await site.ask(`update registry.object set spec = '{"direction":"request","rules":[{"kind":"size","bytes":1}]}'
    where owner = 'acme' and name = 'sizes'`)
  const { entries, refusal } = await plane.manifests.drift(jane)
  assert.equal(refusal, undefined)
  assert.equal(entries.length, 1)
  assert.equal(entries[0]?.tenant, acme)
  assert.ok(entries[0].diff.some(({ path }) => path.startsWith('guardrails[sizes]')))
  await site.ask(
    `update snapshot.change set text = text || 'x' where version = (select max(version) from snapshot.change)`,
  )
  const broken = await plane.manifests.drift(jane)
  assert.notEqual(broken.refusal, undefined)
  await site.ask(
    `update snapshot.change set text = left(text, -1) where version = (select max(version) from snapshot.change)`,
  )
  await apply([guardrail('sizes', 'acme', 5)])
  assert.deepEqual((await plane.manifests.drift(jane)).entries, [])
})

test('who applies at once waits for one another, and nothing is lost or comes apart', async () => {
  const { plane } = here()
  const owners = ['acme', 'globex', undefined]
  const names = [...owners, ...owners, ...owners].map(
    (owner, n) => [`at-once-${n}`, owner] as const,
  )
  await Promise.all(
    names.map(([name, owner]) => apply([guardrail(name, owner), guardrail(`${name}-b`, owner)])),
  )
  for (const [name, owner] of names) {
    await plane.manifests.get(referenceOf(guardrail(name, owner)), jane)
  }
  assert.deepEqual((await plane.manifests.drift(jane)).entries, [])
})

test('the examples are taken as they are', async () => {
  const { plane } = here()
  const examples = new URL('../../../examples/manifests', import.meta.url).pathname
  const manifests = readManifests(manifestFiles(examples)).map((one) => one.manifest)
  const { changes } = await apply(manifests)
  const workflow = changes.find(({ reference }) => reference.kind === 'Tenant')?.workflow
  assert.ok(workflow)
  await succeeded(plane, await plane.workflows.get(workflow))
  assert.deepEqual(ids((await served('riverside'))?.contract?.apis), ['records', 'billing'])
})
