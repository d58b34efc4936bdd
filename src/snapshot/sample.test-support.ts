import { parsePlanName, parseServiceName } from '../core/names.ts'
import { parseCellName, parseRegion, parseTenantId, type TenantId } from '../core/tenant.ts'
import type { PlatformConfig, TenantConfig } from './snapshot.ts'

export const samplePlatform: PlatformConfig = {
  audience: 'https://api.example',
  contextKeys: [],
  jobKeys: [],
  services: [{ name: parseServiceName('clinic'), upstream: 'http://127.0.0.1:4000', prefix: '/' }],
  workloads: [],
  plans: [
    {
      name: parsePlanName('standard'),
      requestsPerMinute: 6_000,
      leasesPerMinute: 600,
      leaseSecondsMax: 900,
    },
  ],
}

export const tenantId = (name: string): TenantId => parseTenantId(name)

/** An active tenant with a key of the usual size. */
export function sampleTenant(name: string, change: Partial<TenantConfig> = {}): TenantConfig {
  return {
    id: parseTenantId(name),
    status: 'active',
    tier: 'pooled',
    region: parseRegion('eu-west'),
    cell: parseCellName('eu-west-1'),
    plan: parsePlanName('standard'),
    issuer: `https://id.example/realms/${name}`,
    keys: [
      {
        kty: 'EC',
        crv: 'P-256',
        x: Buffer.from(name.padEnd(32, 'x').slice(0, 32)).toString('base64url'),
        y: Buffer.from(name.padEnd(32, 'y').slice(0, 32)).toString('base64url'),
        use: 'sig',
        alg: 'ES256',
        kid: `${name}-0000-0000-0000-000000000000`.slice(0, 36),
      },
    ],
    hosts: [`${name}.example`],
    ...change,
  }
}
