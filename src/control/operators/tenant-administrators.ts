import { z } from 'zod'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { TENANT_ADMIN_ROLE } from '../../core/tenant-admin.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { RevocationList } from '../../revocation/revocation.ts'
import { type Access, type TokenFacts, verifyAccessToken } from '../../tokens/access-token.ts'
import { publicJwkSchema } from '../../tokens/public-jwk.ts'
import { KeySet } from '../../tokens/verify-token.ts'
import { type Actor, TENANT_SCOPES } from '../control-plane.ts'
import type { Database } from '../database.ts'
import { TWO_FACTORS } from './operators-realm.ts'

/**
 * What a client of a tenant's realm must be allowed before a token that it gets is worth anything here:
 * an application that a tenant's administrator signs in to does not become the administrator.
 */
export const CONFIGURATION_SCOPE = 'configuration'

export interface TenantAdministratorsOptions {
  readonly database: Database
  /** The audience of access tokens of tenants' realms. */
  readonly audience: string
  /** What was taken back. Without it tokens are good for their whole life of minutes. */
  readonly revocations?: RevocationList
}

const rowSchema = z.object({
  issuer: z.string().nullable(),
  keys: z.array(publicJwkSchema),
})

/** Administrators of tenants, by the access tokens that their own realms give them. */
export class TenantAdministrators {
  readonly #options: TenantAdministratorsOptions

  constructor(options: TenantAdministratorsOptions) {
    this.#options = options
  }

  /**
   * Who presents this token, to act for the tenant whose realm gave it and for no other. One factor is
   * enough to read.
   * @param tenant that the token claims
   * @throws RingfenceError `not_authenticated`, whatever is wrong with it; `revocations_unknown`
   */
  async authenticate(token: string, tenant: TenantId, requestId: string): Promise<Actor> {
    const { database, audience } = this.#options
    const [row] = await database.query(
      `select issuer, keys from registry.tenant
        where id = $1 and status in ('active', 'moving') and serving is not null`,
      [tenant],
    )
    if (row === undefined) throw refused('of no tenant that is served')
    const { issuer, keys } = rowSchema.parse(row)
    if (issuer === null) throw refused('of a tenant without a realm')
    const access = await verifyAccessToken(token, new KeySet(keys), { issuer, audience }).catch(
      (error: unknown) => {
        throw refused(messageOf(error))
      },
    )
    this.#check(access, tenant)
    const twoFactors = access.acr === TWO_FACTORS
    const scopes = twoFactors ? TENANT_SCOPES : (['configuration:read'] as const)
    return {
      kind: 'administrator',
      name: `${tenant}/${access.subject}`,
      scopes,
      tenant,
      requestId,
      signedIn: {
        roles: [],
        twoFactors,
        beyond: TENANT_SCOPES.filter((scope) => !scopes.some((one) => one === scope)),
      },
    }
  }

  #check(access: Access & TokenFacts, tenant: TenantId): void {
    if (access.tenant !== tenant) throw refused('of another realm')
    if (!access.roles.includes(TENANT_ADMIN_ROLE)) throw refused('of nobody who administers')
    if (!access.scopes.includes(CONFIGURATION_SCOPE)) throw refused('of a client for other things')
    // An administrator acts in its own name, and nobody here can check a proof of a key.
    if (access.actor !== undefined) throw refused('acting for somebody')
    if (access.boundTo !== undefined) throw refused('bound to a key')
    const { id, subject, client, session, issuedAt } = access
    const revocable = { tenant, id, session, subject, client, issuedAt }
    if (this.#options.revocations?.revokes(revocable) === true) throw refused('revoked')
  }
}

function refused(detail: string): RingfenceError {
  return new RingfenceError('not_authenticated', 'the administrator’s access token is not valid', {
    detail,
  })
}
