import { parseServiceName } from '../../src/core/names.ts'
import { samplePlatform, sampleTenant } from '../../src/snapshot/sample.test-support.ts'
import {
  type PlatformConfig,
  recordSchema,
  type SnapshotRecord,
  type TenantConfig,
} from '../../src/snapshot/snapshot.ts'
import type { SigningKey } from '../../src/tokens/signing-key.ts'

/** Requests a minute of a plan: never reached. */
const ENDLESS = 10 ** 9

/** A configuration with one service at `/`, and plans whose own rate is never reached. */
export function frontRecord(
  upstream: string,
  tenants: readonly TenantConfig[],
  change: Partial<Pick<PlatformConfig, 'policies'>> & Partial<Pick<Plan, 'limits'>> = {},
): SnapshotRecord {
  const { policies, limits } = change
  return recordSchema.parse({
    kind: 'change',
    version: 1,
    issuedAt: new Date().toISOString(),
    previous: '',
    platform: {
      ...samplePlatform,
      services: [{ name: parseServiceName('clinic'), upstream, prefix: '/' }],
      plans: samplePlatform.plans.map((plan) => ({
        ...plan,
        requestsPerMinute: ENDLESS,
        ...(limits && { limits }),
      })),
      ...(policies && { policies }),
    },
    tenants,
  })
}

type Plan = PlatformConfig['plans'][number]

/** One whose realm signs with `realm`. */
export function frontTenant(
  name: string,
  realm: SigningKey,
  change: Partial<TenantConfig> = {},
): TenantConfig {
  return sampleTenant(name, { keys: [JSON.parse(JSON.stringify(realm.publicJwk))], ...change })
}
