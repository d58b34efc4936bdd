import type { Sessions } from '../pages/account/sources.ts'
import type { SessionAdministration } from './session.ts'

/** More than a user can have: see the realm's setting `session.most`. */
const LIMIT = 500

/** A user's own sessions, for the account pages. */
export function accountSessions(administration: SessionAdministration): Sessions {
  return {
    async list(tenant, subject, current) {
      const { items } = await administration.list(tenant, { subject, limit: LIMIT })
      return items.map(({ id, userAgent, address, signedInAt, seenAt }) => ({
        id,
        current: id === current,
        userAgent,
        address,
        signedInAt,
        lastSeenAt: seenAt,
      }))
    },
    async end(tenant, subject, id) {
      await administration.endSession(tenant, id, subject)
    },
    async endOthers(tenant, subject, current) {
      await administration.endOthers(tenant, subject, current)
    },
  }
}
