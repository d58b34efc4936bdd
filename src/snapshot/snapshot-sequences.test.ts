import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { scratch } from '../clusters/scratch.test-support.ts'
import { compact } from './compact.ts'
import {
  controlDatabase,
  freshSchema,
  reached,
  versionOf,
} from './control-database.test-support.ts'
import { samplePlatform, sampleTenant, tenantId } from './sample.test-support.ts'
import type { PlatformConfig, TenantConfig } from './snapshot.ts'
import type { SnapshotFollower } from './snapshot-follower.ts'

const NAMES = ['acme', 'globex', 'initech', 'hooli'] as const
const name = fc.constantFrom(...NAMES)
const tenant = fc.record({
  name,
  status: fc.constantFrom('active', 'paused', 'suspended'),
  // Hosts go round, so that they change hands and clash.
  hosts: fc.uniqueArray(fc.constantFrom('a.example', 'b.example'), { maxLength: 2 }),
})
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      tenants: fc.array(tenant, { maxLength: 3 }),
      removed: fc.array(name, { maxLength: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant('platform' as const) },
  { weight: 1, arbitrary: fc.constant('compact' as const) },
  { weight: 1, arbitrary: fc.constant('restart' as const) },
)

test('any sequence of changes leaves every follower with what a fresh one reads', async (t) => {
  const control = await controlDatabase(t)
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      await freshSchema(control.client)
      const directory = `${scratch(t)}/snapshot`
      const follow = (directory: string) =>
        control.follow({ directory, rewriteAfter: 3, pollMs: 20 })
      const steady = await follow(`${scratch(t)}/snapshot`)
      let restarting = await follow(directory)
      let platform: PlatformConfig = samplePlatform
      let version = await control.publish({ platform })
      const model = new Map<string, TenantConfig>()
      for (const one of steps) {
        if (one === 'compact') await compact(control.client, control.key, 1)
        else if (one === 'restart') {
          await restarting.close()
          restarting = await follow(directory)
        } else if (one === 'platform') {
          platform = { ...platform, audience: `https://api.example/${version}` }
          version = await control.publish({ platform })
        } else {
          const tenants = one.tenants.map(({ name, ...change }) => sampleTenant(name, change))
          const removed = one.removed.map(tenantId)
          // Only what a careful control plane refuses is refused, and it leaves nothing behind.
          const published = await control.publish({ tenants, removed }).catch(() => undefined)
          assert.equal(published === undefined, contradicts(model, tenants, removed))
          if (published === undefined) continue
          version = published
          for (const id of removed) model.delete(id)
          for (const tenant of tenants) model.set(tenant.id, tenant)
        }
      }
      const late = await follow(`${scratch(t)}/snapshot`)
      await Promise.all([steady, restarting, late].map((follower) => reached(follower, version)))
      for (const follower of [steady, restarting, late]) {
        assert.equal(versionOf(follower), version)
        assert.deepEqual(contentOf(follower), contentOfModel(platform, model))
        await follower.close()
      }
    }),
    { numRuns: 25 },
  )
})

function contradicts(
  model: ReadonlyMap<string, TenantConfig>,
  tenants: readonly TenantConfig[],
  removed: readonly string[],
): boolean {
  const ids = [...tenants.map(({ id }) => id), ...removed]
  if (new Set(ids).size !== ids.length) return true
  const after = new Map(model)
  for (const id of removed) after.delete(id)
  for (const tenant of tenants) after.set(tenant.id, tenant)
  const hosts = [...after.values()].flatMap(({ hosts }) => hosts)
  return new Set(hosts).size !== hosts.length
}

const byId = (tenants: Iterable<TenantConfig>) =>
  [...tenants].sort((a, b) => a.id.localeCompare(b.id))

function contentOf(follower: SnapshotFollower) {
  const now = follower.current()
  const owners = ['a.example', 'b.example'].map((host) => now.tenantOfHost(host)?.id)
  return { platform: now.platform, tenants: byId(now.tenants()), owners }
}

function contentOfModel(platform: PlatformConfig, model: ReadonlyMap<string, TenantConfig>) {
  const owners = ['a.example', 'b.example'].map(
    (host) => [...model.values()].find(({ hosts }) => hosts.includes(host))?.id,
  )
  return { platform, tenants: byId(model.values()), owners }
}
