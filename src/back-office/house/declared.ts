import { KIND_NAMES, MANIFEST_VERSION, type ManifestKind } from '../../manifests/kinds.ts'
import { type Manifest, manifestSchema } from '../../manifests/manifest.ts'
import { STANDARD } from './ground.ts'

/** A manifest as a body holds it. */
export interface Form {
  readonly apiVersion: string
  readonly kind: ManifestKind
  readonly metadata: { readonly name: string; readonly tenant?: string }
  readonly spec: Readonly<Record<string, unknown>>
}

export function form(kind: ManifestKind, name: string, spec: Form['spec'], tenant?: string): Form {
  const metadata = { name, ...(tenant === undefined ? {} : { tenant }) }
  return { apiVersion: MANIFEST_VERSION, kind, metadata, spec }
}

export function guardrailForm(name: string, tenant?: string, bytes = 1_000): Form {
  return form('Guardrail', name, { direction: 'both', rules: [{ kind: 'size', bytes }] }, tenant)
}

export function upstreamForm(name: string, url: string, tenant?: string): Form {
  return form('Upstream', name, { servers: [{ url }] }, tenant)
}

/** A tenant's one store, of one policy. */
export function storeForm(tenant: string, text: string, more: object = {}): Form {
  return form('PolicyStore', 'main', { policies: [{ id: 'one', text }], ...more }, tenant)
}

/** A contract that forwards to one upstream of the tenant's own. */
export function contractForm(tenant: string, upstream: string): Form {
  const api = { name: 'own', prefix: '/own', upstream: { of: 'tenant', name: upstream } }
  return form('Contract', 'own', { apis: [api] }, tenant)
}

export function planForm(name: string, requestsPerMinute: number): Form {
  return form('Plan', name, {
    ...{ tiers: ['pooled'], requestsPerMinute, leasesPerMinute: 60, leaseSecondsMax: 900 },
    selfService: ['Contract', 'Guardrail', 'PolicyStore', 'Upstream'],
  })
}

/** Where one form stands, by itself. */
export function pathOf({ kind, metadata: { name, tenant } }: Form): string {
  const below = tenant === undefined ? '/v1' : `/v1/tenants/${tenant}`
  return `${below}/objects/${KIND_NAMES[kind]}/${name}`
}

export function read(one: Form): Manifest {
  return manifestSchema.parse(one)
}

/** The platform's guardrail: everybody may know it, and nobody but the platform changes it. */
export const EVERYBODYS = 'guardrail/everybodys'

/** What the platform of a rehearsal declares. */
export const GROUND_MANIFESTS: readonly Manifest[] = [
  guardrailForm('everybodys'),
  planForm(STANDARD, 600),
].map(read)
