import { Resolver } from 'node:dns/promises'
import { RingfenceError } from '../../../core/errors.ts'
import type { TenantId } from '../../../core/tenant.ts'
import { type ConnectionId, parseConnectionId } from '../connection/connection-id.ts'
import { newSecretValue } from '../flow/secret-value.ts'
import type { IdentityDatabase } from '../../identity-database.ts'
import { domainOfEmail, type EmailDomain } from './email-domain.ts'

const RECORD_LABEL = '_ringfence-challenge'
const RECORD_PREFIX = 'ringfence-domain-verification='
/** A proof that has not been seen for so long is none. */
const PROOF_DAYS = 30
/** How often a proof is looked at again. */
const RECHECK_DAYS = 7
const RECHECKS_AT_ONCE = 50
const DOMAINS_MAX = 100
const DNS_MS = 5_000

/** The TXT records of a name, each in one piece. An empty list: there are none. */
export type TxtLookup = (name: string) => Promise<readonly string[]>

/** A domain that a tenant says is its own. */
export interface DomainClaim {
  readonly domain: EmailDomain
  readonly connection: ConnectionId
  /** Where in DNS the proof goes, and what it is. */
  readonly recordName: string
  readonly recordValue: string
  readonly verified: boolean
  readonly checkedAt: Date | undefined
}

/**
 * Which e-mail domains are a tenant's own, by proof in DNS. A proof is a tenant's and a connection's;
 * that another tenant has one neither helps nor is told. At each look the domain's own records decide
 * over all claims to it at once: who is no longer there is no longer believed.
 */
export class DomainStore {
  readonly #database: IdentityDatabase
  readonly #lookup: TxtLookup

  constructor(database: IdentityDatabase, lookup: TxtLookup = lookupTxt) {
    this.#database = database
    this.#lookup = lookup
  }

  async list(tenant: TenantId): Promise<readonly DomainClaim[]> {
    const rows = await this.#database.query<Row>(
      `select ${COLUMNS} from identity.federation_domain where tenant = $1
       order by domain, connection`,
      [tenant],
    )
    return rows.map(claimOf)
  }

  /**
   * Enters a claim. Claimed again, it keeps its token.
   * @throws RingfenceError `not_found` (the connection), `conflict` (too many)
   */
  async claim(tenant: TenantId, connection: ConnectionId, domain: EmailDomain) {
    const [row] = await this.#database.query<Row>(
      `insert into identity.federation_domain (tenant, connection, domain, token)
       select c.tenant, c.id, $3, $4 from identity.federation_connection c
       where c.tenant = $1 and c.id = $2 and (select count(*) from identity.federation_domain
         where tenant = $1 and (connection, domain) <> ($2, $3)) < $5
       on conflict (tenant, connection, domain) do update set domain = excluded.domain
       returning ${COLUMNS}`,
      [tenant, connection, domain, newSecretValue(), DOMAINS_MAX],
    )
    if (row !== undefined) return claimOf(row)
    throw new RingfenceError(
      'not_found',
      `there is no such connection, or the realm has ${DOMAINS_MAX} domains`,
    )
  }

  /**
   * Looks for the proof.
   * @throws RingfenceError `not_found` (no such claim), `check_failed` (no proof is there, or DNS did
   *   not answer: then nothing changes)
   */
  async verify(tenant: TenantId, connection: ConnectionId, domain: EmailDomain): Promise<void> {
    const claims = await this.#database.query(
      `select from identity.federation_domain
       where tenant = $1 and connection = $2 and domain = $3`,
      [tenant, connection, domain],
    )
    if (claims.length === 0) throw new RingfenceError('not_found', 'there is no such claim')
    const decided = await this.#decide(domain, { tenant, connection })
    if (!decided) {
      throw new RingfenceError('check_failed', `the proof was not found at ${recordName(domain)}`)
    }
  }

  /** Not an error when it was not there. */
  async remove(tenant: TenantId, connection: ConnectionId, domain: EmailDomain): Promise<void> {
    await this.#database.query(
      `delete from identity.federation_domain
       where tenant = $1 and connection = $2 and domain = $3`,
      [tenant, connection, domain],
    )
  }

  /** Whether this tenant has proven the address's domain for this connection. */
  async isVerified(tenant: TenantId, connection: ConnectionId, email: string): Promise<boolean> {
    const domain = domainOfEmail(email)
    if (domain === undefined) return false
    const found = await this.#database.query(
      `select from identity.federation_domain
       where tenant = $1 and connection = $2 and domain = $3 and ${IS_PROVEN}`,
      [tenant, connection, domain],
    )
    return found.length > 0
  }

  /**
   * The one connection that has proven the address's domain, inside this realm alone. Undefined when
   * there is none, and when there are two: nobody is sent to where they may not belong.
   */
  async connectionFor(tenant: TenantId, email: string): Promise<ConnectionId | undefined> {
    const domain = domainOfEmail(email)
    const found = await this.#database.query<{ connection: string }>(
      `select connection from identity.federation_domain
       where tenant = $1 and domain = $2 and ${IS_PROVEN}`,
      [tenant, domain ?? ''],
    )
    const [only] = found
    return only !== undefined && found.length === 1 ? parseConnectionId(only.connection) : undefined
  }

  /** Looks again at proofs that were not looked at for a week. Call it now and then. */
  async recheck(): Promise<void> {
    const due = await this.#database.query<{ domain: EmailDomain }>(
      `select domain from identity.federation_domain
       where verified_at is not null and checked_at < now() - make_interval(days => $1)
       group by domain order by min(checked_at) limit $2`,
      [RECHECK_DAYS, RECHECKS_AT_ONCE],
    )
    for (const { domain } of due) {
      try {
        await this.#decide(domain, undefined)
      } catch (error) {
        if (!(error instanceof RingfenceError) || error.code !== 'check_failed') throw error
        // DNS did not answer. The proof ages; the others come first next time.
        await this.#database.query(
          'update identity.federation_domain set checked_at = now() where domain = $1',
          [domain],
        )
      }
    }
  }

  /** True when the asking claim is among those that the domain's records name. */
  async #decide(
    domain: EmailDomain,
    asking: { readonly tenant: TenantId; readonly connection: ConnectionId } | undefined,
  ): Promise<boolean> {
    const tokens = (await this.#records(domain))
      .filter((text) => text.startsWith(RECORD_PREFIX))
      .map((text) => text.slice(RECORD_PREFIX.length))
    const rows = await this.#database.query<{ mine: boolean; proven: boolean }>(
      `update identity.federation_domain set checked_at = now(),
         verified_at = case when token = any($2) then now() end
       where domain = $1 and (verified_at is not null or (tenant = $3 and connection = $4))
       returning (tenant = $3 and connection = $4) is true as mine,
         verified_at is not null as proven`,
      [domain, tokens, asking?.tenant ?? null, asking?.connection ?? null],
    )
    return rows.some(({ mine, proven }) => mine && proven)
  }

  async #records(domain: EmailDomain): Promise<readonly string[]> {
    try {
      return await this.#lookup(recordName(domain))
    } catch (error) {
      throw new RingfenceError('check_failed', `DNS did not answer for ${recordName(domain)}`, {
        cause: error,
      })
    }
  }
}

const COLUMNS = 'domain, connection, token, verified_at, checked_at'
const IS_PROVEN = `verified_at > now() - make_interval(days => ${PROOF_DAYS})`

interface Row {
  readonly domain: EmailDomain
  readonly connection: string
  readonly token: string
  readonly verified_at: Date | null
  readonly checked_at: Date | null
}

function claimOf(row: Row): DomainClaim {
  const provenSince = Date.now() - PROOF_DAYS * 24 * 3_600_000
  return {
    domain: row.domain,
    connection: parseConnectionId(row.connection),
    recordName: recordName(row.domain),
    recordValue: `${RECORD_PREFIX}${row.token}`,
    verified: row.verified_at !== null && row.verified_at.getTime() > provenSince,
    checkedAt: row.checked_at ?? undefined,
  }
}

function recordName(domain: EmailDomain): string {
  return `${RECORD_LABEL}.${domain}`
}

async function lookupTxt(name: string): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: DNS_MS, tries: 2 })
  try {
    return (await resolver.resolveTxt(name)).map((parts) => parts.join(''))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOTFOUND' || code === 'ENODATA') return []
    throw error
  }
}
