import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import type { PolicyCompiler } from '../../manifests/check-declared.ts'
import { type Manifest, manifestSchema } from '../../manifests/manifest.ts'
import { type Actor, TENANT_SCOPES } from '../control-plane.ts'

/** A manifest as a file would hold it, read. */
export function manifest(kind: string, name: string, spec: object, tenant?: string): Manifest {
  return manifestSchema.parse({
    apiVersion: 'ringfence.dev/v1',
    kind,
    metadata: { name, ...(tenant === undefined ? {} : { tenant }) },
    spec,
  })
}

export function upstream(name: string, url: string, tenant?: string): Manifest {
  return manifest('Upstream', name, { servers: [{ url }] }, tenant)
}

/** A contract of one API for each upstream that it names. */
export function contract(tenant: string | undefined, ...of: readonly string[]): Manifest {
  const apis = of.map((name) => {
    const [owner = '', upstreamName = ''] = name.split('/')
    return {
      name: upstreamName,
      prefix: `/${upstreamName}`,
      upstream: { of: owner, name: upstreamName },
    }
  })
  return manifest('Contract', tenant ?? 'basic', { apis }, tenant)
}

export function guardrail(name: string, tenant?: string, bytes = 10): Manifest {
  return manifest(
    'Guardrail',
    name,
    { direction: 'both', rules: [{ kind: 'size', bytes }] },
    tenant,
  )
}

export function store(tenant: string | undefined, ...texts: readonly string[]): Manifest {
  const policies = texts.map((text, index) => ({ id: `p${index}`, text }))
  return manifest('PolicyStore', 'main', { policies }, tenant)
}

export function plan(name: string, more: object = {}): Manifest {
  const limits = {
    requestsPerMinute: 600,
    leasesPerMinute: 60,
    leaseSecondsMax: 900,
  }
  return manifest('Plan', name, { tiers: ['pooled', 'bridge', 'silo'], ...limits, ...more })
}

/** Somebody who administers a tenant and nothing else. */
export function administrator(tenant: TenantId | string): Actor {
  return {
    kind: 'administrator',
    name: `admin.of.${tenant}`,
    scopes: TENANT_SCOPES,
    tenant: parseTenantId(tenant),
    requestId: `request-of-${tenant}`,
  }
}

/** Takes what says neither `wrong` nor another tenant's name. */
export const COMPILER: PolicyCompiler = {
  store: ({ policies }, tenant, found) => {
    const bad = policies.filter(({ text }) => text.includes('wrong'))
    const problems = bad.map(({ id }) => ({ where: `policies/${id}`, message: 'cannot be read' }))
    const apis = found?.apis.length ?? 0
    const parsed = `${tenant}: ${policies.length} policies over ${apis} APIs`
    return { problems, parsed: problems.length === 0 ? parsed : undefined }
  },
  platform: (policies) =>
    policies
      .filter(({ text }) => text.startsWith('permit'))
      .map(({ id }) => ({ where: `policies/${id}`, message: 'it permits' })),
}
