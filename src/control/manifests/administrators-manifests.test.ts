import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSetName } from '../../core/names.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { readReference, referenceOf } from '../../manifests/manifest.ts'
import type { Actor } from '../control-plane.ts'
import { jane, onboarded, succeeded } from '../control-site.test-support.ts'
import { declaredSite, own, refused } from './declared-site.test-support.ts'
import { administrator, contract, guardrail, manifest, plan } from './declared.test-support.ts'

const { here, apply, changesOf, served } = declaredSite()

test('an administrator of one tenant reaches nothing of another, and none of the platform’s but guardrails', async () => {
  const { plane, globex } = here()
  await apply([guardrail('everybody')])
  const by: Actor = administrator('acme')
  await apply([guardrail('mine', 'acme')], {}, by)
  for (const [work, code] of [
    [() => apply([guardrail('theirs', 'globex')], {}, by), 'not_found'],
    [() => apply([guardrail('theirs', 'nowhere')], {}, by), 'not_found'],
    [() => apply([guardrail('everybody', undefined, 999)], {}, by), 'forbidden'],
    [() => apply([], { remove: [referenceOf(guardrail('everybody'))] }, by), 'forbidden'],
    [() => apply([], { remove: [referenceOf(guardrail('g', 'globex'))] }, by), 'not_found'],
    [() => apply([plan('standard')], {}, by), 'forbidden'],
    [() => apply([contract('acme', 'tenant/other')], {}, by), 'invalid_manifest'],
    [() => plane.manifests.get(referenceOf(guardrail('g', 'globex')), by), 'not_found'],
    [
      () => plane.manifests.history(referenceOf(guardrail('g', 'globex')), { limit: 1 }, by),
      'not_found',
    ],
    [() => plane.manifests.generation(referenceOf(guardrail('g', 'globex')), 1, by), 'not_found'],
    [() => plane.manifests.get(readReference('Tenant', 'globex'), by), 'not_found'],
    [() => plane.manifests.get(readReference('Upstream', 'records'), by), 'not_found'],
    [() => plane.manifests.drift(by), 'not_found'],
    [() => plane.tenants.suspend(globex, 'x', by), 'forbidden'],
  ] as const) {
    await refused(work(), code)
  }
  const listed = (await plane.manifests.list({}, { limit: 500 }, by)).items
  assert.deepEqual(
    [...new Set(listed.map(({ manifest: one }) => one.metadata.tenant ?? one.kind))].toSorted(),
    ['Guardrail', 'acme'],
  )
  const theirs = await plane.manifests.list({ tenant: globex }, { limit: 500 }, by)
  assert.deepEqual(theirs.items, [])
})

test('a set of an administrator’s own prunes nothing of the same set elsewhere', async () => {
  const set = parseSetName('shared-name')
  await apply([guardrail('theirs', 'globex'), guardrail('ours')], { set })
  const by = administrator('acme')
  await apply([guardrail('mine', 'acme')], { set }, by)
  assert.deepEqual(await changesOf([], { set, prune: true }, by), ['acme/mine removed'])
})

test('where the plan does not let them, administrators declare nothing of a kind', async () => {
  await apply([plan('standard', { selfService: ['Guardrail'] })])
  const by = administrator('acme')
  await refused(apply([own('acme', 'https://other.example.com')], {}, by), 'forbidden')
  await apply([guardrail('mine', 'acme')], {}, by)
})

test('the next tenant of an id has nothing of the one before, and its token is worth nothing', async () => {
  const { site, plane } = here()
  const gone = await onboarded(plane, 'hooli')
  await apply([
    guardrail('old', 'hooli'),
    manifest('Tenant', 'hooli', {
      displayName: 'Hooli',
      tier: 'pooled',
      region: 'eu-west',
      plan: 'standard',
      network: { deny: ['192.0.2.1'] },
    }),
  ])
  const made = await plane.operators.create(
    { name: 'hooli.ci', scopes: ['configuration:read'], tenant: gone },
    jane,
  )
  const known = await plane.operators.authenticate(made.token, 'r')
  assert.deepEqual([known.kind, known.tenant], ['administrator', gone])
  await succeeded(plane, await plane.tenants.offboard(gone, { purge: true, why: 'over' }, jane))
  await refused(plane.operators.authenticate(made.token, 'r'), 'not_authenticated')
  await onboarded(plane, 'hooli')
  await refused(plane.operators.authenticate(made.token, 'r'), 'not_authenticated')
  const config = await served('hooli')
  assert.deepEqual([config?.guardrails, config?.network], [undefined, undefined])
  const { items } = await plane.manifests.list({ tenant: gone }, { limit: 10 }, jane)
  assert.deepEqual(items, [])
  const [left] = await site.ask<{ specs: number; rows: number }>(
    `select count(spec)::int as specs, count(*)::int as rows from registry.object_generation where owner = 'hooli'`,
  )
  assert.deepEqual(left, { specs: 0, rows: 1 })
  await apply([guardrail('old', 'hooli')])
  assert.equal(
    (await plane.manifests.get(referenceOf(guardrail('old', 'hooli')), jane)).generation,
    2,
  )
})

test('a token of a tenant has no scope but those of declaring, by the database as well', async () => {
  const { site, plane, acme } = here()
  const wide = { name: 'wide', scopes: ['tenants:read'], tenant: acme } as const
  await refused(plane.operators.create(wide, jane), 'invalid_argument')
  await assert.rejects(
    site.ask(`insert into registry.operator (name, token_hash, scopes, tenant)
      values ('wide', decode(repeat('00', 32), 'hex'), array['tenants:write'], 'acme')`),
    /operator_of_tenant/,
  )
  const missing = {
    name: 'late',
    scopes: ['configuration:read'],
    tenant: parseTenantId('nowhere'),
  } as const
  await refused(plane.operators.create(missing, jane), 'not_found')
})
