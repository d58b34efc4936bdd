import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { LeaseRecord, Revocation } from '../../boundaries/boundary.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { LeaseId } from '../../core/lease.ts'
import { type ClientId, parsePlanName, type ServiceName } from '../../core/names.ts'
import type { SupportPolicy } from '../../core/support-terms.ts'
import { parseCellName, parseRegion, type TenantId } from '../../core/tenant.ts'
import {
  type Actor,
  type ApprovalView,
  type CellView,
  OPERATOR_SCOPES,
  type OperatorScope,
  type OperatorView,
  type PlanView,
  type StatusChange,
  type StoredAnswer,
  type TenantView,
  type WorkflowEvent,
  type WorkflowKind,
  type WorkflowView,
} from '../control-plane.ts'

import type { ObjectView } from '../manifests/manifests.ts'
import type { PersonView } from '../operators/people.ts'
import type { MemoryRealm } from './memory-realm.test-support.ts'
import type { SupportView } from '../support/support.ts'

export type Writable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * What a control plane in memory holds, and how its workflows go: a step each time `step` is called, or
 * by themselves with `automatic`.
 */
export class MemoryState {
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
  readonly peopleBySubject = new Map<string, Writable<PersonView>>()
  readonly supportById = new Map<string, Writable<SupportView>>()
  readonly realmsByTenant = new Map<TenantId, MemoryRealm>()
  readonly supportPolicies = new Map<TenantId, SupportPolicy>()
  /** Access tokens of people, and who they are. */
  readonly signedIn = new Map<string, Omit<Actor, 'requestId'>>()
  automatic = false
  isHealthy = true
  /** Thrown by the next call of the plane, whichever it is: a part that is away. */
  trouble: Error | undefined
  waiting = new Set<() => void>()

  /** Generations of what is declared. */
  readonly objectsByKey = new Map<string, readonly { view: ObjectView; removed: boolean }[]>()

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

  /** An operator's token, as `create` would give it. */
  operator(
    name: string,
    scopes: readonly OperatorScope[] = OPERATOR_SCOPES,
    tenant?: TenantId,
  ): string {
    const token = `rfo_${randomBytes(24).toString('base64url')}`
    const view = {
      name,
      scopes,
      tenant,
      createdAt: new Date(),
      expiresAt: undefined,
      revokedAt: undefined,
      owner: undefined,
      lastUsedAt: undefined,
    }
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
    const workflow = this.workflow(id)
    if (workflow.state !== 'running') return
    const running = workflow.steps.find(({ state }) => state !== 'done')
    if (running === undefined) return
    this.setStep(workflow, running.name, 'done', `${running.name} is done`)
    const next = workflow.steps.find(({ state }) => state !== 'done')
    if (next === undefined) this.succeed(workflow)
    else this.setStep(workflow, next.name, 'running', undefined)
  }

  fail(id: string, why: string): void {
    const workflow = this.workflow(id)
    const step = workflow.step ?? ''
    this.setStep(workflow, step, 'failed', why)
    Object.assign(workflow, { state: 'failed', error: why, endedAt: new Date() })
    const tenant = this.tenant(workflow.tenant)
    this.touch(tenant, { failure: { workflow: id, step, why } })
    this.wake()
  }

  check(): void {
    const trouble = this.trouble
    this.trouble = undefined
    if (trouble !== undefined) throw trouble
  }

  tenant(id: TenantId): Writable<TenantView> {
    const tenant = this.tenantsById.get(id)
    if (tenant === undefined) throw new RingfenceError('tenant_unknown', 'no such tenant')
    return tenant
  }

  workflow(id: string): Writable<WorkflowView> {
    const workflow = this.workflowsById.get(id)
    if (workflow === undefined) throw new RingfenceError('not_found', 'there is no such workflow')
    return workflow
  }

  approval(id: string): Writable<ApprovalView> {
    const approval = this.approvalsById.get(id)
    if (approval === undefined) throw new RingfenceError('not_found', 'there is no such approval')
    return approval
  }

  touch(tenant: Writable<TenantView>, change: object): TenantView {
    Object.assign(tenant, change, { revision: tenant.revision + 1, changedAt: new Date() })
    return tenant
  }

  record(
    tenant: TenantId,
    from: StatusChange['from'],
    to: StatusChange['to'],
    by: { readonly name: string },
    why: string,
  ): void {
    const changes = this.changes.get(tenant) ?? []
    this.changes.set(tenant, [...changes, { at: new Date(), from, to, by: by.name, why }])
  }

  async act(
    kind: WorkflowKind,
    id: TenantId,
    by: Actor,
    steps: readonly string[],
    why: string,
    result?: unknown,
  ): Promise<WorkflowView> {
    this.check()
    const tenant = this.tenant(id)
    const busy = [...this.workflowsById.values()].some(
      (one) => one.tenant === id && one.endedAt === undefined,
    )
    if (busy) throw new RingfenceError('conflict', 'something else is under way for this tenant')
    this.acts.push({ what: `${kind} ${id}: ${why}`, by })
    const status = STATUS_DURING[kind]
    if (status !== undefined) this.setStatus(tenant, status, by, why)
    return this.start(kind, id, by, steps, result)
  }

  setStatus(
    tenant: Writable<TenantView>,
    to: TenantView['status'],
    by: { readonly name: string },
    why: string,
  ): void {
    this.record(tenant.id, tenant.status, to, by, why)
    this.touch(tenant, { status: to })
  }

  start(
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
    this.setStep(workflow, steps[0] ?? '', 'running', undefined)
    if (this.automatic) void this.runOn(workflow)
    return workflow
  }

  async runOn(workflow: WorkflowView): Promise<void> {
    while (workflow.state === 'running') {
      await new Promise((resolve) => setImmediate(resolve))
      this.step(workflow.id)
    }
  }

  succeed(workflow: Writable<WorkflowView>): void {
    const tenant = this.tenant(workflow.tenant)
    const status = STATUS_AFTER[workflow.kind]
    if (status !== undefined) this.setStatus(tenant, status, { name: workflow.by }, workflow.kind)
    if (workflow.kind === 'onboard') {
      this.touch(tenant, { cell: 'eu-west-1', issuer: `https://id.example/realms/${tenant.id}` })
    }
    if (workflow.kind === 'move') this.touch(tenant, { tier: moveTarget(workflow.result) })
    Object.assign(workflow, { state: 'succeeded', step: undefined, endedAt: new Date() })
    this.emit(workflow.id, 'end', 'succeeded', undefined)
  }

  setStep(
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
    this.emit(workflow.id, name, state, note)
  }

  emit(id: string, step: string, state: WorkflowEvent['state'], note: string | undefined): void {
    const events = this.eventsById.get(id) ?? []
    this.eventsById.set(id, events)
    events.push({ id: events.length + 1, at: new Date(), step, state, note })
    this.wake()
  }

  wake(): void {
    for (const wake of this.waiting) wake()
    this.waiting.clear()
  }

  async *events(id: string, after: number, signal: AbortSignal): AsyncIterable<WorkflowEvent> {
    let seen = after
    for (;;) {
      const events = this.eventsById.get(id) ?? []
      while (seen < events.length && !signal.aborted) {
        const event = events[seen]
        seen += 1
        if (event !== undefined) yield event
      }
      if (signal.aborted || this.workflow(id).endedAt !== undefined) return
      await new Promise<void>((resolve) => {
        this.waiting.add(resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }

  askApproval(workflow: Writable<WorkflowView>, by: Actor): void {
    workflow.state = 'waiting'
    const id = `approval-${randomUUID()}`
    this.approvalsById.set(id, {
      id,
      workflow: workflow.id,
      tenant: workflow.tenant,
      kind: workflow.kind,
      subject: undefined,
      summary: undefined,
      requestedBy: by.name,
      requestedAt: new Date(),
      expiresAt: new Date(Date.now() + 86_400_000),
      state: 'pending',
      decidedBy: undefined,
      decidedAt: undefined,
      comment: undefined,
      externalRef: undefined,
    })
    this.emit(workflow.id, workflow.step ?? '', 'waiting', 'for an approval')
  }

  decide(
    id: string,
    approve: boolean,
    comment: string | undefined,
    decidedBy: string,
  ): ApprovalView {
    const approval = this.approval(id)
    if (approval.state !== 'pending') throw new RingfenceError('conflict', 'decided already')
    if (approval.requestedBy === decidedBy) {
      throw new RingfenceError('forbidden', 'who asked does not decide')
    }
    const state = approve ? 'approved' : 'refused'
    Object.assign(approval, { state, decidedBy, decidedAt: new Date(), comment })
    const workflow = this.workflow(approval.workflow ?? '')
    if (approve) {
      workflow.state = 'running'
      if (this.automatic) void this.runOn(workflow)
    } else {
      Object.assign(workflow, { state: 'failed', error: 'refused', endedAt: new Date() })
      this.wake()
    }
    return approval
  }

  revoke(which: (record: LeaseRecord & { client: ClientId }) => boolean, by: Actor): Revocation {
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

export function hash(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
