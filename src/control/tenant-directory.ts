import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import { doneBefore, recordAct, requireScope } from './act.ts'
import {
  type Actor,
  type Page,
  type PageRequest,
  type StatusChange,
  TENANT_STATUSES,
  type Tenants,
  type TenantView,
} from './control-plane.ts'
import type { Cursors } from './cursor.ts'
import type { Tx } from '../database/pooled-database.ts'
import type { Database } from './database.ts'
import type { FourEyes, Pass } from './operators/four-eyes.ts'
import { plansOf } from './plan-row.ts'
import type { TenantChanges, TenantPatch } from './tenant-changes.ts'
import {
  lockTenant,
  noSuchTenant,
  TENANT_COLUMNS,
  type TenantRow,
  tenantRowOf,
  tenantView,
} from './tenant-row.ts'

const HOST = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/
const HOSTS_MAX = 20
const NAME_CHARACTERS_MAX = 200

/** The newest workflow's failure beside the tenant. */
const SELECT = `select ${TENANT_COLUMNS}, failure.workflow, failure.step, failure.why
  from registry.tenant left join lateral (
    select newest.id as workflow, step.name as step, step.note as why
      from (select id, state, superseded from registry.workflow
             where workflow.tenant = tenant.id order by seq desc limit 1) as newest
      join registry.workflow_step as step on step.workflow = newest.id and step.state = 'failed'
     where newest.state = 'failed' and not newest.superseded) as failure on true`

const failureSchema = z.object({
  workflow: z.string().nullable(),
  step: z.string().nullable(),
  why: z.string().nullable(),
})
const changeSchema = z.object({
  id: z.string(),
  at: z.date(),
  from_status: z.enum(TENANT_STATUSES).nullable(),
  to_status: z.enum(TENANT_STATUSES),
  by: z.string(),
  why: z.string(),
})

type Change = Parameters<Tenants['update']>[1]

/** What is registered of tenants, and what of it can be changed without a workflow. */
export class TenantDirectory {
  readonly #database: Database
  readonly #cursors: Cursors
  readonly #changes: TenantChanges
  readonly #fourEyes: FourEyes

  constructor(database: Database, cursors: Cursors, changes: TenantChanges, fourEyes: FourEyes) {
    this.#database = database
    this.#cursors = cursors
    this.#changes = changes
    this.#fourEyes = fourEyes
  }

  async list(filter: Parameters<Tenants['list']>[0], page: PageRequest): Promise<Page<TenantView>> {
    const values = [filter.status ?? null, filter.region ?? null, filter.tier ?? null]
    const list = `tenants ${JSON.stringify(values)}`
    const [after] = this.#cursors.read(list, page) ?? []
    const rows = await this.#database.query(
      `${SELECT} where ($1::text is null or tenant.status = $1)
          and ($2::text is null or tenant.region = $2) and ($3::text is null or tenant.tier = $3)
          and ($4::text is null or tenant.id > $4) order by tenant.id limit $5`,
      [...values, after ?? null, page.limit + 1],
    )
    return this.#cursors.page(
      list,
      page,
      rows.map(viewOf),
      ({ id }) => [id],
      (view) => view,
    )
  }

  async get(tenant: TenantId): Promise<TenantView> {
    const [row] = await this.#database.query(`${SELECT} where tenant.id = $1`, [tenant])
    if (row === undefined) throw noSuchTenant()
    return viewOf(row)
  }

  /** Newest first. */
  async history(tenant: TenantId, page: PageRequest): Promise<Page<StatusChange>> {
    const list = `history ${tenant}`
    const [after] = this.#cursors.read(list, page) ?? []
    await this.get(tenant)
    const rows = await this.#database.query(
      `select id, at, from_status, to_status, by, why from registry.status_change
        where tenant = $1 and ($2::bigint is null or id < $2) order by id desc limit $3`,
      [tenant, after ?? null, page.limit + 1],
    )
    return this.#cursors.page(
      list,
      page,
      rows.map((row) => changeSchema.parse(row)),
      ({ id }) => [id],
      ({ at, from_status, to_status, by, why }) => ({
        at,
        from: from_status ?? undefined,
        to: to_status,
        by,
        why,
      }),
    )
  }

  async update(
    tenant: TenantId,
    change: Change,
    revision: number | undefined,
    by: Actor,
  ): Promise<TenantView> {
    requireScope(by, 'tenants:write')
    checkNames(change)
    const pass = await this.#passFor(tenant, change, by)
    await this.#database.transaction(async (tx) => {
      const row = await lockTenant(tx, tenant)
      if ((await doneBefore(tx)) !== undefined) return
      if (revision !== undefined && revision !== row.revision) {
        throw new RingfenceError('precondition_failed', 'the tenant was changed meanwhile')
      }
      if (row.status === 'erased') throw new RingfenceError('conflict', 'the tenant is erased')
      if (change.plan !== undefined) {
        const plan = (await plansOf(tx)).find(({ name }) => name === change.plan)
        if (plan?.tiers.includes(row.tier) !== true) {
          throw new RingfenceError('invalid_argument', `no such plan for the tier ${row.tier}`)
        }
      }
      if (change.legalHold === true) {
        const erasing = await tx.query(
          `select from registry.workflow where tenant = $1 and kind = 'offboard' and committed
              and not superseded and state in ('running', 'waiting', 'failed')`,
          [tenant],
        )
        if (erasing.length > 0) {
          throw new RingfenceError('conflict', 'the erasure has begun: it cannot be held any more')
        }
      }
      if (change.legalHold === false && row.legal_hold) await used(tx, pass)
      await recordAct(tx, by, 'tenant.update', tenant, { ...change }, [{ tenant }])
      const cause = { by: by.name, why: 'updated', requestId: by.requestId }
      await this.#changes.change(tx, row, patchOf(change), cause)
    })
    return this.get(tenant)
  }

  /** Lifting a hold that is there is not for one person alone. */
  async #passFor(tenant: TenantId, change: Change, by: Actor): Promise<Pass | undefined> {
    if (change.legalHold !== false || !(await this.get(tenant)).legalHold) return undefined
    const summary = `lift the legal hold of ${tenant}`
    return this.#fourEyes.pass(by, {
      kind: 'hold-lift',
      tenant,
      subject: tenant,
      summary,
      detail: {},
    })
  }

  async receipt(tenant: TenantId): Promise<string> {
    const [row] = await this.#database.query<{ envelope: string }>(
      'select envelope from registry.receipt where tenant = $1 order by at desc limit 1',
      [tenant],
    )
    if (row === undefined) throw new RingfenceError('not_found', 'there is no receipt')
    return row.envelope
  }
}

async function used(tx: Tx, pass: Pass | undefined): Promise<void> {
  if (pass === undefined) throw new RingfenceError('conflict', 'the tenant was changed meanwhile')
  await pass.use(tx)
}

/** @throws RingfenceError `invalid_argument` */
export function checkNames({ displayName, hosts }: Pick<Change, 'displayName' | 'hosts'>): void {
  const long = displayName !== undefined && displayName.length > NAME_CHARACTERS_MAX
  if (long || displayName?.trim() === '') {
    throw new RingfenceError('invalid_argument', 'a display name has 1 to 200 characters')
  }
  if (hosts === undefined) return
  if (hosts.length > HOSTS_MAX || new Set(hosts).size !== hosts.length) {
    throw new RingfenceError('invalid_argument', 'a tenant has at most 20 hosts, each once')
  }
  if (!hosts.every((host) => HOST.test(host))) {
    throw new RingfenceError('invalid_argument', 'a host is a DNS name in lower case')
  }
}

function patchOf({ displayName, plan, hosts, legalHold }: Change): TenantPatch {
  return {
    ...(displayName === undefined ? {} : { display_name: displayName }),
    ...(plan === undefined ? {} : { plan }),
    ...(hosts === undefined ? {} : { hosts: [...hosts] }),
    ...(legalHold === undefined ? {} : { legal_hold: legalHold }),
  }
}

function viewOf(row: unknown): TenantView {
  const tenant: TenantRow = tenantRowOf(row)
  const { workflow, step, why } = failureSchema.parse(row)
  return tenantView(
    tenant,
    workflow === null || step === null ? undefined : { workflow, step, why: why ?? '' },
  )
}
