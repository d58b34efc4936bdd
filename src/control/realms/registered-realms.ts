import { z } from 'zod'
import {
  type AskRealm,
  describedOperation,
  REALM_OPERATIONS,
  type RealmInput,
  type RealmItem,
  type RealmListingName,
  type RealmOperationName,
  type RealmOutput,
} from '../../administration/operations.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import { recordAct, requireScope } from '../act.ts'
import { type Attempt, failureOf, refusedName, thisAttempt } from '../attempt.ts'
import type { Actor, Page, PageRequest } from '../control-plane.ts'
import type { Cursors } from '../cursor.ts'
import type { Database } from '../database.ts'
import type { RealmRefresh } from '../realm-refresh.ts'
import type { FourEyes, Pass } from '../operators/four-eyes.ts'
import { afterTheCall, withRequestKey } from '../request-key.ts'
import { noSuchTenant } from '../tenant-row.ts'
import { type RealmDesk, realmScope, type RevocationView } from './realm-desk.ts'
import { FirstUser, type FirstUserPass } from './first-user.ts'
import { realmAccess } from './realm-access.ts'
import { recordedDetail } from './recorded-detail.ts'

/** After which a realm may have another issuer, or other keys. */
const RENEWS: ReadonlySet<RealmOperationName> = new Set(['putRealmSettings'])

export interface RegisteredRealmsParts {
  readonly database: Database
  readonly cursors: Cursors
  /** The identity plane. Absent: there is none that lets us. */
  readonly ask: AskRealm | undefined
  readonly refresh: Pick<RealmRefresh, 'refreshTenant'>
  readonly fourEyes: FourEyes
}

/** Realms administered by operators with the right for it, of registered tenants, and recorded. */
export class RegisteredRealms implements RealmDesk {
  readonly #parts: RegisteredRealmsParts
  readonly #firstUser: FirstUser

  constructor(parts: RegisteredRealmsParts) {
    this.#parts = parts
    this.#firstUser = new FirstUser(parts.database)
  }

  async ask<N extends RealmOperationName>(
    name: N,
    tenant: TenantId,
    input: RealmInput<N>,
    by: Actor,
  ): Promise<RealmOutput<N>> {
    const operation = describedOperation(name)
    requireRealmScope(by, name)
    await this.#expectAdministered(tenant)
    if (operation.act === undefined) return this.#identity()(name, tenant, input)
    const attempt = await thisAttempt(this.#parts.database)
    const detail = recordedDetail(operation, input)
    const act = { by, tenant, action: operation.act, detail }
    const { first, pass } = await this.#mayOpen(name, tenant, input, by, attempt)
    await this.#record(act, attempt.repeated ? undefined : attempt.key, first ?? pass)
    const { key, repeated } = attempt
    try {
      const call = { repeated, ...(key === undefined ? {} : { key }) }
      const answer = await this.#identity()(name, tenant, input, call)
      await first?.ended({ made: madeIn(answer) })
      // Gateways go on with the issuer and keys that they know until they are told.
      if (RENEWS.has(name)) await this.#parts.refresh.refreshTenant(tenant)
      return answer
    } catch (error) {
      await first?.ended(failureOf(error).refused ? 'refused' : 'unknown')
      await this.#recordFailure(act, attempt, error)
      throw error
    }
  }

  async list<N extends RealmListingName>(
    name: N,
    tenant: TenantId,
    filter: Omit<RealmInput<N>, 'limit' | 'after'>,
    page: PageRequest,
    by: Actor,
  ): Promise<Page<RealmItem<N>>> {
    const list = `realm ${name} ${tenant} ${JSON.stringify(Object.entries(filter).toSorted())}`
    const [after] = this.#parts.cursors.read(list, page) ?? []
    const asked = {
      ...filter,
      limit: page.limit + 1,
      ...(after === undefined ? {} : { after: String(after) }),
    }
    // The filter is that of this list, and the rest what every list is asked with.
    const { items } = await this.ask(name, tenant, asked as RealmInput<N>, by)
    const keyOf = REALM_OPERATIONS[name].keyOf as (item: RealmItem<N>) => string
    return this.#parts.cursors.page<RealmItem<N>, RealmItem<N>>(
      list,
      page,
      items,
      (item) => [keyOf(item)],
      (item) => item,
    )
  }

  async revocations(tenant: TenantId, page: PageRequest, by: Actor): Promise<Page<RevocationView>> {
    requireScope(by, 'realms:read')
    await this.#expectAdministered(tenant)
    const { database, cursors } = this.#parts
    const list = `revocations ${tenant}`
    const [after] = cursors.read(list, page) ?? []
    const rows = await database.query(
      `select seq, kind, id, at, expires_at from revocation.entry
        where (tenant = $1 or kind = 'everything') and ($2::bigint is null or seq < $2)
        order by seq desc limit $3`,
      [tenant, after ?? null, page.limit + 1],
    )
    return cursors.page(
      list,
      page,
      rows.map((row) => revocationRow.parse(row)),
      ({ seq }) => [seq],
      ({ kind, id, at, expires_at }) => ({ kind, id: id ?? undefined, at, until: expires_at }),
    )
  }

  /** What lets it be done, where it lets somebody in. @throws ApprovalRequired */
  async #mayOpen<N extends RealmOperationName>(
    name: N,
    tenant: TenantId,
    input: RealmInput<N>,
    by: Actor,
    attempt: Attempt,
  ): Promise<{ readonly first?: FirstUserPass | undefined; readonly pass?: Pass }> {
    const { fourEyes } = this.#parts
    const act = realmAccess(name, describedOperation(name), tenant, input)
    if (act === undefined) return {}
    if ((await fourEyes.inForceSince()) !== undefined) {
      const ask = this.#identity()
      const first = await this.#firstUser.pass(name, tenant, input, act, attempt, ask)
      if (first !== undefined) return { first }
    }
    return { pass: await fourEyes.pass(by, act, attempt) }
  }

  /** A tenant that is erased has no realm, and looks like one that never was. */
  async #expectAdministered(tenant: TenantId): Promise<void> {
    const found = await this.#parts.database.query(
      "select from registry.tenant where id = $1 and status <> 'erased'",
      [tenant],
    )
    if (found.length === 0) throw noSuchTenant()
  }

  #identity(): AskRealm {
    const { ask } = this.#parts
    if (ask !== undefined) return ask
    throw new RingfenceError('engine_unavailable', 'no identity plane is connected')
  }

  /** That it was asked for is known before anything is done. */
  async #record(act: Act, key: string | undefined, pass?: Pick<Pass, 'use'>): Promise<void> {
    const { by, tenant, action, detail } = act
    const enter = () =>
      this.#parts.database.transaction(async (tx) => {
        await pass?.use(tx)
        await recordAct(tx, by, action, tenant, detail, [{ tenant, detail }])
      })
    await (key === undefined ? afterTheCall(enter) : withRequestKey(key, enter))
  }

  /** And what came of it, where that was not what was asked for. */
  async #recordFailure(act: Act, { key }: Attempt, error: unknown): Promise<void> {
    const { code, refused } = failureOf(error)
    const action = `${act.action}.${refused ? 'refused' : 'unanswered'}`
    const name = refused && key !== undefined ? refusedName(key) : undefined
    await this.#record({ ...act, action, detail: { ...act.detail, code } }, name)
  }
}

interface Act {
  readonly by: Actor
  readonly tenant: TenantId
  readonly action: string
  readonly detail: Readonly<Record<string, unknown>>
}

const revocationRow = z.object({
  seq: z.coerce.number(),
  kind: z.enum(['token', 'session', 'subject', 'client', 'tenant', 'everything']),
  id: z.string().nullable(),
  at: z.date(),
  expires_at: z.date(),
})

/** The user that was entered, by its id; nobody, where it was something else. */
function madeIn(answer: unknown): string {
  return z.object({ id: z.string() }).catch({ id: '' }).parse(answer).id
}

/** Who changes a thing may read it. @throws RingfenceError `forbidden` */
function requireRealmScope(by: Actor, name: RealmOperationName): void {
  const scope = realmScope(describedOperation(name))
  if (scope === 'realms:read' && by.scopes.includes('realms:write')) return
  requireScope(by, scope)
}
