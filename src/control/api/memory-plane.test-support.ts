import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { LeaseRecord, Revocation } from '../../boundaries/boundary.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { LeaseId } from '../../core/lease.ts'
import { type ClientId, parsePlanName, type ServiceName } from '../../core/names.ts'
import { parseCellName, parseRegion, type TenantId } from '../../core/tenant.ts'
import {
  type Actor,
  type ApprovalView,
  type CellView,
  type ControlPlane,
  OPERATOR_SCOPES,
  type OperatorScope,
  type OperatorView,
  type Page,
  type PageRequest,
  type PlanView,
  type StatusChange,
  type StoredAnswer,
  type TenantView,
  type WorkflowEvent,
  type WorkflowKind,
  type WorkflowView,
} from '../control-plane.ts'
import { verifyWebhook } from '../approvals/standard-webhooks.ts'

type Writable<T> = { -readonly [K in keyof T]: T[K] }

export const MEMORY_WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

/**
 * A control plane in memory that keeps the promises of `ControlPlane`: revisions, cursors bound to
 * their list, four eyes, one workflow a tenant, idempotency. Workflows take a step each time `step` is
 * called, or by themselves with `automatic`.
 */
export class MemoryPlane implements ControlPlane {
  readonly tenantsById = new Map<TenantId, Writable<TenantView>>()
  readonly changes = new Map<TenantId, StatusChange[]>()
  readonly workflowsById = new Map<string, Writable<WorkflowView>>()
  readonly eventsById = new Map<string, WorkflowEvent[]>()
  readonly approvalsById = new Map<string, Writable<ApprovalView>>()
  readonly cellsByName = new Map<string, Writable<CellView>>()
  readonly plansByName = new Map<string, PlanView>()
  readonly operatorsByHash = new Map<string, Writable<OperatorView>>()
  readonly leasesById = new Map<LeaseId, Writable<LeaseRecord> & { client: ClientId }>()
  readonly answers = new Map<string, { fingerprint: string; answer: StoredAnswer | undefined }>()
  readonly acts: { readonly what: string; readonly by: Actor }[] = []
  readonly assertions = new Map<string, { name: string; service: ServiceName }>()
  readonly webhooksSeen = new Set<string>()
  automatic = false
  isHealthy = true
  /** Thrown by the next call of the plane, whichever it is: a part that is away. */
  trouble: Error | undefined
  #waiting = new Set<() => void>()

  constructor() {
    for (const name of ['eu-west-1', 'eu-west-2']) {
      const cell = { name: parseCellName(name), region: parseRegion('eu-west') }
      this.cellsByName.set(name, { ...cell, capacity: 100, tenants: 0, open: true })
    }
    for (const [name, approval] of [
      ['standard', false],
      ['regulated', true],
    ] as const) {
      this.plansByName.set(name, {
        name: parsePlanName(name),
        tiers: ['pooled', 'bridge', 'silo'],
        requestsPerMinute: 6000,
        leasesPerMinute: 60,
        leaseSecondsMax: 900,
        approval,
      })
    }
  }

  healthy(): Promise<boolean> {
    return Promise.resolve(this.isHealthy)
  }

  /** An operator's token, as `create` would give it. */
  operator(name: string, scopes: readonly OperatorScope[] = OPERATOR_SCOPES): string {
    const token = `rfo_${randomBytes(24).toString('base64url')}`
    const view = { name, scopes, createdAt: new Date(), expiresAt: undefined, revokedAt: undefined }
    this.operatorsByHash.set(hash(token), view)
    return token
  }

  lease(tenant: TenantId, client = 'clinic-web' as ClientId): LeaseId {
    const lease_id = `lease-${randomUUID()}` as LeaseId
    this.leasesById.set(lease_id, {
      lease_id,
      tenant,
      client,
      scope: 'read',
      holder: 'vending-1',
      issued_at: new Date(),
      expires_at: new Date(Date.now() + 900_000),
      ended_at: undefined,
      ended_why: undefined,
    })
    return lease_id
  }

  /** Takes the workflow one step on; at its last step it succeeds. */
  step(id: string): void {
    const workflow = this.#workflow(id)
    if (workflow.state !== 'running') return
    const running = workflow.steps.find(({ state }) => state !== 'done')
    if (running === undefined) return
    this.#setStep(workflow, running.name, 'done', `${running.name} is done`)
    const next = workflow.steps.find(({ state }) => state !== 'done')
    if (next === undefined) this.#succeed(workflow)
    else this.#setStep(workflow, next.name, 'running', undefined)
  }

  fail(id: string, why: string): void {
    const workflow = this.#workflow(id)
    const step = workflow.step ?? ''
    this.#setStep(workflow, step, 'failed', why)
    Object.assign(workflow, { state: 'failed', error: why, endedAt: new Date() })
    const tenant = this.#tenant(workflow.tenant)
    this.#touch(tenant, { failure: { workflow: id, step, why } })
    this.#wake()
  }

  readonly tenants: ControlPlane['tenants'] = {
    list: async (filter, page) => {
      this.#check()
      const all = [...this.tenantsById.values()]
        .filter(
          (tenant) =>
            (filter.status === undefined || tenant.status === filter.status) &&
            (filter.region === undefined || tenant.region === filter.region) &&
            (filter.tier === undefined || tenant.tier === filter.tier),
        )
        .sort((a, b) => (a.id < b.id ? -1 : 1))
      return pageOf(all, ({ id }) => id, ['tenants', filter], page)
    },
    get: async (tenant) => {
      this.#check()
      return this.#tenant(tenant)
    },
    history: async (tenant, page) => {
      this.#check()
      this.#tenant(tenant)
      const changes = (this.changes.get(tenant) ?? []).map((change, index) => ({ change, index }))
      const found = pageOf(
        changes.reverse(),
        ({ index }) => String(1e6 - index),
        ['history', tenant],
        page,
      )
      return { items: found.items.map(({ change }) => change), next: found.next }
    },
    create: async (request, by) => {
      this.#check()
      const before = this.tenantsById.get(request.id)
      if (before !== undefined && before.status !== 'erased') {
        throw new RingfenceError('already_exists', 'there is a tenant of this name already')
      }
      const plan = this.plansByName.get(request.plan)
      if (plan === undefined) throw new RingfenceError('not_found', 'there is no such plan')
      if (![...this.cellsByName.values()].some(({ region }) => region === request.region)) {
        throw new RingfenceError('no_capacity', 'no cell of the region has room')
      }
      const now = new Date()
      this.tenantsById.set(request.id, {
        ...request,
        hosts: request.hosts ?? [],
        status: 'requested',
        cell: undefined,
        issuer: undefined,
        legalHold: false,
        failure: undefined,
        createdAt: now,
        changedAt: now,
        revision: 1,
      })
      this.#record(request.id, undefined, 'requested', by, 'asked for')
      const workflow = this.#start('onboard', request.id, by, ['place', 'provision', 'smoke'])
      if (plan.approval) this.#askApproval(workflow, by)
      return workflow
    },
    update: async (id, change, revision, by) => {
      this.#check()
      const tenant = this.#tenant(id)
      if (revision !== undefined && revision !== tenant.revision) {
        throw new RingfenceError('precondition_failed', 'the tenant has changed')
      }
      this.acts.push({ what: `update ${id}`, by })
      return this.#touch(tenant, change)
    },
    suspend: async (tenant, why, by) => this.#act('suspend', tenant, by, ['close'], why),
    resume: async (tenant, by) => this.#act('resume', tenant, by, ['open'], 'resumed'),
    move: async (tenant, to, by) =>
      this.#act('move', tenant, by, ['copy', 'cut-over', 'erase-old'], `to ${to}`, { to }),
    offboard: async (tenant, { purge, why }, by) => {
      if (this.#tenant(tenant).legalHold) {
        throw new RingfenceError('conflict', 'the tenant is under a legal hold')
      }
      const steps = ['export', ...(purge ? [] : ['grace']), 'erase', 'receipt']
      return this.#act('offboard', tenant, by, steps, why)
    },
    cancel: async (tenant, by) => {
      this.#check()
      this.#tenant(tenant)
      const workflow = [...this.workflowsById.values()].find(
        (one) => one.tenant === tenant && one.endedAt === undefined,
      )
      if (workflow === undefined) throw new RingfenceError('conflict', 'nothing is under way')
      this.acts.push({ what: `cancel ${tenant}`, by })
      Object.assign(workflow, { state: 'cancelled', endedAt: new Date() })
      this.#emit(workflow.id, workflow.step ?? '', 'cancelled', undefined)
      return workflow
    },
    export: async (tenant, by) => this.#act('export', tenant, by, ['export'], 'export'),
    receipt: async (tenant) => {
      this.#check()
      if (this.#tenant(tenant).status !== 'erased') {
        throw new RingfenceError('conflict', 'the tenant is not erased')
      }
      const payload = Buffer.from(JSON.stringify({ tenant })).toString('base64')
      const signatures = [{ keyid: 'k', sig: 'c2ln' }]
      return JSON.stringify({ payload, payloadType: 'application/vnd.in-toto+json', signatures })
    },
    leases: async (tenant) => {
      this.#check()
      this.#tenant(tenant)
      return [...this.leasesById.values()].filter((lease) => lease.tenant === tenant)
    },
    revoke: async (tenant, lease, by) => {
      this.#check()
      this.#tenant(tenant)
      return this.#revoke(
        (record) => record.tenant === tenant && (lease === undefined || record.lease_id === lease),
        by,
      )
    },
    revokeWorkload: async (client, by) => {
      this.#check()
      return this.#revoke((record) => record.client === client, by)
    },
  }

  readonly workflows: ControlPlane['workflows'] = {
    list: async (filter, page) => {
      this.#check()
      const all = [...this.workflowsById.values()]
        .map((workflow, index) => ({ workflow, index }))
        .filter(
          ({ workflow }) =>
            (filter.tenant === undefined || workflow.tenant === filter.tenant) &&
            (filter.state === undefined || workflow.state === filter.state),
        )
        .reverse()
      const found = pageOf(all, ({ index }) => String(1e6 - index), ['workflows', filter], page)
      return { items: found.items.map(({ workflow }) => workflow), next: found.next }
    },
    get: async (id) => {
      this.#check()
      return this.#workflow(id)
    },
    events: (id, after, signal) => this.#events(id, after, signal),
  }

  readonly approvals: ControlPlane['approvals'] = {
    list: async (filter, page) => {
      this.#check()
      const all = [...this.approvalsById.values()]
        .filter(({ state }) => filter.state === undefined || state === filter.state)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
      return pageOf(all, ({ id }) => id, ['approvals', filter], page)
    },
    get: async (id) => {
      this.#check()
      return this.#approval(id)
    },
    decide: async (id, approve, comment, by) => {
      this.#check()
      return this.#decide(id, approve, comment, by.name)
    },
    receiveWebhook: async (headers, body) => {
      this.#check()
      const { id, decision } = verifyWebhook([MEMORY_WEBHOOK_SECRET], headers, body)
      if (this.webhooksSeen.has(id)) throw new RingfenceError('conflict', 'seen before')
      this.webhooksSeen.add(id)
      const { approval, approve, comment, decided_by } = decision
      return this.#decide(approval, approve, comment, `webhook:${decided_by}`)
    },
  }

  readonly catalogue: ControlPlane['catalogue'] = {
    cells: async () => {
      this.#check()
      return [...this.cellsByName.values()]
    },
    putCell: async (cell, by) => {
      this.#check()
      const before = this.cellsByName.get(cell.name)
      if (before !== undefined && before.region !== cell.region) {
        throw new RingfenceError('conflict', 'a cell stays in its region')
      }
      this.acts.push({ what: `cell ${cell.name}`, by })
      const view = { ...cell, tenants: before?.tenants ?? 0 }
      this.cellsByName.set(cell.name, view)
      return view
    },
    plans: async () => {
      this.#check()
      return [...this.plansByName.values()]
    },
    putPlan: async (plan, by) => {
      this.#check()
      this.acts.push({ what: `plan ${plan.name}`, by })
      this.plansByName.set(plan.name, plan)
      return plan
    },
  }

  readonly operators: ControlPlane['operators'] = {
    authenticate: async (token, requestId) => {
      this.#check()
      const view = this.operatorsByHash.get(hash(token))
      const expired = view?.expiresAt !== undefined && view.expiresAt.getTime() <= Date.now()
      if (view === undefined || view.revokedAt !== undefined || expired) {
        throw new RingfenceError('not_authenticated', 'the token is not valid')
      }
      return { kind: 'operator', name: view.name, scopes: view.scopes, requestId }
    },
    list: async () => {
      this.#check()
      return [...this.operatorsByHash.values()]
    },
    create: async ({ name, scopes, seconds }, by) => {
      this.#check()
      if ([...this.operatorsByHash.values()].some((operator) => operator.name === name)) {
        throw new RingfenceError('already_exists', 'there is or was an operator of this name')
      }
      this.acts.push({ what: `operator ${name}`, by })
      const token = this.operator(name, scopes)
      const operator = this.operatorsByHash.get(hash(token))
      if (operator === undefined) throw new Error('the operator was entered a line above')
      if (seconds !== undefined) operator.expiresAt = new Date(Date.now() + seconds * 1000)
      return { operator, token }
    },
    revoke: async (name, by) => {
      this.#check()
      const view = [...this.operatorsByHash.values()].find((operator) => operator.name === name)
      if (view === undefined) throw new RingfenceError('not_found', 'there is no such operator')
      this.acts.push({ what: `revoke ${name}`, by })
      view.revokedAt ??= new Date()
      return view
    },
    bootstrap: async () =>
      this.operatorsByHash.size > 0 ? undefined : this.operator('first-operator'),
  }

  readonly jobs: ControlPlane['jobs'] = {
    authenticate: async (assertion, requestId) => {
      this.#check()
      const workload = this.assertions.get(assertion)
      if (workload === undefined) throw new RingfenceError('not_authenticated', 'not valid')
      // Good once, as a real one.
      this.assertions.delete(assertion)
      const { name, service } = workload
      return { kind: 'workload', name, scopes: [], requestId, service }
    },
    contexts: async (request, by) => {
      this.#check()
      const ids = request.tenants ?? [...this.tenantsById.keys()]
      const active = ids.filter((id) => this.tenantsById.get(id)?.status === 'active')
      if (request.tenants !== undefined && active.length < request.tenants.length) {
        throw new RingfenceError('tenant_unknown', 'no such active tenant')
      }
      this.acts.push({ what: `job ${request.job}`, by })
      const expiresAt = new Date(Date.now() + request.seconds * 1000)
      return active.map((tenant) => ({ tenant, token: `context-of-${tenant}`, expiresAt }))
    },
  }

  readonly idempotency: ControlPlane['idempotency'] = {
    once: async (actor, key, fingerprint, work) => {
      this.#check()
      const entry = `${actor.kind}:${actor.name}:${key}`
      const before = this.answers.get(entry)
      if (before !== undefined) {
        if (before.fingerprint !== fingerprint) {
          throw new RingfenceError(
            'idempotency_key_reused',
            'the key was used with another request',
          )
        }
        if (before.answer === undefined) {
          throw new RingfenceError('conflict', 'the first call with this key is under way')
        }
        return { ...before.answer, repeated: true }
      }
      const mine: { fingerprint: string; answer: StoredAnswer | undefined } = {
        fingerprint,
        answer: undefined,
      }
      this.answers.set(entry, mine)
      try {
        mine.answer = await work()
      } catch (error) {
        this.answers.delete(entry)
        throw error
      }
      return { ...mine.answer, repeated: false }
    },
  }

  #check(): void {
    const trouble = this.trouble
    this.trouble = undefined
    if (trouble !== undefined) throw trouble
  }

  #tenant(id: TenantId): Writable<TenantView> {
    const tenant = this.tenantsById.get(id)
    if (tenant === undefined) throw new RingfenceError('tenant_unknown', 'no such tenant')
    return tenant
  }

  #workflow(id: string): Writable<WorkflowView> {
    const workflow = this.workflowsById.get(id)
    if (workflow === undefined) throw new RingfenceError('not_found', 'there is no such workflow')
    return workflow
  }

  #approval(id: string): Writable<ApprovalView> {
    const approval = this.approvalsById.get(id)
    if (approval === undefined) throw new RingfenceError('not_found', 'there is no such approval')
    return approval
  }

  #touch(tenant: Writable<TenantView>, change: object): TenantView {
    Object.assign(tenant, change, { revision: tenant.revision + 1, changedAt: new Date() })
    return tenant
  }

  #record(
    tenant: TenantId,
    from: StatusChange['from'],
    to: StatusChange['to'],
    by: { readonly name: string },
    why: string,
  ): void {
    const changes = this.changes.get(tenant) ?? []
    this.changes.set(tenant, [...changes, { at: new Date(), from, to, by: by.name, why }])
  }

  async #act(
    kind: WorkflowKind,
    id: TenantId,
    by: Actor,
    steps: readonly string[],
    why: string,
    result?: unknown,
  ): Promise<WorkflowView> {
    this.#check()
    const tenant = this.#tenant(id)
    const busy = [...this.workflowsById.values()].some(
      (one) => one.tenant === id && one.endedAt === undefined,
    )
    if (busy) throw new RingfenceError('conflict', 'something else is under way for this tenant')
    this.acts.push({ what: `${kind} ${id}: ${why}`, by })
    const status = STATUS_DURING[kind]
    if (status !== undefined) this.#setStatus(tenant, status, by, why)
    return this.#start(kind, id, by, steps, result)
  }

  #setStatus(
    tenant: Writable<TenantView>,
    to: TenantView['status'],
    by: { readonly name: string },
    why: string,
  ): void {
    this.#record(tenant.id, tenant.status, to, by, why)
    this.#touch(tenant, { status: to })
  }

  #start(
    kind: WorkflowKind,
    tenant: TenantId,
    by: Actor,
    steps: readonly string[],
    result?: unknown,
  ): Writable<WorkflowView> {
    const workflow: Writable<WorkflowView> = {
      id: `${kind}-${randomUUID()}`,
      kind,
      tenant,
      state: 'running',
      step: undefined,
      steps: steps.map((name) => ({
        name,
        state: 'pending',
        startedAt: undefined,
        endedAt: undefined,
        note: undefined,
      })),
      error: undefined,
      by: by.name,
      startedAt: new Date(),
      endedAt: undefined,
      result,
    }
    this.workflowsById.set(workflow.id, workflow)
    this.#setStep(workflow, steps[0] ?? '', 'running', undefined)
    if (this.automatic) void this.#runOn(workflow)
    return workflow
  }

  async #runOn(workflow: WorkflowView): Promise<void> {
    while (workflow.state === 'running') {
      await new Promise((resolve) => setImmediate(resolve))
      this.step(workflow.id)
    }
  }

  #succeed(workflow: Writable<WorkflowView>): void {
    const tenant = this.#tenant(workflow.tenant)
    const status = STATUS_AFTER[workflow.kind]
    if (status !== undefined) this.#setStatus(tenant, status, { name: workflow.by }, workflow.kind)
    if (workflow.kind === 'onboard') {
      this.#touch(tenant, { cell: 'eu-west-1', issuer: `https://id.example/realms/${tenant.id}` })
    }
    if (workflow.kind === 'move') this.#touch(tenant, { tier: moveTarget(workflow.result) })
    Object.assign(workflow, { state: 'succeeded', step: undefined, endedAt: new Date() })
    this.#emit(workflow.id, 'end', 'succeeded', undefined)
  }

  #setStep(
    workflow: Writable<WorkflowView>,
    name: string,
    state: WorkflowEvent['state'] & WorkflowView['steps'][number]['state'],
    note: string | undefined,
  ): void {
    workflow.step = name
    workflow.steps = workflow.steps.map((step) =>
      step.name === name
        ? {
            ...step,
            state,
            note,
            startedAt: step.startedAt ?? new Date(),
            endedAt: state === 'done' || state === 'failed' ? new Date() : undefined,
          }
        : step,
    )
    this.#emit(workflow.id, name, state, note)
  }

  #emit(id: string, step: string, state: WorkflowEvent['state'], note: string | undefined): void {
    const events = this.eventsById.get(id) ?? []
    this.eventsById.set(id, events)
    events.push({ id: events.length + 1, at: new Date(), step, state, note })
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  async *#events(id: string, after: number, signal: AbortSignal): AsyncIterable<WorkflowEvent> {
    let seen = after
    for (;;) {
      const events = this.eventsById.get(id) ?? []
      while (seen < events.length && !signal.aborted) {
        const event = events[seen]
        seen += 1
        if (event !== undefined) yield event
      }
      if (signal.aborted || this.#workflow(id).endedAt !== undefined) return
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }

  #askApproval(workflow: Writable<WorkflowView>, by: Actor): void {
    workflow.state = 'waiting'
    const id = `approval-${randomUUID()}`
    this.approvalsById.set(id, {
      id,
      workflow: workflow.id,
      tenant: workflow.tenant,
      kind: workflow.kind,
      requestedBy: by.name,
      requestedAt: new Date(),
      expiresAt: new Date(Date.now() + 86_400_000),
      state: 'pending',
      decidedBy: undefined,
      decidedAt: undefined,
      comment: undefined,
      externalRef: undefined,
    })
    this.#emit(workflow.id, workflow.step ?? '', 'waiting', 'for an approval')
  }

  #decide(
    id: string,
    approve: boolean,
    comment: string | undefined,
    decidedBy: string,
  ): ApprovalView {
    const approval = this.#approval(id)
    if (approval.state !== 'pending') throw new RingfenceError('conflict', 'decided already')
    if (approval.requestedBy === decidedBy) {
      throw new RingfenceError('forbidden', 'who asked does not decide')
    }
    const state = approve ? 'approved' : 'refused'
    Object.assign(approval, { state, decidedBy, decidedAt: new Date(), comment })
    const workflow = this.#workflow(approval.workflow)
    if (approve) {
      workflow.state = 'running'
      if (this.automatic) void this.#runOn(workflow)
    } else {
      Object.assign(workflow, { state: 'failed', error: 'refused', endedAt: new Date() })
      this.#wake()
    }
    return approval
  }

  #revoke(which: (record: LeaseRecord & { client: ClientId }) => boolean, by: Actor): Revocation {
    const live = [...this.leasesById.values()].filter(
      (record) => which(record) && record.ended_at === undefined,
    )
    for (const record of live) {
      Object.assign(record, { ended_at: new Date(), ended_why: 'revoked' })
    }
    this.acts.push({ what: `revoke ${live.length}`, by })
    return { leases: live.map(({ lease_id }) => lease_id), sessionsEnded: 0 }
  }
}

const STATUS_DURING: Partial<Record<WorkflowKind, TenantView['status']>> = {
  move: 'moving',
  offboard: 'offboarding',
}
const STATUS_AFTER: Partial<Record<WorkflowKind, TenantView['status']>> = {
  onboard: 'active',
  suspend: 'suspended',
  resume: 'active',
  move: 'active',
  offboard: 'erased',
}

function moveTarget(result: unknown): unknown {
  return typeof result === 'object' && result !== null && 'to' in result ? result.to : 'pooled'
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** A page of what is in order by `keyOf`. The cursor names its list and filter. */
function pageOf<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  list: unknown,
  { limit, cursor }: PageRequest,
): Page<T> {
  const name = JSON.stringify(list)
  let after = ''
  if (cursor !== undefined) {
    const read: unknown = JSON.parse(tryJson(Buffer.from(cursor, 'base64url').toString()))
    if (!Array.isArray(read) || read[0] !== name || typeof read[1] !== 'string') {
      throw new RingfenceError('invalid_argument', 'the cursor is not of this list')
    }
    after = read[1]
  }
  const rest = all.filter((item) => keyOf(item) > after)
  const items = rest.slice(0, limit)
  const last = items.at(-1)
  const next =
    rest.length > limit && last !== undefined
      ? Buffer.from(JSON.stringify([name, keyOf(last)])).toString('base64url')
      : undefined
  return { items, next }
}

function tryJson(text: string): string {
  try {
    JSON.parse(text)
    return text
  } catch {
    return 'null'
  }
}
