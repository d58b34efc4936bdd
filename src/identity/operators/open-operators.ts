import type { Hono } from 'hono'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { RevocationPublisher } from '../../revocation/revocation.ts'
import { type Access, signAccessToken } from '../../tokens/access-token.ts'
import type { Directory } from '../directory/directory.ts'
import type { IdentityDatabase } from '../identity-database.ts'
import type { SupportAccess } from '../pages/account/sources.ts'
import type { RealmKeys } from '../realm-keys.ts'
import type { RealmStore } from '../realm-store.ts'
import type { MailLinks } from '../sign-in/sign-in.ts'
import { PostgresSupportRecord } from '../support/postgres-support-record.ts'
import { supportAdmin } from '../support/support-admin.ts'
import { tenantSupport } from '../support/tenant-support.ts'
import { accountsAdmin } from './accounts-admin.ts'
import { LocalOperatorAccounts } from './operator-accounts.ts'

export interface OperatorsOptions {
  readonly database: IdentityDatabase
  readonly directory: Directory
  readonly realms: RealmStore
  readonly keys: RealmKeys
  readonly publisher: RevocationPublisher
  /** Mails invitations. */
  readonly links: Pick<MailLinks, 'invite'>
  /** The audience of access tokens: the platform's API. */
  readonly audience: string
}

export interface Operators {
  /** For `Mounted.admin`: accounts of operators, and tenants' records of their accesses. */
  readonly admin: (app: Hono) => void
  /** For `PagesOptions.support`: a tenant's record, for its own administrators. */
  readonly support: SupportAccess
  readonly record: PostgresSupportRecord
}

/** What the identity plane keeps of the people who operate the platform. */
export function openOperators(options: OperatorsOptions): Operators {
  const { database, directory, publisher, realms } = options
  const record = new PostgresSupportRecord({
    database,
    directory,
    publisher,
    sign: signer(options),
  })
  const accounts = new LocalOperatorAccounts({ ...options, realms })
  const parts = [accountsAdmin(accounts), supportAdmin(record)]
  return {
    admin: (app) => parts.forEach((add) => add(app)),
    support: tenantSupport(record),
    record,
  }
}

function signer({ realms, keys, audience }: OperatorsOptions) {
  return async (tenant: TenantId, access: Access, seconds: number): Promise<string> => {
    const realm = await realms.find(tenant)
    if (realm?.open !== true) throw new RingfenceError('not_found', 'there is no such open realm')
    const { issuer } = realm
    return signAccessToken(await keys.signing(tenant), { issuer, audience }, access, seconds)
  }
}
