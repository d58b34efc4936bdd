import type { AccountClaims } from 'oidc-provider'
import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Authorities } from './authorities.ts'

const PROFILE = ['name', 'given_name', 'family_name', 'preferred_username'] as const
const EMAIL = ['email', 'email_verified'] as const

/** What an ID token says, by scope: of the tenant always, of the person only what was asked for. */
export const idClaims = {
  byScope: {
    openid: ['sub', 'tenant_id', 'auth_time', 'acr', 'amr'],
    profile: [...PROFILE],
    email: [...EMAIL],
    sid: null,
    iss: null,
  },

  async of(
    tenant: TenantId,
    subject: Subject,
    scope: string,
    authorities: Authorities,
  ): Promise<AccountClaims> {
    const claims = { sub: subject, tenant_id: tenant }
    const scopes = scope.split(' ')
    if (!scopes.includes('profile') && !scopes.includes('email')) return claims
    const account = await authorities.account(tenant, subject)
    if (account === undefined) return claims
    return {
      ...claims,
      name: account.displayName,
      given_name: account.givenName,
      family_name: account.familyName,
      preferred_username: account.userName,
      email: account.email,
      email_verified: account.email === undefined ? undefined : account.emailVerified,
    }
  },
}
