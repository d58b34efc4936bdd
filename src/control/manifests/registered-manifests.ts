import { z } from 'zod'
import { RingfenceError } from '../../core/errors.ts'
import { parseSetName } from '../../core/names.ts'
import { parsed } from '../../core/parsed.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import { MANIFEST_KINDS, type TenantKind } from '../../manifests/kinds.ts'
import { keyOf, readReference, type Reference, referenceOf } from '../../manifests/manifest.ts'
import type { About } from '../act-entries.ts'
import { doneBefore, recordAct, requireScope } from '../act.ts'
import type { Actor, Page, PageRequest } from '../control-plane.ts'
import type { Cursors } from '../cursor.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { Database } from '../database.ts'
import type { Pass } from '../operators/four-eyes.ts'
import type { WorkflowRow } from '../workflows/workflow-row.ts'
import type { ApplyParts } from './apply-parts.ts'
import { ApplyTransaction } from './apply-transaction.ts'
import { findDrift } from './drift.ts'
import type {
  Applied,
  ApplyRequest,
  Drift,
  GenerationView,
  Manifests,
  ObjectView,
} from './manifests.ts'
import { listObjects, positionOf } from './object-list.ts'
import { findObject, manifestFrom, ownerKey } from './object-row.ts'
import { checkRead, checkWrite, notThere, ownersSeen, SELF_SERVICE_DEFAULT } from './reach.ts'

export interface RegisteredManifestsParts extends ApplyParts {
  readonly database: Database
  readonly cursors: Cursors
  /** Sets onboardings going whose transaction has committed. */
  readonly begin: (workflows: readonly WorkflowRow[]) => Promise<void>
}

const generationSchema = z.object({
  generation: z.number(),
  act: z.enum(['created', 'configured', 'removed']),
  hash: z.string(),
  set_name: parsed(parseSetName).nullable(),
  at: z.date(),
  by: z.string(),
  why: z.string(),
})

/** What came of an application, as its act records it. */
const recordedSchema = z.object({
  version: z.number(),
  changes: z.array(
    z.object({
      kind: z.enum(MANIFEST_KINDS),
      name: z.string(),
      tenant: parsed(parseTenantId).nullable(),
      change: z.enum(['created', 'configured', 'unchanged', 'removed', 'kept']),
      generation: z.number(),
      workflow: z.string().nullable(),
    }),
  ),
})

/** What is declared, in the registry. */
export class RegisteredManifests implements Manifests {
  readonly #parts: RegisteredManifestsParts

  constructor(parts: RegisteredManifestsParts) {
    this.#parts = parts
  }

  async list(
    filter: Parameters<Manifests['list']>[0],
    page: PageRequest,
    by: Actor,
  ): Promise<Page<ObjectView>> {
    const { database, cursors } = this.#parts
    const seenBy = ownersSeen(by)
    const { kind, tenant, set } = filter
    const list = `objects ${JSON.stringify([seenBy, kind, tenant, set])}`
    const after = cursors.read(list, page)
    const rows = await listObjects(
      database,
      { kind, owner: tenant, set, seenBy },
      after && z.tuple([z.string(), z.string(), z.string()]).parse(after),
      page.limit + 1,
    )
    return cursors.page(list, page, rows, positionOf, (view) => view)
  }

  async get(reference: Reference, by: Actor): Promise<ObjectView> {
    checkRead(reference, by)
    const [view] = await listObjects(
      this.#parts.database,
      { kind: reference.kind, owner: ownerKey(reference.tenant), name: reference.name },
      undefined,
      1,
    )
    if (view === undefined) throw notThere()
    return view
  }

  async generation(reference: Reference, generation: number, by: Actor): Promise<ObjectView> {
    checkRead(reference, by)
    const { kind, name, tenant } = reference
    const [row] = await this.#parts.database.query<{ spec: unknown }>(
      `select generation, act, hash, set_name, at, by, why, spec from registry.object_generation
        where owner = $1 and kind = $2 and name = $3 and generation = $4 and spec is not null`,
      [ownerKey(tenant), kind, name, generation],
    )
    if (row === undefined) throw notThere()
    const { act: _act, at, set_name, ...recorded } = generationSchema.parse(row)
    const manifest = manifestFrom({ owner: ownerKey(tenant), kind, name, spec: row.spec })
    const dates = { createdAt: at, changedAt: at }
    return { manifest, ...recorded, ...dates, set: set_name ?? undefined }
  }

  async history(reference: Reference, page: PageRequest, by: Actor): Promise<Page<GenerationView>> {
    checkRead(reference, by)
    const { database, cursors } = this.#parts
    const { kind, name, tenant } = reference
    const list = `generations ${keyOf(reference)}`
    const [before] = cursors.read(list, page) ?? []
    const rows = await database.query(
      `select generation, act, hash, set_name, at, by, why from registry.object_generation
        where owner = $1 and kind = $2 and name = $3 and ($4::int is null or generation < $4)
        order by generation desc limit $5`,
      [ownerKey(tenant), kind, name, before ?? null, page.limit + 1],
    )
    if (rows.length === 0 && before === undefined) await this.get(reference, by)
    return cursors.page(
      list,
      page,
      rows.map((row) => generationSchema.parse(row)),
      ({ generation }) => [generation],
      ({ set_name, ...rest }) => ({ ...rest, set: set_name ?? undefined }),
    )
  }

  async apply(request: ApplyRequest, by: Actor): Promise<Applied> {
    const { database, plans, begin } = this.#parts
    checkForm(request)
    await this.#checkReach(request, by)
    const passes = new Map<string, Pass | undefined>()
    for (const manifest of request.manifests) {
      if (manifest.kind !== 'Plan' || request.dryRun === true) continue
      const plan = { name: manifest.metadata.name, approval: manifest.spec.approval }
      passes.set(plan.name, await plans.passFor(plan, by))
    }
    try {
      const { applied, begun } = await database.transaction((tx) =>
        this.#applyIn(tx, request, passes, by),
      )
      await begin(begun)
      return applied
    } catch (error) {
      if (error instanceof OnlyTried) return error.applied
      throw error
    }
  }

  async drift(by: Actor): Promise<Drift> {
    requireScope(by, 'configuration:read')
    // It is about every tenant.
    if (by.tenant !== undefined) throw notThere()
    const { database, publisher, snapshotKey } = this.#parts
    return findDrift(database, publisher, snapshotKey)
  }

  async #applyIn(
    tx: Tx,
    request: ApplyRequest,
    passes: ReadonlyMap<string, Pass | undefined>,
    by: Actor,
  ): Promise<{ readonly applied: Applied; readonly begun: readonly WorkflowRow[] }> {
    const done = await doneBefore(tx)
    if (done !== undefined) return { applied: recordedApplied(done), begun: [] }
    const transaction = new ApplyTransaction(tx, this.#parts, request, by)
    const applied = await transaction.run(passes)
    // Taken back with everything that it tried.
    if (request.dryRun === true) throw new OnlyTried(applied)
    const subject = request.set ?? by.tenant ?? 'objects'
    const record = recordOf(applied, request)
    await recordAct(tx, by, 'objects.apply', subject, record, aboutOf(record, by))
    return { applied, begun: transaction.begun }
  }

  async #checkReach({ manifests, remove = [] }: ApplyRequest, by: Actor): Promise<void> {
    requireScope(by, 'configuration:write')
    const kinds = by.tenant === undefined ? [] : await this.#selfService(by.tenant)
    for (const reference of [...manifests.map(referenceOf), ...remove]) {
      checkWrite(reference, by, kinds)
    }
  }

  /** What the plan of a tenant lets its administrators declare. */
  async #selfService(tenant: TenantId): Promise<readonly TenantKind[]> {
    const { database } = this.#parts
    const [row] = await database.query<{ plan: string }>(
      `select plan from registry.tenant where id = $1 and status not in ('erased', 'offboarding')`,
      [tenant],
    )
    if (row === undefined) throw notThere()
    const plan = await findObject(database, readReference('Plan', row.plan))
    const manifest = plan && manifestFrom(plan)
    const said = manifest?.kind === 'Plan' ? manifest.spec.selfService : undefined
    return said ?? SELF_SERVICE_DEFAULT
  }
}

/** Carries what would have been out of a transaction that is taken back. */
class OnlyTried extends Error {
  readonly applied: Applied

  constructor(applied: Applied) {
    super('only tried')
    this.applied = applied
  }
}

/** @throws RingfenceError `invalid_argument` */
function checkForm({ manifests, remove = [], set, prune, expected }: ApplyRequest): void {
  const keys = [...manifests.map(referenceOf), ...remove].map(keyOf)
  if (new Set(keys).size !== keys.length) {
    throw new RingfenceError('invalid_argument', 'one thing is named twice')
  }
  if (prune === true && set === undefined) {
    throw new RingfenceError('invalid_argument', 'only a set is pruned: name it')
  }
  if (expected !== undefined && keys.length !== 1) {
    throw new RingfenceError('invalid_argument', 'a condition is about one thing')
  }
}

function recordOf({ version, changes }: Applied, { why }: ApplyRequest) {
  return {
    version,
    ...(why === undefined ? {} : { why }),
    changes: changes.map(({ reference, change, generation, workflow }) => ({
      kind: reference.kind,
      name: reference.name,
      tenant: reference.tenant ?? null,
      change,
      generation,
      workflow: workflow ?? null,
    })),
  }
}

/** Each tenant is told of its own objects. The reason is an operator's, unless it is an administrator's. */
function aboutOf({ changes, why }: ReturnType<typeof recordOf>, by: Actor): readonly About[] {
  const owners = new Set(changes.flatMap(({ tenant }) => (tenant === null ? [] : [tenant])))
  return [...owners].map((tenant) => {
    const own = changes.filter((change) => change.tenant === tenant)
    const listed = own.map(({ kind, name, change, generation }) => ({
      kind,
      name,
      change,
      generation,
    }))
    const said = by.tenant === tenant ? { why } : {}
    return { tenant, detail: { ...said, changes: listed } }
  })
}

/** The answer that was lost, but for the differences, which are not recorded. */
function recordedApplied(detail: Readonly<Record<string, unknown>>): Applied {
  const { version, changes } = recordedSchema.parse(detail)
  return {
    dryRun: false,
    version,
    changes: changes.map(({ kind, name, tenant, change, generation, workflow }) => ({
      reference: { kind, name, tenant: tenant ?? undefined },
      change,
      generation,
      diff: [],
      workflow: workflow ?? undefined,
    })),
  }
}
