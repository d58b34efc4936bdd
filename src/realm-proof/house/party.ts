import { randomBytes } from 'node:crypto'
import { parseSubject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'

/**
 * The user whom every realm has, under one subject and one name: whoever forgets the realm takes one
 * for the other.
 */
export const PERSON = parseSubject('alice')
/** The user of a realm who can do nothing. */
export const NOVICE = parseSubject('bob')
export const PASSWORD = 'violet-harbor-92-quilt'

/** One tenant of a rehearsal, with all that is its own. */
export interface Party {
  readonly tenant: TenantId
  readonly issuer: string
  /** Where its application takes its users back. */
  readonly callback: string
  /** Its domain for mail. */
  readonly domain: string
  /** What its user is called. */
  readonly nameCanary: string
  /** Its user's address. */
  readonly mailCanary: string
  readonly groupCanary: string
  /** Of its identity provider: a person there. */
  readonly personCanary: string
  /** A client that no other realm has. */
  readonly onlyClient: string
}

export function makeParty(tenant: TenantId, base: string): Party {
  const canary = (kind: string) => `${kind}-canary-${randomBytes(8).toString('hex')}`
  const domain = `${tenant}.test`
  return {
    tenant,
    issuer: `${base}/realms/${tenant}`,
    callback: `https://app.${domain}/cb`,
    domain,
    nameCanary: canary('name'),
    mailCanary: `${canary('mail')}@${domain}`,
    groupCanary: canary('group'),
    personCanary: canary('person'),
    onlyClient: `only-${tenant}`,
  }
}

/** What nobody but the tenant's own people may read. */
export function canariesOf(party: Party): readonly string[] {
  const { nameCanary, mailCanary, groupCanary, personCanary } = party
  return [nameCanary, mailCanary, groupCanary, personCanary]
}
