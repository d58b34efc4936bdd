import { parseTenantId } from '../../core/tenant.ts'
import { manifestSchema } from '../../manifests/manifest.ts'
import { OPERATOR_SCOPES } from '../control-plane.ts'
import type { Call } from './api-client.test-support.ts'
import type { MemoryPlane } from './memory-plane.test-support.ts'

const SPEC = { direction: 'both', rules: [{ kind: 'size', bytes: 10 }] }
const WIDER = { spec: { ...SPEC, rules: [{ kind: 'size', bytes: 11 }] }, why: 'more' }
const METADATA = { name: 'sizes', tenant: parseTenantId('acme') }
const form = (metadata: object) => ({
  apiVersion: 'ringfence.dev/v1',
  kind: 'Guardrail',
  metadata,
  spec: SPEC,
})
const OWN = '/v1/tenants/acme/objects/guardrail/sizes'
const PLATFORM = '/v1/objects/guardrail/sizes'

/** A guardrail of the platform and one of a tenant, for the calls below. */
export async function furnishObjects(plane: MemoryPlane): Promise<void> {
  const manifests = [form({ name: 'sizes' }), form(METADATA)].map((one) =>
    manifestSchema.parse(one),
  )
  const scopes = OPERATOR_SCOPES
  await plane.manifests.apply(
    { manifests },
    { kind: 'system', name: 'test', scopes, requestId: 'furnish' },
  )
}

/** One call of each operation on manifests that succeeds. */
export const OBJECT_CALLS: Readonly<Record<string, () => [string, Call]>> = {
  applyObjects: () => [
    '/v1/apply',
    { body: { objects: [form({ name: 'more' })], set: 'repository', prune: true } },
  ],
  listObjects: () => ['/v1/objects?kind=guardrail&limit=1', {}],
  getDrift: () => ['/v1/drift', {}],
  getPlatformObject: () => [PLATFORM, {}],
  getPlatformObjectHistory: () => [`${PLATFORM}/history`, {}],
  putPlatformObject: () => [PLATFORM, { body: WIDER, headers: { 'if-match': '*' } }],
  deletePlatformObject: () => [`${PLATFORM}?why=done`, {}],
  getTenantObject: () => [`${OWN}?generation=1`, {}],
  getTenantObjectHistory: () => [`${OWN}/history`, {}],
  putTenantObject: () => [OWN, { body: WIDER }],
  deleteTenantObject: () => [OWN, {}],
}
