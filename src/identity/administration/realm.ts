import { REALM_OPERATIONS_OF_ITS_OWN, type RevocableKind } from '../../administration/realm.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { ScimToken } from '../scim/tokens/scim-administration.ts'
import { doneNow, idOf, notFound, pageOf, type RealmHandlers, time } from './realm-handlers.ts'
import type { RealmServices } from './realm-services.ts'
import { expectRealm, unlessGone } from './users.ts'

type Services = Pick<RealmServices, 'database' | 'realms' | 'scim' | 'endAccess' | 'sessions'>

export function realmHandlers(
  services: Services,
): RealmHandlers<typeof REALM_OPERATIONS_OF_ITS_OWN> {
  const { realms, scim } = services
  const read = async (tenant: TenantId) => {
    const row = await realms.find(tenant)
    if (row === undefined) throw notFound('realm')
    const { issuer, displayName, open, settings, version } = row
    return { issuer, display_name: displayName, open, settings: { ...settings }, revision: version }
  }
  return {
    getRealm: ({ tenant }) => read(tenant),
    async putRealmSettings({ tenant, input: { settings, if_revision } }) {
      // Read strictly by whoever keeps them.
      await realms.putSettings(tenant, settings, if_revision)
      return read(tenant)
    },
    async listScimTokens({ tenant, input }) {
      await expectRealm(services, tenant)
      const all = (await scim.list(tenant)).map(wireToken)
      return pageOf(all, REALM_OPERATIONS_OF_ITS_OWN.listScimTokens.keyOf, input)
    },
    async createScimToken({ tenant, input: { name, days, emails_verified }, call }) {
      const id = idOf(tenant, 'scim-token', call)
      // The one of a call whose answer was lost is nobody's.
      if (call.repeated === true && id !== undefined) {
        await unlessGone(true, () => scim.revoke(tenant, id))
      }
      const asked = { name, days, emailsVerified: emails_verified }
      const { secret, ...made } = await scim.create(tenant, asked, id)
      return { token: wireToken(made), secret }
    },
    async revokeScimToken({ tenant, input: { scim_token }, call }) {
      await unlessGone(call.repeated, () => scim.revoke(tenant, scim_token))
      return doneNow()
    },
    async revoke({ tenant, input: { kind, id } }) {
      await expectRealm(services, tenant)
      await revoke(services, tenant, kind, id)
      return doneNow()
    },
  }
}

/** Ends what there is of it as well: what is voided is not issued again by what is left. */
async function revoke(
  { database, endAccess, sessions }: Services,
  tenant: TenantId,
  kind: RevocableKind,
  id: string | undefined,
): Promise<void> {
  if (kind === 'tenant') return sessions.endTenant(tenant)
  if (id === undefined) throw new RingfenceError('invalid_argument', `which ${kind}?`)
  if (kind === 'token') return endAccess.ofToken(tenant, id)
  if (kind === 'user') return sessions.endSubject(tenant, parseSubject(id))
  if (kind === 'client') return sessions.endClient(tenant, id)
  if (await sessions.endSession(tenant, id)) return
  // A `sid` without a session here: of a device, an API key, or one that is over.
  await database.transaction((rows) => endAccess.ofSession(rows, tenant, id))
}

function wireToken(token: ScimToken) {
  return {
    id: token.id,
    name: token.name,
    emails_verified: token.emailsVerified,
    created_at: time(token.madeAt),
    expires_at: time(token.expiresAt),
    used_at: token.lastUsedAt?.toISOString() ?? null,
  }
}
