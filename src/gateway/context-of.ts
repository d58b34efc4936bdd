import type { TenantId } from '../core/tenant.ts'
import type { ServiceName } from '../core/names.ts'
import type { ClaimedAccess } from '../tokens/access-token.ts'
import { signInIn } from '../tokens/sign-in-claims.ts'
import type { Exchange } from './exchange.ts'
import { TokenNote } from './note.ts'
import type { SaidContext } from './signed-contexts.ts'

const last = new TokenNote<SaidContext>()

/**
 * What a service is told of who calls: of the token what it says, of the tenant what was called. The
 * same object again where it says the same.
 * @param billed who pays under a grant
 */
export function contextOf(
  exchange: Pick<Exchange, 'scopes' | 'read'>,
  tenant: TenantId,
  service: ServiceName,
  claimed: ClaimedAccess,
  billed?: TenantId,
): SaidContext {
  const { scopes } = exchange
  const known = last.get(exchange)
  if (known?.tenant === tenant && known.service === service && known.scopes === scopes) {
    // A grant is in the token: who pays by it does not change from one request to the next.
    if (known.billed === billed) return known
  }
  const { subject, roles, id, client, issuedAt } = claimed
  const origin = { id, client, issuedAt }
  const signIn = signInIn(claimed)
  const said = {
    kind: 'request',
    tenant,
    service,
    scopes,
    subject,
    roles,
    ...signIn,
    origin,
    ...(billed === undefined ? {} : { billed }),
  } as const
  last.set(exchange, said)
  return said
}
