/** The form that all manifests have. */
export const MANIFEST_VERSION = 'ringfence.dev/v1'

/** What can be declared in files, applied, exported, and kept in Git. */
export const MANIFEST_KINDS = [
  'Tenant',
  'Plan',
  'Upstream',
  'Contract',
  'Guardrail',
  'PolicyStore',
  'Meter',
] as const
export type ManifestKind = (typeof MANIFEST_KINDS)[number]

/** Each kind in addresses and on the command line. */
export const KIND_NAMES: Readonly<Record<ManifestKind, string>> = {
  Tenant: 'tenant',
  Plan: 'plan',
  Upstream: 'upstream',
  Contract: 'contract',
  Guardrail: 'guardrail',
  PolicyStore: 'policy-store',
  Meter: 'meter',
}

/** Kinds that a tenant can have of its own. The others are the platform's. */
export const TENANT_KINDS = ['Upstream', 'Contract', 'Guardrail', 'PolicyStore'] as const
export type TenantKind = (typeof TENANT_KINDS)[number]

export function isTenantKind(kind: ManifestKind): kind is TenantKind {
  return TENANT_KINDS.some((one) => one === kind)
}

/** The kind that somebody means: `Contract`, `contract`, `contracts`, `policystores`. */
export function kindNamed(name: string): ManifestKind | undefined {
  const plain = name.toLowerCase().replaceAll('-', '')
  return MANIFEST_KINDS.find((kind) =>
    [kind.toLowerCase(), `${kind.toLowerCase()}s`].includes(plain),
  )
}
