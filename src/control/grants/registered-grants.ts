import { randomBytes } from 'node:crypto'
import { GRANT_USE_OPERATIONS, type WireGrantUse } from '../../administration/grant-uses.ts'
import type { AskRealm } from '../../administration/operations.ts'
import { grantSchema } from '../../contracts/grant.ts'
import { RingfenceError } from '../../core/errors.ts'
import { type GrantId, parseGrantId } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { RevocationPublisher } from '../../revocation/revocation.ts'
import type { SigningKey } from '../../tokens/signing-key.ts'
import type { About } from '../act-entries.ts'
import { doneBefore, recordAct, requireScope } from '../act.ts'
import type { Actor, Page, PageRequest } from '../control-plane.ts'
import type { Cursors } from '../cursor.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { Database } from '../database.ts'
import { publishDeclared } from '../manifests/publish-declared.ts'
import type { PlatformPublisher } from '../platform-publisher.ts'
import { GRANT_COLUMNS, type GrantRow, grantRowOf, grantView, lockGrant } from './grant-row.ts'
import type { GrantDesk, GrantOffer, GrantView } from './grants.ts'

const LISTED_MAX = 500
/** Of one tenant, that are offered or in force: its configuration holds no more. */
const LIVE_MAX = 500
const DAY_MS = 86_400_000
const DAYS_MAX = 366

export interface RegisteredGrantsParts {
  readonly database: Database
  readonly cursors: Cursors
  /** The identity plane, which knows what came of a grant. Absent: there is none that lets us. */
  readonly ask: AskRealm | undefined
  readonly publisher: PlatformPublisher
  readonly snapshotKey: SigningKey
  /** Tells gateways, vending and identity what is taken back. */
  readonly revocations: RevocationPublisher | undefined
}

/** Grants, in the registry. What follows of a change for the configuration is in its transaction. */
export class RegisteredGrants implements GrantDesk {
  readonly #parts: RegisteredGrantsParts

  constructor(parts: RegisteredGrantsParts) {
    this.#parts = parts
  }

  async list(by: Actor): Promise<readonly GrantView[]> {
    requireScope(by, 'configuration:read')
    const rows = await this.#parts.database.query(
      `select ${GRANT_COLUMNS} from registry.delegation
        where $1::text is null or tenant = $1 or grantee = $1
        order by seq desc limit ${LISTED_MAX}`,
      [by.tenant ?? null],
    )
    return rows.map((row) => grantView(grantRowOf(row), by.tenant))
  }

  async get(id: GrantId, by: Actor): Promise<GrantView> {
    requireScope(by, 'configuration:read')
    const [row] = await this.#parts.database.query(
      `select ${GRANT_COLUMNS} from registry.delegation
        where id = $1 and ($2::text is null or tenant = $2 or grantee = $2)`,
      [id, by.tenant ?? null],
    )
    if (row === undefined) throw noSuchGrant()
    return grantView(grantRowOf(row), by.tenant)
  }

  async uses(id: GrantId, page: PageRequest, by: Actor): Promise<Page<WireGrantUse>> {
    const { grantor } = await this.get(id, by)
    const { cursors, ask } = this.#parts
    const whose = by.tenant ?? grantor
    const list = `grant uses ${whose} ${id}`
    const [after] = cursors.read(list, page) ?? []
    if (ask === undefined) {
      throw new RingfenceError('engine_unavailable', 'no identity plane is connected')
    }
    const { items } = await ask('listGrantUses', whose, {
      grant: id,
      limit: page.limit + 1,
      ...(after === undefined ? {} : { after: String(after) }),
    })
    const { keyOf } = GRANT_USE_OPERATIONS.listGrantUses
    return cursors.page(
      list,
      page,
      items,
      (use) => [keyOf(use)],
      (use) => use,
    )
  }

  async offer(offer: GrantOffer, by: Actor): Promise<GrantView> {
    const grantor = speaksFor(by)
    const id = parseGrantId(`gr-${randomBytes(16).toString('hex')}`)
    const spec = checked({ ...offer, id }, grantor)
    const made = await this.#parts.database.transaction(async (tx) => {
      const before = await doneBefore(tx)
      if (before !== undefined) return parseGrantId(before['grant'])
      await expectRoom(tx, grantor)
      await tx.query(
        `insert into registry.delegation (tenant, id, grantee, spec, state, expires_at, offered_by)
         values ($1, $2, $3, $4, 'offered', $5, $6)`,
        [grantor, id, spec.grantee, JSON.stringify(spec), spec.expires, by.name],
      )
      const about = await sides(tx, grantor, spec.grantee)
      await recordAct(tx, by, 'grant.offer', grantor, { grant: id }, about)
      return id
    })
    return this.get(made, by)
  }

  async accept(id: GrantId, by: Actor): Promise<GrantView> {
    const grantee = speaksFor(by)
    return this.#decide(id, by, async (tx, row) => {
      expectOffered(row, grantee)
      await tx.query(
        `update registry.delegation set state = 'active', accepted_by = $3,
                accepted_at = clock_timestamp() where tenant = $1 and id = $2`,
        [row.tenant, id, by.name],
      )
      const about = await sides(tx, row.tenant, grantee)
      await recordAct(tx, by, 'grant.accept', grantee, { grant: id }, about)
      await this.#publish(tx, row.tenant)
    })
  }

  async refuse(id: GrantId, by: Actor): Promise<GrantView> {
    const grantee = speaksFor(by)
    return this.#decide(id, by, async (tx, row) => {
      expectOffered(row, grantee)
      await end(tx, row, 'refused', by)
      const about = await sides(tx, row.tenant, grantee)
      await recordAct(tx, by, 'grant.refuse', grantee, { grant: id }, about)
    })
  }

  async revoke(id: GrantId, by: Actor): Promise<GrantView> {
    requireScope(by, 'configuration:write')
    if (by.tenant !== undefined) speaksFor(by)
    return this.#decide(id, by, async (tx, row) => {
      if (row.state !== 'offered' && row.state !== 'active') return
      await end(tx, row, 'revoked', by)
      const about = await sides(tx, row.tenant, row.grantee)
      await recordAct(tx, by, 'grant.revoke', by.tenant ?? row.tenant, { grant: id }, about)
      // Tokens and contexts of a grant carry its id as their session.
      await this.#parts.revocations?.publish(tx, {
        kind: 'session',
        tenant: row.tenant,
        id,
        at: new Date(),
      })
      if (row.state === 'active') await this.#publish(tx, row.tenant)
    })
  }

  async #decide(
    id: GrantId,
    by: Actor,
    happens: (tx: Tx, row: GrantRow) => Promise<void>,
  ): Promise<GrantView> {
    await this.#parts.database.transaction(async (tx) => {
      if ((await doneBefore(tx)) !== undefined) return
      const row = await lockGrant(tx, id, by.tenant)
      if (row === undefined) throw noSuchGrant()
      await happens(tx, row)
    })
    return this.get(id, by)
  }

  async #publish(tx: Tx, tenant: TenantId): Promise<void> {
    const { publisher, snapshotKey } = this.#parts
    await publishDeclared(tx, { platform: false, tenants: [tenant] }, publisher, snapshotKey)
  }
}

/**
 * Both have it in their logs, each with the other's name. Of a tenant that there is not there is no log:
 * whoever comes to be called so would find in it what was offered to nobody.
 */
async function sides(tx: Tx, grantor: TenantId, grantee: TenantId): Promise<readonly About[]> {
  const there = await tx.query(`select from registry.tenant where id = $1 and status <> 'erased'`, [
    grantee,
  ])
  const own = { tenant: grantor, detail: { grantee } }
  return there.length === 0 ? [own] : [own, { tenant: grantee, detail: { grantor } }]
}

/** The tenant that consents through this actor. @throws RingfenceError `forbidden` */
function speaksFor(by: Actor): TenantId {
  requireScope(by, 'configuration:write')
  // A token that is the tenant's may have been made by an operator: a sign-in at its realm may not.
  const isSignedIn = by.kind === 'administrator' && by.signedIn?.twoFactors === true
  if (by.tenant === undefined || !isSignedIn) {
    throw new RingfenceError(
      'forbidden',
      'only an administrator of the tenant, signed in at its realm, can speak for it',
    )
  }
  return by.tenant
}

function checked(offer: unknown, grantor: TenantId) {
  const result = grantSchema.safeParse(offer)
  if (!result.success) {
    const issue = result.error.issues[0]
    throw new RingfenceError('invalid_argument', `${issue?.path.join('.')}: ${issue?.message}`)
  }
  const { grantee, notBefore, expires } = result.data
  if (grantee === grantor) {
    throw new RingfenceError('invalid_argument', 'a grant is to a principal of another tenant')
  }
  const end = Date.parse(expires)
  if (end <= Date.parse(notBefore) || end <= Date.now() || end > Date.now() + DAYS_MAX * DAY_MS) {
    throw new RingfenceError(
      'invalid_argument',
      `a grant ends after it begins, and within ${DAYS_MAX} days`,
    )
  }
  return result.data
}

/** The grantor's own row is the lock: it is there, and served, as long as it can offer anything. */
async function expectRoom(tx: Tx, grantor: TenantId): Promise<void> {
  const served = await tx.query(
    `select from registry.tenant where id = $1 and serving in ('active', 'paused') for update`,
    [grantor],
  )
  if (served.length === 0) throw new RingfenceError('conflict', 'the tenant is not active')
  const [row] = await tx.query<{ count: string }>(
    `select count(*) from registry.delegation where tenant = $1
       and state in ('offered', 'active') and expires_at > clock_timestamp()`,
    [grantor],
  )
  if (Number(row?.count) >= LIVE_MAX) throw new RingfenceError('conflict', 'too many grants')
}

function expectOffered(row: GrantRow, grantee: TenantId): void {
  if (row.grantee !== grantee) {
    throw new RingfenceError('forbidden', 'the other side decides about an offer')
  }
  if (row.state !== 'offered' || row.expires_at.getTime() <= Date.now()) {
    throw new RingfenceError('conflict', 'the grant does not wait for that')
  }
}

async function end(tx: Tx, row: GrantRow, state: 'refused' | 'revoked', by: Actor): Promise<void> {
  const side =
    by.tenant === undefined ? 'operator' : by.tenant === row.tenant ? 'grantor' : 'grantee'
  await tx.query(
    `update registry.delegation set state = $3, ended_side = $4, ended_by = $5,
            ended_at = clock_timestamp() where tenant = $1 and id = $2`,
    [row.tenant, row.id, state, side, by.name],
  )
}

function noSuchGrant(): RingfenceError {
  return new RingfenceError('not_found', 'there is no such grant')
}
