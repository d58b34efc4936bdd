import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { DeclaredProblem } from '../../manifests/check-declared.ts'
import { isTenantKind } from '../../manifests/kinds.ts'
import {
  keyOf,
  type Manifest,
  type ManifestOf,
  type Reference,
  referenceOf,
} from '../../manifests/manifest.ts'
import { InvalidManifests, pathText } from '../../manifests/problem.ts'
import type { Actor } from '../control-plane.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { Pass } from '../operators/four-eyes.ts'
import { plansOf } from '../plan-row.ts'
import { lockPlatform } from '../platform-publisher.ts'
import { TENANT_COLUMNS, type TenantRow, tenantRowOf } from '../tenant-row.ts'
import type { WorkflowRow } from '../workflows/workflow-row.ts'
import type { ApplyParts } from './apply-parts.ts'
import { checkPlatform, checkTenant } from './check-owners.ts'
import type { Applied, ApplyRequest, ObjectChange } from './manifests.ts'
import { findObject, manifestFrom, planManifest, tenantManifest } from './object-row.ts'
import { publishDeclared } from './publish-declared.ts'
import { removeObject, writeObject, type Writing } from './write-object.ts'
import { completeTenant, writeTenant } from './write-tenant.ts'

const WHY = 'applied'
/** Plans first, which tenants are on; then tenants, who own the rest. */
const FIRST = ['Plan', 'Tenant']

/** One application of manifests, inside one transaction: all of it, or nothing. */
export class ApplyTransaction {
  readonly #tx: Tx
  readonly #parts: ApplyParts
  readonly #request: ApplyRequest
  readonly #by: Actor
  readonly #writing: Writing
  readonly #tenants = new Map<TenantId, TenantRow>()
  readonly #changes = new Map<string, ObjectChange>()
  /** Onboardings that begin once it has committed. */
  readonly begun: WorkflowRow[] = []

  constructor(tx: Tx, parts: ApplyParts, request: ApplyRequest, by: Actor) {
    this.#tx = tx
    this.#parts = parts
    this.#request = request
    this.#by = by
    const { why = WHY, set, expected } = request
    this.#writing = { by, why, set, expected }
  }

  /** @param passes by the names of plans that are loosened */
  async run(passes: ReadonlyMap<string, Pass | undefined>): Promise<Applied> {
    const { manifests, remove = [], dryRun = false } = this.#request
    await this.#lock()
    const pruned = await this.#pruned()
    const inOrder = manifests.toSorted((a, b) => rank(a) - rank(b))
    for (const manifest of inOrder) await this.#put(manifest, passes)
    for (const reference of remove) await this.#remove(reference)
    for (const reference of pruned) await this.#prune(reference)
    const tenants = this.#ownersTouched()
    await this.#check(tenants)
    const version = await publishDeclared(
      this.#tx,
      { platform: this.#platformTouched(), tenants },
      this.#parts.publisher,
      this.#parts.snapshotKey,
    )
    const order = [...manifests.map(referenceOf), ...remove, ...pruned]
    const changes = order.flatMap((reference) => this.#changes.get(keyOf(reference)) ?? [])
    return { dryRun, version, changes }
  }

  /** The platform, then tenants by their ids: nobody who declares waits for another in a circle. */
  async #lock(): Promise<void> {
    const { manifests, remove = [], prune = false } = this.#request
    const references = [...manifests.map(referenceOf), ...remove]
    const own = this.#by.tenant
    const platform = own === undefined && (prune || references.some(({ tenant }) => !tenant))
    await lockPlatform(this.#tx, platform ? 'update' : 'share')
    const declared = manifests.flatMap((one) => (one.kind === 'Tenant' ? [one.metadata.name] : []))
    await this.#lockTenants([...references.flatMap(({ tenant }) => tenant ?? []), ...declared])
  }

  async #lockTenants(ids: readonly TenantId[]): Promise<void> {
    const rows = await this.#tx.query(
      `select ${TENANT_COLUMNS} from registry.tenant
        where id = any ($1) and status <> 'erased' order by id for update`,
      [ids],
    )
    for (const row of rows.map(tenantRowOf)) this.#tenants.set(row.id, row)
  }

  /** What is of the set, and not described any more. A tenant's administrator prunes its own alone. */
  async #pruned(): Promise<readonly Reference[]> {
    const { manifests, remove = [], prune = false, set } = this.#request
    if (!prune || set === undefined) return []
    const rows = await this.#tx.query<Pick<Reference, 'kind' | 'name' | 'tenant'>>(
      `select kind, name, tenant from registry.object
        where set_name = $1 and ($2::text is null or owner = $2) order by owner, kind, name`,
      [set, this.#by.tenant ?? null],
    )
    const told = new Set([...manifests.map(referenceOf), ...remove].map(keyOf))
    const gone = rows
      .map(({ kind, name, tenant }) => ({ kind, name, tenant: tenant ?? undefined }))
      .filter((reference) => !told.has(keyOf(reference)))
    await this.#lockTenants(gone.flatMap(({ tenant }) => tenant ?? []))
    return gone
  }

  async #put(manifest: Manifest, passes: ReadonlyMap<string, Pass | undefined>): Promise<void> {
    if (manifest.kind === 'Tenant') return this.#putTenant(manifest)
    if (manifest.kind === 'Plan') return this.#putPlan(manifest, passes.get(manifest.metadata.name))
    const { tenant } = manifest.metadata
    if (tenant !== undefined) this.#expectTenant(tenant, manifest)
    this.#enter(await this.#named(manifest, () => writeObject(this.#tx, manifest, this.#writing)))
  }

  async #putTenant(manifest: ManifestOf<'Tenant'>): Promise<void> {
    const row = this.#tenants.get(manifest.metadata.name)
    const applied = await findObject(this.#tx, referenceOf(manifest))
    const before = row && tenantManifest(row, applied && manifestFrom(applied))
    const complete = completeTenant(manifest, row)
    const change = await this.#named(manifest, async () => {
      const workflow = await writeTenant(this.#tx, complete, row, this.#parts, this.#by)
      if (workflow !== undefined) this.begun.push(workflow)
      const written = await writeObject(this.#tx, complete, this.#writing, before)
      return { ...written, workflow: workflow?.id }
    })
    this.#enter(change, change.workflow)
    // What else is declared of it in this call finds it.
    if (row === undefined) await this.#lockTenants([manifest.metadata.name])
  }

  async #putPlan(manifest: ManifestOf<'Plan'>, pass: Pass | undefined): Promise<void> {
    const { name } = manifest.metadata
    const there = (await plansOf(this.#tx)).find((plan) => plan.name === name)
    const applied = await findObject(this.#tx, referenceOf(manifest))
    const before = there && planManifest(there, applied && manifestFrom(applied))
    const { tiers, requestsPerMinute, leasesPerMinute, leaseSecondsMax, approval } = manifest.spec
    const plan = { name, tiers, requestsPerMinute, leasesPerMinute, leaseSecondsMax, approval }
    const change = await this.#named(manifest, async () => {
      const written = await writeObject(this.#tx, manifest, this.#writing, before)
      if (written.change !== 'unchanged') await this.#parts.plans.write(this.#tx, plan, pass)
      return written
    })
    this.#enter(change)
  }

  async #remove(reference: Reference): Promise<void> {
    if (reference.kind === 'Tenant') {
      throw new RingfenceError('conflict', 'a tenant is offboarded ("tenants delete"), not removed')
    }
    const change = await removeObject(this.#tx, reference, this.#writing)
    if (reference.kind === 'Plan') {
      const [plan] = (await plansOf(this.#tx)).filter(({ name }) => name === reference.name)
      if (plan !== undefined) await this.#parts.plans.remove(this.#tx, plan.name)
    }
    this.#enter(change)
  }

  async #prune(reference: Reference): Promise<void> {
    if (isTenantKind(reference.kind)) return this.#remove(reference)
    // Tenants are offboarded, and plans named by tenants' records: leaving a file ends neither.
    const generation = (await findObject(this.#tx, reference))?.generation ?? 0
    this.#enter({ reference, change: 'kept', generation, diff: [] })
  }

  #expectTenant(tenant: TenantId, manifest: Manifest): void {
    const row = this.#tenants.get(tenant)
    if (row === undefined) {
      throw invalid(manifest, ['metadata', 'tenant'], 'there is no such tenant')
    }
    if (row.status === 'offboarding') {
      throw new RingfenceError('conflict', `the tenant ${tenant} is being offboarded`)
    }
  }

  async #check(tenants: readonly TenantId[]): Promise<void> {
    const { publisher, judges } = this.#parts
    const checking = { tx: this.#tx, platform: await publisher.present(this.#tx), judges }
    const problems: DeclaredProblem[] = []
    if (this.#platformTouched()) {
      const described = this.#request.manifests.filter(({ kind }) => kind === 'Tenant')
      problems.push(...(await checkPlatform(described, checking, publisher.base)))
    }
    for (const tenant of tenants) problems.push(...(await checkTenant(tenant, checking)))
    if (problems.length > 0) throw new InvalidManifests(problems.map(told))
  }

  /** A refusal of one manifest says which one it is of. */
  async #named<T>(manifest: Manifest, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof RingfenceError)) throw error
      if (error.code === 'invalid_argument') throw invalid(manifest, ['spec'], error.message)
      if (error.code !== 'conflict' && error.code !== 'already_exists') throw error
      // Of many that are applied together it is said which one it is.
      throw new RingfenceError(error.code, `${subjectOf(referenceOf(manifest))}: ${error.message}`)
    }
  }

  #enter(change: Omit<ObjectChange, 'workflow'>, workflow?: string): void {
    this.#changes.set(keyOf(change.reference), { ...change, workflow })
  }

  #touched(): readonly Reference[] {
    return [...this.#changes.values()]
      .filter(({ change }) => change !== 'unchanged' && change !== 'kept')
      .map(({ reference }) => reference)
  }

  #platformTouched(): boolean {
    return this.#touched().some(({ tenant }) => tenant === undefined)
  }

  /** Tenants of whom something else is declared than before. */
  #ownersTouched(): readonly TenantId[] {
    const described = this.#request.manifests.flatMap((one) =>
      one.kind === 'Tenant' ? [one.metadata.name] : [],
    )
    const touched = this.#touched()
    const tenants = described.filter((id) =>
      touched.some(({ kind, name }) => kind === 'Tenant' && name === id),
    )
    return [...new Set([...touched.flatMap(({ tenant }) => tenant ?? []), ...tenants])].toSorted()
  }
}

function rank({ kind }: Manifest): number {
  const place = FIRST.indexOf(kind)
  return place === -1 ? FIRST.length : place
}

function told({ reference, path, message }: DeclaredProblem) {
  return { reference, subject: subjectOf(reference), path: pathText(path), message }
}

function invalid(manifest: Manifest, path: readonly string[], message: string): InvalidManifests {
  return new InvalidManifests([told({ reference: referenceOf(manifest), path, message })])
}

/** `Contract acme/clinic`. */
export function subjectOf({ kind, name, tenant }: Reference): string {
  return `${kind} ${tenant === undefined ? name : `${tenant}/${name}`}`
}
