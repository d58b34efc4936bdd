import type { TenantId } from '../core/tenant.ts'
import type { ServiceName } from '../core/names.ts'
import type { ClaimedAccess } from '../tokens/access-token.ts'
import { signInIn } from '../tokens/sign-in-claims.ts'
import type { TenantContext } from '../tokens/tenant-context.ts'
import type { Exchange } from './exchange.ts'

type OfTheToken = Pick<TenantContext, 'subject' | 'roles' | 'origin'> & ReturnType<typeof signInIn>

const kept = new WeakMap<ClaimedAccess, OfTheToken>()

/** What a service is told of who calls: of the token what it says, of the tenant what was called. */
export function contextOf(
  { scopes, requestId }: Pick<Exchange, 'scopes' | 'requestId'>,
  tenant: TenantId,
  service: ServiceName,
  claimed: ClaimedAccess,
): TenantContext {
  let ofTheToken = kept.get(claimed)
  if (ofTheToken === undefined) kept.set(claimed, (ofTheToken = read(claimed)))
  return { kind: 'request', tenant, service, scopes, requestId, ...ofTheToken }
}

function read(claimed: ClaimedAccess): OfTheToken {
  const { subject, roles, id, client, issuedAt } = claimed
  return { subject, roles, ...signInIn(claimed), origin: { id, client, issuedAt } }
}
