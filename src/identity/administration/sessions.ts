import type { RealmOutput } from '../../administration/operations.ts'
import type { SESSION_OPERATIONS } from '../../administration/sessions.ts'
import { parseSubject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Session, SessionQuery } from '../sessions/session.ts'
import { doneNow, notFound, type RealmHandlers, time } from './realm-handlers.ts'
import type { RealmServices } from './realm-services.ts'
import { expectRealm } from './users.ts'

/** As many as the list gives at once. */
const LIMIT_MAX = 500

export function sessionHandlers(
  services: Pick<RealmServices, 'sessions' | 'realms'>,
): RealmHandlers<typeof SESSION_OPERATIONS> {
  const { sessions } = services
  const list = async (tenant: TenantId, query: SessionQuery): Promise<readonly Session[]> => {
    const first = await sessions.list(tenant, { ...query, limit: Math.min(query.limit, LIMIT_MAX) })
    const left = query.limit - LIMIT_MAX
    if (left <= 0 || first.next === undefined) return first.items
    const more = await sessions.list(tenant, { ...query, limit: left, cursor: first.next })
    return [...first.items, ...more.items]
  }
  return {
    async listSessions({ tenant, input: { user, client, device, limit, after } }) {
      await expectRealm(services, tenant)
      const query = { subject: user, client, device, limit, cursor: after }
      return { items: (await list(tenant, query)).map(wireSession) }
    },
    async getSession({ tenant, input }) {
      const found = await sessions.get(tenant, input.session)
      if (found === undefined) throw notFound('session')
      return wireSession(found)
    },
    async endSession({ tenant, input, call }) {
      const was = await sessions.endSession(tenant, input.session)
      if (!was && call.repeated !== true) throw notFound('session')
      return doneNow()
    },
    async endSessions({ tenant, input: { user, client, device } }) {
      await expectRealm(services, tenant)
      let counted: number | null = null
      if (user !== undefined && device !== undefined) {
        counted = await sessions.endDevice(tenant, parseSubject(user), device)
      } else if (user !== undefined) await sessions.endSubject(tenant, parseSubject(user))
      else if (client !== undefined) await sessions.endClient(tenant, client)
      else await sessions.endTenant(tenant)
      return { ...doneNow(), sessions: counted }
    },
  }
}

function wireSession(session: Session): RealmOutput<'getSession'> {
  return {
    id: session.id,
    user: session.subject,
    started_at: time(session.startedAt),
    signed_in_at: time(session.signedInAt),
    seen_at: time(session.seenAt),
    device: session.device,
    address: session.address ?? null,
    acr: session.acr ?? null,
    amr: [...session.amr],
    clients: session.clients.map(({ client, sid }) => ({ client, sid })),
  }
}
