import { z } from 'zod'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject, type Subject } from '../../core/names.ts'
import {
  isOver,
  needsConsent,
  shownSupportSchema,
  type ShownSupport,
  SUPPORT_DECISIONS,
  type SupportDecision,
  type SupportDecisionKind,
  supportSubject,
  termsDigest,
} from '../../core/support-terms.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { RevocationPublisher } from '../../revocation/revocation.ts'
import type { Access } from '../../tokens/access-token.ts'
import type { Directory } from '../directory/directory.ts'
import type { IdentityDatabase, Rows } from '../identity-database.ts'
import { type RecordedSupport, type SupportRecord, TENANT_ADMIN_ROLE } from './support-record.ts'
import { enter } from '../entering.ts'

const LISTED_MAX = 200
/** Through which client a support token was issued. */
const CLIENT = 'ringfence-support'
const ROLE = 'support'

export interface SupportRecordOptions {
  readonly database: IdentityDatabase
  readonly directory: Pick<Directory, 'authority'>
  /** Ends what was issued for an access, in the transaction that takes it back. */
  readonly publisher: RevocationPublisher
  /** Signs an access token of an open realm. @throws RingfenceError `not_found` where there is none */
  readonly sign: (tenant: TenantId, access: Access, seconds: number) => Promise<string>
}

/** Tenants' records of operators' accesses, in the schema `identity`. */
export class PostgresSupportRecord implements SupportRecord {
  readonly #options: SupportRecordOptions

  constructor(options: SupportRecordOptions) {
    this.#options = options
  }

  async mayDecide(tenant: TenantId, subject: Subject): Promise<boolean> {
    const authority = await this.#options.directory.authority(tenant, subject)
    return authority?.roles.includes(TENANT_ADMIN_ROLE) === true
  }

  async list(tenant: TenantId): Promise<readonly RecordedSupport[]> {
    const { database } = this.#options
    const rows = await database.query<{ shown: unknown }>(
      `select shown from identity.support_access where tenant = $1
        order by requested_at desc, id limit ${LISTED_MAX}`,
      [tenant],
    )
    const said = await decisionsOf(database, tenant, false)
    return rows.map(({ shown }) => {
      const access = shownOf(shown)
      return { ...access, said: said.filter((one) => one.access === access.id) }
    })
  }

  consent(tenant: TenantId, access: string, by: Subject): Promise<void> {
    return this.#decide(tenant, access, 'consent', by)
  }

  deny(tenant: TenantId, access: string, by: Subject): Promise<void> {
    return this.#decide(tenant, access, 'deny', by)
  }

  revoke(tenant: TenantId, access: string, by: Subject): Promise<void> {
    return this.#decide(tenant, access, 'revoke', by)
  }

  /** For the control plane: an older revision than is there changes nothing. */
  async show(access: ShownSupport): Promise<void> {
    const { tenant, id, revision, requestedAt } = access
    const rows = await this.#options.database.query(
      `insert into identity.support_access (tenant, id, revision, digest, shown, requested_at)
       select $1, $2, $3, $4, $5, $6 from identity.realm where tenant = $1
       on conflict (tenant, id) do update
         set revision = excluded.revision, shown = excluded.shown
         where support_access.digest = excluded.digest
           and support_access.revision < excluded.revision
       returning id`,
      [tenant, id, revision, termsDigest(access), JSON.stringify(access), requestedAt],
    )
    if (rows.length > 0) return
    const [there] = await this.#options.database.query<{ digest: string }>(
      'select digest from identity.support_access where tenant = $1 and id = $2',
      [tenant, id],
    )
    // The tenant's record does not change its mind about what was asked for.
    if (there?.digest === termsDigest(access)) return
    throw there === undefined
      ? new RingfenceError('not_found', 'there is no such realm')
      : new RingfenceError('conflict', 'the access has other terms')
  }

  /** For the control plane: what was said of accesses that were not over when they were shown. */
  decisions(tenant: TenantId): Promise<readonly SupportDecision[]> {
    return decisionsOf(this.#options.database, tenant, true)
  }

  /**
   * For the control plane: an access token of the tenant's realm. What the tenant itself has said is
   * looked at here again, whatever the control plane says of it.
   * @throws RingfenceError `conflict` unless the access is active, and agreed to by whoever must
   */
  async issue(
    tenant: TenantId,
    access: string,
    seconds: number,
  ): Promise<{ readonly token: string; readonly expiresAt: Date }> {
    const { database, sign } = this.#options
    return database.transaction(async (rows) => {
      const shown = await locked(rows, tenant, access)
      const now = Date.now()
      const left = Math.floor(((shown.endsAt?.getTime() ?? 0) - now) / 1000)
      const said = (await decisionsOf(rows, tenant, false)).filter((one) => one.access === access)
      if (shown.state !== 'active' || left < 1 || !agreed(shown, said)) {
        throw new RingfenceError('conflict', 'the access is not active in the tenant’s own record')
      }
      const life = Math.min(seconds, left)
      await enter(rows, tenant, {
        ...{ category: 'support', action: 'support.token', decision: 'allowed' },
        actor: { kind: 'operator', id: shown.operator },
        object: { type: 'support-access', id: access },
        detail: { seconds: life, scope: shown.scope },
      })
      const expiresAt = new Date((Math.floor(now / 1000) + life) * 1000)
      return { token: await sign(tenant, accessOf(shown), life), expiresAt }
    })
  }

  async #decide(
    tenant: TenantId,
    access: string,
    kind: SupportDecisionKind,
    by: Subject,
  ): Promise<void> {
    const { database, publisher } = this.#options
    if (!(await this.mayDecide(tenant, by))) {
      throw new RingfenceError('forbidden', `this needs the role ${TENANT_ADMIN_ROLE}`)
    }
    await database.transaction(async (rows) => {
      const shown = await locked(rows, tenant, access)
      const said = (await decisionsOf(rows, tenant, false)).filter((one) => one.access === access)
      if (said.some((one) => one.kind === kind)) return
      if (!maySay(shown, said, kind)) {
        throw new RingfenceError('conflict', `the access does not wait for that: ${shown.state}`)
      }
      await rows.query(
        `insert into identity.support_decision (tenant, access, kind, digest, by)
         values ($1, $2, $3, $4, $5)`,
        [tenant, access, kind, termsDigest(shown), by],
      )
      await enter(rows, tenant, {
        ...{ category: 'support', action: `support.${kind}` },
        actor: { kind: 'user', id: by },
        object: { type: 'support-access', id: access },
        decision: kind === 'consent' ? 'allowed' : 'denied',
        detail: { operator: shown.operator, scope: shown.scope },
      })
      if (kind === 'consent') return
      // Whatever the control plane does, or whether it is there: what was issued is void.
      await publisher.publish(rows, { kind: 'session', tenant, id: access, at: new Date() })
    })
  }
}

/** Whether the tenant's own words let it be. */
function agreed(shown: ShownSupport, said: readonly SupportDecision[]): boolean {
  if (said.some(({ kind }) => kind !== 'consent')) return false
  const digest = termsDigest(shown)
  return !needsConsent(shown.policy) || said.some((one) => one.digest === digest)
}

function maySay(
  shown: ShownSupport,
  said: readonly SupportDecision[],
  kind: SupportDecisionKind,
): boolean {
  if (isOver(shown.state) || said.some((one) => one.kind !== 'consent')) return false
  if (kind === 'revoke') return true
  const waits = shown.state === 'requested' || shown.state === 'approved'
  return waits && shown.decideBy.getTime() > Date.now() && (kind === 'deny' || needs(shown))
}

function needs({ policy }: ShownSupport): boolean {
  return needsConsent(policy)
}

function accessOf(shown: ShownSupport): Access {
  return {
    tenant: shown.tenant,
    subject: parseSubject(supportSubject(shown)),
    client: CLIENT,
    scopes: shown.scope === 'write' ? ['read', 'write'] : ['read'],
    roles: [ROLE],
    session: shown.id,
    actor: { subject: parseSubject(shown.operator) },
  }
}

async function locked(rows: Rows, tenant: TenantId, access: string): Promise<ShownSupport> {
  const [row] = await rows.query<{ shown: unknown }>(
    'select shown from identity.support_access where tenant = $1 and id = $2 for update',
    [tenant, access],
  )
  if (row === undefined) throw new RingfenceError('not_found', 'there is no such access')
  return shownOf(row.shown)
}

function shownOf(shown: unknown): ShownSupport {
  const { endsAt, changes, ...rest } = shownSupportSchema.parse(shown)
  return {
    ...rest,
    endsAt,
    changes: changes.map(({ from, ...change }) => ({ ...change, from })),
  }
}

const decisionRow = z.object({
  access: z.string(),
  digest: z.string(),
  kind: z.enum(SUPPORT_DECISIONS),
  by: z.string(),
  at: z.date(),
})

async function decisionsOf(
  rows: Rows,
  tenant: TenantId,
  openOnly: boolean,
): Promise<readonly SupportDecision[]> {
  const found = await rows.query(
    `select d.access, d.digest, d.kind, d.by, d.at
       from identity.support_decision d
       join identity.support_access a on a.tenant = d.tenant and a.id = d.access
      where d.tenant = $1 and (not $2 or a.shown ->> 'state' = any
        (array['requested', 'approved', 'consented', 'active']))
      order by d.at, d.kind`,
    [tenant, openOnly],
  )
  return found.map((row) => decisionRow.parse(row))
}
