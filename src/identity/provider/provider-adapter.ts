import { Provider, type Adapter, type AdapterPayload, errors } from 'oidc-provider'
import type { TenantId } from '../../core/tenant.ts'
import type { Artifact, ArtifactStore } from './artifact-store.ts'
import type { EndAccess } from './end-access.ts'
import type { PostgresArtifacts } from './postgres-artifacts.ts'

/** Kinds that another store than PostgreSQL may keep. */
const IN_SESSION_STORE = new Set(['Session', 'Interaction'])

export interface AdapterTools {
  readonly artifacts: PostgresArtifacts
  /** Where sessions and interactions are. */
  readonly sessions: ArtifactStore
  readonly endAccess: EndAccess
}

/** The provider's storage of one kind, of one realm: which one is not for the provider to say. */
export function artifactAdapter(tenant: TenantId, model: string, tools: AdapterTools): Adapter {
  const { artifacts, endAccess } = tools
  const store = IN_SESSION_STORE.has(model) ? tools.sessions : artifacts
  const keyOf = (id: string) => ({ tenant, model, id })
  return {
    async upsert(id, payload, seconds) {
      const artifact = { payload, seconds, ...(model === 'Session' ? whence() : {}) }
      if (model !== 'ReplayDetection') return store.put(keyOf(id), artifact)
      // The provider has looked, and others may have looked at the same moment.
      if (await artifacts.putFirst(keyOf(id), artifact)) return
      throw new errors.InvalidRequest('what may be used once was used before')
    },
    find: (id) => store.find(keyOf(id)),
    findByUid: (uid) => store.findByUid(tenant, model, uid),
    findByUserCode: (code) => artifacts.findByUserCode(tenant, code),
    async consume(id) {
      if (await artifacts.consume(keyOf(id))) return
      // Another request was first, after the provider looked: this one is the replay.
      const replayed: AdapterPayload | undefined = await artifacts.find(keyOf(id))
      if (replayed?.grantId !== undefined) await endAccess.ofGrant(tenant, replayed.grantId)
      throw new errors.InvalidGrant('used before')
    },
    async destroy(id) {
      if (model === 'Grant') return endAccess.ofGrant(tenant, id)
      return store.remove(keyOf(id))
    },
    revokeByGrantId: (grant) => artifacts.removeByGrant(tenant, model, grant),
  }
}

/** From what and from where the request under way comes. */
function whence(): Pick<Artifact, 'device' | 'address' | 'connection'> {
  const ctx = Provider.ctx
  if (ctx === undefined) return {}
  const connection = ctx.oidc?.result?.login?.['connection']
  return {
    device: ctx.get('user-agent'),
    address: ctx.ip,
    ...(typeof connection === 'string' ? { connection } : {}),
  }
}
