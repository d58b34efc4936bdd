import type { KoaContextWithOIDC } from 'oidc-provider'
import type { DenialThrottle } from '../../audit/denial-throttle.ts'
import { OPERATORS_REALM } from '../../core/operators-realm.ts'
import type { TenantId } from '../../core/tenant.ts'
import { type ClaimedAccess, claimedAccess } from '../../tokens/access-token.ts'
import { enter, enterDenial } from '../entering.ts'
import type { Rows } from '../identity-database.ts'
import { DELEGATION_CLIENT } from './built-in-clients.ts'

/** A device that asks again and again (RFC 8628, section 3.5): nothing is decided yet. */
const NOT_YET: ReadonlySet<string> = new Set(['authorization_pending', 'slow_down'])

/**
 * Enters what the token endpoint is about to answer: which token was issued to whom, or that one was
 * refused. Nothing of a token but its id.
 * @throws RingfenceError when it cannot be entered: then nothing of the answer may leave
 */
export async function enterTokenAnswer(
  ctx: KoaContextWithOIDC,
  tenant: TenantId,
  rows: Rows,
  throttle: DenialThrottle,
): Promise<void> {
  if (ctx.oidc?.route !== 'token') return
  const grant = text(ctx.oidc.params?.['grant_type'])
  const body: unknown = ctx.body
  const answer = typeof body === 'object' && body !== null ? body : {}
  if (ctx.status === 200) {
    const token = 'access_token' in answer ? claimedAccess(String(answer.access_token)) : undefined
    // The use of a grant is in both tenants' logs already.
    if (token?.client === DELEGATION_CLIENT && token.delegation !== undefined) return
    await enterIssued(rows, tenant, grant, token, ctx.oidc.client?.clientId)
    return
  }
  const reason = 'error' in answer ? text(answer.error) : undefined
  if (ctx.status < 400 || ctx.status >= 500 || NOT_YET.has(reason ?? '')) return
  await enterDenial(rows, throttle, tenant, {
    action: 'token.refused',
    reason,
    // Whoever authenticated or did not: of a public client anybody can say that it is it.
    detail: { grant_type: grant, client: ctx.oidc.client?.clientId },
  })
}

async function enterIssued(
  rows: Rows,
  tenant: TenantId,
  grant: string | undefined,
  token: ClaimedAccess | undefined,
  client: string | undefined,
): Promise<void> {
  const isUser = token !== undefined && token.subject !== client
  await enter(rows, tenant, {
    ...{ category: 'authentication', action: 'token.issued', decision: 'allowed' },
    actor: { kind: 'client', id: client ?? 'unknown' },
    ...(isUser ? { on_behalf_of: { kind: kindIn(tenant), id: token.subject } } : {}),
    ...(token === undefined ? {} : { object: { type: 'token', id: token.id } }),
    detail: { grant_type: grant, scopes: token?.scopes.join(' '), session: token?.session },
  })
}

const kindIn = (tenant: TenantId) => (tenant === OPERATORS_REALM ? 'operator' : 'user')

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 100) : undefined
}
