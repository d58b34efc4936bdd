import type { RevocationList, RevocationPublisher } from '../revocation/revocation.ts'
import type { SigningKey } from '../tokens/signing-key.ts'
import { Outbox, type OutboxPauses } from './approvals/outbox.ts'
import type { Receiver } from './approvals/receiver.ts'
import { addressBlocks } from './behaviour/address-blocks.ts'
import { changedTenants } from './changed-tenants.ts'
import { ChannelListener } from './channel-listener.ts'
import type { ControlPlane } from './control-plane.ts'
import { Cursors } from './cursor.ts'
import type { DatabaseSettings } from '../database/pooled-database.ts'
import { Database } from './database.ts'
import { RegisteredGrants } from './grants/registered-grants.ts'
import { housekeeping } from './housekeeping.ts'
import { FourEyes } from './operators/four-eyes.ts'
import { OperatorAccess } from './operators/operator-access.ts'
import { OperatorsRealm } from './operators/operators-realm.ts'
import { RegisteredOperators } from './operators/registered-operators.ts'
import { RegisteredPeople } from './operators/registered-people.ts'
import { TenantAdministrators } from './operators/tenant-administrators.ts'
import { RegisteredSecurity } from './operators/registered-security.ts'
import { type PlatformBase, PlatformPublisher } from './platform-publisher.ts'
import type { ApprovalChannel, Ports } from './ports.ts'
import { RealmRefresh } from './realm-refresh.ts'
import { RegisteredRefusals } from './registered-refusals.ts'
import { RegisteredRealms } from './realms/registered-realms.ts'
import { type DecisionReader, RegisteredApprovals } from './registered-approvals.ts'
import { RegisteredCatalogue } from './registered-catalogue.ts'
import { RegisteredIdempotency } from './registered-idempotency.ts'
import { RegisteredJobs } from './registered-jobs.ts'
import { RegisteredWorkflows } from './registered-workflows.ts'
import type { Judges } from './manifests/apply-parts.ts'
import { RegisteredManifests } from './manifests/registered-manifests.ts'
import { PlanWriter } from './plan-writer.ts'
import { cursorKey } from './settings.ts'
import { openSupport } from './support/open-support.ts'
import { TenantChanges } from './tenant-changes.ts'
import { TenantDirectory } from './tenant-directory.ts'
import { TenantLeases } from './tenant-leases.ts'
import { TenantLifecycle } from './tenant-lifecycle.ts'
import type { Services } from './workflows/definition.ts'
import { DurableRuns } from './workflows/durable-runs.ts'
import { Executor } from './workflows/executor.ts'
import { WORKFLOW_CHANNEL } from './workflows/progress.ts'
import { RETRY_DEFAULT, type RetryPolicy } from './workflows/retry.ts'
import { Supervision } from './workflows/supervision.ts'
import { WorkflowEngine } from './workflows/workflow-engine.ts'

const DAY_SECONDS = 24 * 3_600
const GRACE_SECONDS = 30 * DAY_SECONDS
const APPROVAL_SECONDS = 7 * DAY_SECONDS
/** Milliseconds between looks for what is due, and after which a silent process is taken for dead. */
const SUPERVISE_EVERY_MS = 1_000
const DEAD_AFTER_MS = 5_000
const CONFIRM_EVERY_MS = 5_000

export interface ControlPlaneOptions {
  /** The control database as `rf_control`; see `prepareControlDatabase`. */
  readonly database: DatabaseSettings
  /** This process's name among control processes: the same after a restart, and nobody else's. */
  readonly executorId: string
  readonly ports: Ports
  readonly keys: {
    /** EdDSA: signs the snapshot. */
    readonly snapshot: SigningKey
    /** Signs job contexts. */
    readonly job: SigningKey
  }
  /** Puts a receipt into a signed DSSE envelope. */
  readonly signReceipt: (payloadType: string, payload: Uint8Array) => Promise<string>
  /** Exports go below it. */
  readonly exportDirectory: string
  /** What the platform is, as the operator's manifest gives it. */
  readonly platform: PlatformBase
  /** Audience of the client assertions that workloads present for job contexts. */
  readonly assertionAudience: string
  /** Between the end of a tenant's access and its erasure. Default 30 days. */
  readonly graceSeconds?: number
  /** How long an approval is waited for. Default 7 days. */
  readonly approvalSeconds?: number
  /** Who is told of approvals, moves and offboardings. Default: nobody. */
  readonly receivers?: readonly Receiver[]
  /** In place of `receivers`: a channel that whoever made it starts and stops. */
  readonly channel?: ApprovalChannel
  /** How often they are tried and asked; see `Outbox`. */
  readonly outboxPauses?: OutboxPauses
  /** Reads decisions that come in by themselves. Default: none are taken. */
  readonly readDecision?: DecisionReader
  readonly retry?: RetryPolicy
  readonly superviseEveryMs?: number
  readonly deadAfterMs?: number
  readonly confirmEveryMs?: number
  /** Milliseconds between two looks at every realm's keys. Default an hour. */
  readonly realmsEveryMs?: number
  /** How the planes hear of what is taken back, and what of it is known here. Default: not at all. */
  readonly revocations?: {
    readonly publisher?: RevocationPublisher
    readonly list?: RevocationList
  }
  /** Milliseconds between two looks at support accesses. Default a second. */
  readonly supportEveryMs?: number
  /** By whom declarations are judged. Default: no policies, and upstreams on the internet alone. */
  readonly judges?: Judges
  /** After which the idempotency key of a call whose process died is free again. Default 15. */
  readonly callLeaseSeconds?: number
  /** One line for operators; never a secret. */
  readonly log?: (line: string) => void
}

/** A control plane that runs. */
export interface OpenControlPlane extends ControlPlane {
  readonly approvals: RegisteredApprovals
  /** Lets steps that run end, for a few seconds; what is left is taken up later or by others. */
  readonly close: () => Promise<void>
}

/**
 * Opens the control plane on a prepared control database and takes up the workflows that this process
 * left. One at a time in a process.
 * @throws RingfenceError `engine_unavailable` when the database cannot be used
 */
export async function openControlPlane(options: ControlPlaneOptions): Promise<OpenControlPlane> {
  const database = new Database(options.database)
  try {
    return await openOn(database, options)
  } catch (error) {
    await database.close()
    throw error
  }
}

async function openOn(database: Database, options: ControlPlaneOptions): Promise<OpenControlPlane> {
  const { ports, keys, receivers = [], log = () => {} } = options
  const cursors = new Cursors(await cursorKey(database))
  const publisher = new PlatformPublisher(options.platform, keys.snapshot, keys.job)
  await publisher.publishNow(database)
  const changes = new TenantChanges(keys.snapshot)
  const executor = new Executor(database, options.executorId, options.deadAfterMs ?? DEAD_AFTER_MS)
  await executor.arrive()
  const outbox =
    receivers.length === 0
      ? undefined
      : new Outbox({
          database,
          receivers,
          log,
          ...options.outboxPauses,
          decide: (decision) => approvals.decideOutside(decision),
        })
  const services: Services = {
    database,
    ports,
    changes,
    channel: options.channel ?? outbox,
    exportDirectory: options.exportDirectory,
    graceSeconds: options.graceSeconds ?? GRACE_SECONDS,
    signReceipt: options.signReceipt,
    retry: options.retry ?? RETRY_DEFAULT,
    log,
  }
  const runs = await DurableRuns.start(
    database,
    options.executorId,
    new WorkflowEngine(services, executor),
  )
  const supervision = new Supervision(
    database,
    executor,
    runs,
    options.superviseEveryMs ?? SUPERVISE_EVERY_MS,
    log,
  )
  const idempotency = new RegisteredIdempotency(database, options.callLeaseSeconds)
  const kept = housekeeping({
    database,
    snapshotKey: keys.snapshot,
    idempotency,
    everyMs: options.confirmEveryMs ?? CONFIRM_EVERY_MS,
    log,
  })
  const realms = new RealmRefresh({
    database,
    realms: ports.realms,
    changes,
    log,
    ...(options.realmsEveryMs === undefined ? {} : { everyMs: options.realmsEveryMs }),
  })
  const changed = changedTenants({ database, publisher, snapshotKey: keys.snapshot, log })
  const blocks = addressBlocks({ database, publisher, log })
  const listener = new ChannelListener(database, WORKFLOW_CHANNEL)
  await listener.start()
  const wake = () => supervision.wake()
  const approvalSeconds = options.approvalSeconds ?? APPROVAL_SECONDS
  const fourEyes = new FourEyes(database, approvalSeconds)
  const plans = new PlanWriter(database, fourEyes)
  const support = openSupport(database, cursors, fourEyes, options)
  const approvals = new RegisteredApprovals(
    database,
    cursors,
    options.readDecision,
    wake,
    support.decided,
  )
  supervision.start()
  kept.start()
  realms.start()
  changed.start()
  blocks.start()
  support.start()
  outbox?.start()
  const lifecycle = new TenantLifecycle({
    database,
    changes,
    wake,
    begin: async ({ id, run }) => {
      try {
        await runs.begin(id, run)
      } catch {
        // It is entered: supervision begins it when the database is there again.
        log(`${id}: to be begun by supervision`)
      }
    },
    recordsChanges: services.channel !== undefined,
    approvalSeconds,
    fourEyes,
  })
  return {
    tenants: tenantsOf(
      new TenantDirectory(database, cursors, changes, fourEyes),
      lifecycle,
      new TenantLeases(database, ports.cells),
    ),
    workflows: new RegisteredWorkflows(database, cursors, listener),
    approvals,
    catalogue: new RegisteredCatalogue(database, publisher, plans),
    manifests: new RegisteredManifests({
      database,
      cursors,
      changes,
      plans,
      publisher,
      snapshotKey: keys.snapshot,
      judges: options.judges ?? {},
      enter: (tx, request, by) => lifecycle.enter(tx, request, by),
      begin: (workflows) => lifecycle.beginAll(workflows),
    }),
    grants: new RegisteredGrants({
      database,
      cursors,
      ask: ports.administration,
      publisher,
      snapshotKey: keys.snapshot,
      revocations: options.revocations?.publisher,
    }),
    ...operatorsOf(database, fourEyes, realms, options),
    support: support.plane,
    realms: new RegisteredRealms({
      database,
      cursors,
      ask: ports.administration,
      refresh: realms,
      fourEyes,
    }),
    jobs: new RegisteredJobs(database, options.platform, keys.job, options.assertionAudience),
    refusals: new RegisteredRefusals(database),
    idempotency,
    healthy: async () => {
      if (!runs.isRunning || !supervision.isWell) return false
      return database.query('select 1 as one').then(
        () => true,
        () => false,
      )
    },
    close: async () => {
      await Promise.all([
        kept.stop(),
        realms.stop(),
        changed.stop(),
        blocks.stop(),
        support.stop(),
        supervision.stop(),
        listener.close(),
        outbox?.stop(),
      ])
      await runs.stop()
      await executor.leave().catch(() => {})
      await database.close()
    },
  }
}

/** Who may call, and what is done in an emergency. */
function operatorsOf(
  database: Database,
  fourEyes: FourEyes,
  refresh: RealmRefresh,
  { ports, platform, revocations, assertionAudience: audience }: ControlPlaneOptions,
): Pick<ControlPlane, 'operators' | 'people' | 'security'> {
  const list = revocations?.list
  const publisher = revocations?.publisher
  const realm = new OperatorsRealm({
    realms: ports.realms,
    audience,
    ...(list === undefined ? {} : { revocations: list }),
  })
  const administrators = new TenantAdministrators({
    database,
    audience: platform.audience,
    ...(list === undefined ? {} : { revocations: list }),
  })
  const tokens = new RegisteredOperators(database, fourEyes)
  return {
    operators: new OperatorAccess(tokens, realm, fourEyes, audience, administrators),
    people: new RegisteredPeople({ database, accounts: ports.operators, fourEyes, publisher }),
    security: new RegisteredSecurity({
      database,
      realms: ports.realms,
      refresh,
      publisher,
      fourEyes,
    }),
  }
}

/** One object for the contract, made of the parts that do one thing each. */
function tenantsOf(
  directory: TenantDirectory,
  lifecycle: TenantLifecycle,
  leases: TenantLeases,
): ControlPlane['tenants'] {
  return {
    list: (filter, page) => directory.list(filter, page),
    get: (tenant) => directory.get(tenant),
    history: (tenant, page) => directory.history(tenant, page),
    update: (tenant, change, revision, by) => directory.update(tenant, change, revision, by),
    receipt: (tenant) => directory.receipt(tenant),
    create: (request, by) => lifecycle.create(request, by),
    suspend: (tenant, why, by) => lifecycle.suspend(tenant, why, by),
    resume: (tenant, by) => lifecycle.resume(tenant, by),
    move: (tenant, to, by) => lifecycle.move(tenant, to, by),
    offboard: (tenant, how, by) => lifecycle.offboard(tenant, how, by),
    cancel: (tenant, by) => lifecycle.cancel(tenant, by),
    export: (tenant, by) => lifecycle.export(tenant, by),
    leases: (tenant) => leases.leases(tenant),
    revoke: (tenant, lease, by) => leases.revoke(tenant, lease, by),
    revokeWorkload: (client, by) => leases.revokeWorkload(client, by),
  }
}
