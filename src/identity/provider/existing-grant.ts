import type { Grant, KoaContextWithOIDC } from 'oidc-provider'
import { ACCOUNT_CLIENT, OPERATOR_CLIENT } from './built-in-clients.ts'
import type { RealmSettings } from './realm-settings.ts'
import { requestFacts } from './request-facts.ts'
import { sessionOfGrant } from './session-of-grant.ts'

/**
 * What the user has allowed the client before. The tenant's own clients are allowed what they ask
 * for without a question, where the realm's settings say so.
 */
export async function existingGrant(
  ctx: KoaContextWithOIDC,
  settings: RealmSettings,
): Promise<Grant | undefined> {
  const { client, provider, result, session } = ctx.oidc
  if (client === undefined || session === undefined) return undefined
  const { clientId } = client
  const id = result?.consent?.grantId ?? session.grantIdFor(clientId)
  const found = id === undefined ? undefined : await provider.Grant.find(id)
  const mayBeMade = found !== undefined || ctx.oidc.account !== undefined
  const grant =
    isAsked(ctx, clientId, settings) || !mayBeMade ? found : await allowed(ctx, clientId, found)
  if (grant !== undefined) {
    // Tokens of a new grant are of a new session: what revoked the old one does not void them.
    session.sidFor(clientId, sessionOfGrant(grant.jti))
  }
  return grant
}

function isAsked(ctx: KoaContextWithOIDC, clientId: string, settings: RealmSettings): boolean {
  if (clientId === ACCOUNT_CLIENT || clientId === OPERATOR_CLIENT) return false
  const firstParty = requestFacts(ctx).clients.get(clientId)?.firstParty === true
  return !firstParty || settings.consent === 'always'
}

async function allowed(
  ctx: KoaContextWithOIDC,
  clientId: string,
  found: Grant | undefined,
): Promise<Grant> {
  const { provider, account, requestParamOIDCScopes, requestParamScopes, resourceServers } =
    ctx.oidc
  const grant = found ?? new provider.Grant({ clientId, accountId: account?.accountId ?? '' })
  const missing = [...requestParamOIDCScopes].filter(
    (scope) => !grant.getOIDCScope().split(' ').includes(scope),
  )
  if (missing.length > 0) grant.addOIDCScope(missing.join(' '))
  let changed = found === undefined || missing.length > 0
  for (const [resource, server] of Object.entries(resourceServers ?? {})) {
    const had = grant.getResourceScope(resource).split(' ')
    const more = [...requestParamScopes].filter(
      (scope) => server.scope.split(' ').includes(scope) && !had.includes(scope),
    )
    if (more.length === 0) continue
    grant.addResourceScope(resource, more.join(' '))
    changed = true
  }
  if (changed) await grant.save()
  return grant
}
