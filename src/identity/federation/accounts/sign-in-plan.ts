import type { Account, AccountChange, Directory } from '../../directory/directory.ts'
import type { Connection } from '../connection/connection.ts'
import type { DomainStore } from '../domains/domain-store.ts'
import type { ExternalUser } from '../external-user.ts'
import { applyMapping, type MappedUser, type MappingOutcome } from '../mapping/apply-mapping.ts'
import { MAPPED_FIELDS } from '../mapping/mapping-spec.ts'
import type { RefusalReason } from '../refusal.ts'
import type { LinkStore } from './link-store.ts'

/** How many users with the same address are looked at for the one that has proven it. */
const SAME_ADDRESS_MAX = 100

/** What a sign-in would do, and on what grounds. Making a plan changes nothing. */
export interface SignInPlan {
  readonly mapping: MappingOutcome
  /** The address is vouched for by a provider for whose users this tenant has proven the domain. */
  readonly emailTrusted: boolean
  readonly change: AccountChange
  readonly step:
    | { readonly kind: 'known'; readonly account: Account }
    | { readonly kind: 'link'; readonly account: Account }
    | { readonly kind: 'create' }
    | { readonly kind: 'refuse'; readonly reason: RefusalReason }
}

export interface PlanSources {
  readonly directory: Directory
  readonly links: LinkStore
  readonly domains: DomainStore
}

export async function planSignIn(
  sources: PlanSources,
  connection: Connection,
  external: ExternalUser,
): Promise<SignInPlan> {
  const mapping = applyMapping(connection.config.mapping, external.claims)
  const { email } = mapping.user.fields
  const emailTrusted =
    email !== undefined &&
    mapping.user.emailVerified &&
    (await sources.domains.isVerified(connection.tenant, connection.id, email))
  return {
    mapping,
    emailTrusted,
    change: changeOf(mapping.user, emailTrusted),
    step: await stepOf(sources, connection, external, mapping.user, emailTrusted),
  }
}

/** What came is taken over; what did not come stays. An address is verified only when it is trusted. */
function changeOf({ fields }: MappedUser, emailTrusted: boolean): AccountChange {
  const change: { -readonly [Field in keyof AccountChange]: AccountChange[Field] } = {}
  for (const field of MAPPED_FIELDS) {
    const value = fields[field]
    if (value !== undefined) change[field] = value
  }
  return emailTrusted ? { ...change, emailVerified: true } : change
}

async function stepOf(
  { directory, links }: PlanSources,
  connection: Connection,
  external: ExternalUser,
  { fields, emailVerified }: MappedUser,
  emailTrusted: boolean,
): Promise<SignInPlan['step']> {
  const { tenant, config } = connection
  const linked = await links.find(connection, external)
  const known = linked === undefined ? undefined : await directory.account(tenant, linked)
  if (known !== undefined) return ifActive(known, { kind: 'known', account: known })
  if (config.provisioning === 'off') return refuse('not_linked')
  if (fields.email === undefined || !emailTrusted) {
    if (config.provisioning === 'create') return { kind: 'create' }
    return refuse(emailVerified ? 'domain_not_verified' : 'email_not_verified')
  }
  const same = await byVerifiedEmail(directory, connection, fields.email)
  if (same === undefined) {
    return config.provisioning === 'create' ? { kind: 'create' } : refuse('not_linked')
  }
  // The address belonged to somebody else at the provider before: it was given to a new person.
  if (await links.isLinked(connection, same.subject)) return refuse('already_linked')
  return ifActive(same, { kind: 'link', account: same })
}

/** By address alone, and never by user name, though one may look like the other. */
async function byVerifiedEmail(
  directory: Directory,
  { tenant }: Connection,
  email: string,
): Promise<Account | undefined> {
  const { items } = await directory.accounts(tenant, { offset: 0, limit: SAME_ADDRESS_MAX }, [
    { field: 'email', is: 'equal', value: email },
  ])
  return items.find(({ emailVerified }) => emailVerified)
}

function ifActive(account: Account, step: SignInPlan['step']): SignInPlan['step'] {
  return account.active ? step : refuse('account_inactive')
}

function refuse(reason: RefusalReason): SignInPlan['step'] {
  return { kind: 'refuse', reason }
}
