import { readFileSync } from 'node:fs'
import { networkOf } from '../../src/gateway/network-checks.ts'
import { realmKeys } from '../../src/gateway/realm-keys.ts'
import { surfaceOf } from '../../src/gateway/route.ts'
import { guardsOf } from '../../src/guardrails/guards.ts'
import { limitsOf } from '../../src/limits/tenant-limits.ts'
import { policiesOf } from '../../src/policy/tenant-policies.ts'
import { sampleTenant, samplePlatform } from '../../src/snapshot/sample.test-support.ts'
import { recordSchema, type SnapshotRecord } from '../../src/snapshot/snapshot.ts'
import { SnapshotState } from '../../src/snapshot/state.ts'

const AT_ONCE = 1_000

/**
 * A process of its own, for its memory: takes so many tenants into its configuration, each with a
 * contract, an upstream, a limit and policies of its own; then makes of each, once, what a request
 * needs of it.
 */
const { tenants } = JSON.parse(readFileSync(0, 'utf8')) as { readonly tenants: number }

const recordOf = (from: number, platform: boolean): SnapshotRecord =>
  recordSchema.parse({
    kind: from === 0 ? 'change' : 'base',
    version: 1,
    issuedAt: new Date().toISOString(),
    previous: from === 0 ? '' : '0'.repeat(64),
    ...(platform ? { platform: samplePlatform } : {}),
    tenants: Array.from({ length: Math.min(AT_ONCE, tenants - from) }, (_, n) =>
      tenantOf(`t${from + n}`),
    ),
    removed: [],
    ...(from === 0 ? {} : { parts: [] }),
  })

function tenantOf(id: string): object {
  return {
    ...sampleTenant(id),
    contract: {
      name: 'api',
      apis: [
        { name: 'records', prefix: '/records', upstream: { of: 'platform', name: 'clinic' } },
        {
          name: 'billing',
          prefix: '/billing',
          upstream: { of: 'tenant', name: 'billing' },
          methods: ['GET', 'POST'],
        },
      ],
    },
    upstreams: [{ name: 'billing', servers: [{ url: `https://billing.${id}.example/api` }] }],
    limits: [{ kind: 'rate', name: 'burst', per: 'user', requests: 100, seconds: 1 }],
    network: { deny: ['203.0.113.0/24'] },
    policy: {
      version: 1,
      policies: [
        { id: 'all', text: 'permit (principal, action, resource);' },
        {
          id: 'nights',
          text: 'forbid (principal, action == Action::"write", resource) when { context.method == "DELETE" };',
        },
      ],
    },
  }
}

function heap(): number {
  for (let n = 0; n < 3; n += 1) globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

// What is loaded and compiled once is not the tenants'.
recordOf(0, true)
const empty = heap()
const state = SnapshotState.first(recordOf(0, true), '')
for (let from = AT_ONCE; from < tenants; from += AT_ONCE) {
  state.addPart(recordOf(from, false).tenants)
}
const cold = heap()
const now = state.view()
let apis = 0
for (const id of state.ids()) {
  const tenant = now.tenant(id)
  if (tenant === undefined) continue
  apis += surfaceOf(now, tenant).length
  limitsOf(now, tenant, undefined)
  policiesOf(now, tenant)
  guardsOf(now, tenant)
  networkOf(now, tenant)
  realmKeys(tenant)
}
// What is held weakly goes when nobody is in the turn any more who has seen it.
await new Promise((resolve) => setImmediate(resolve))
const touched = heap()
const { version } = now
console.log(JSON.stringify({ version, apis, cold: cold - empty, touched: touched - cold }))
