import type { GRANT_USE_OPERATIONS } from '../../administration/grant-uses.ts'
import { RingfenceError } from '../../core/errors.ts'
import { usesOf } from '../delegation/grants.ts'
import { type RealmHandlers, time } from './realm-handlers.ts'
import type { RealmServices } from './realm-services.ts'
import { expectRealm } from './users.ts'

export function grantUseHandlers(
  services: Pick<RealmServices, 'database' | 'realms'>,
): RealmHandlers<typeof GRANT_USE_OPERATIONS> {
  return {
    async listGrantUses({ tenant, input: { grant, limit, after } }) {
      await expectRealm(services, tenant)
      const uses = await usesOf(services.database, tenant, {
        grant,
        limit,
        after: after === undefined ? undefined : positionIn(after),
      })
      return { items: uses.map(({ at, ...use }) => ({ ...use, at: time(at) })) }
    },
  }
}

/** The moment and the token of the last use of a page. */
function positionIn(key: string): { readonly at: Date; readonly token: string } {
  const [, ms, token] = /^(\d{1,15})\.(.+)$/.exec(key) ?? []
  if (ms === undefined || token === undefined) {
    throw new RingfenceError('invalid_argument', 'after: not a key of this list')
  }
  return { at: new Date(Number(ms)), token }
}
