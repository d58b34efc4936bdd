import { remoteBoundary } from '../../cells/remote-boundary.ts'
import { writeState } from '../../clusters/state-file.ts'
import { controlApi } from '../../control/api/control-api.ts'
import type { Actor, ControlPlane } from '../../control/control-plane.ts'
import { openControlPlane } from '../../control/open-control-plane.ts'
import type { Cells } from '../../control/ports.ts'
import { RingfenceError } from '../../core/errors.ts'
import { listen } from '../../http/listen.ts'
import { sealEnvelope } from '../../proof/dsse.ts'
import { loadOrCreateEvidenceKey } from '../../proof/evidence-key.ts'
import { readOrMakeSigningKey } from '../../tokens/signing-key.ts'
import { remoteAdministration } from '../../identity/administration/administration-admin.ts'
import { remoteOperatorAccounts } from '../../identity/operators/accounts-admin.ts'
import { remoteRealms } from '../../identity/remote-realms.ts'
import { remoteSupport } from '../../identity/support/support-admin.ts'
import { PostgresRevocations } from '../../revocation/postgres-revocations.ts'
import { PromptRevocations } from '../../revocation/prompt-revocations.ts'
import { RevocationFollower } from '../../revocation/revocation-follower.ts'
import type { PlaneSpec } from '../plane-config.ts'
import { CONTROL_CLIENT } from '../write-planes.ts'
import { revocationOptions } from './follower-options.ts'
import { judgesOf } from './judges.ts'
import { operatorAccounts } from './operator-accounts.ts'
import { outsideApprovals } from './outside-approvals.ts'
import type { Measures } from './measured.ts'
import { databaseSettings, type Log, type Served } from './served.ts'

/** The operator's manifest speaks here, not a person. */
const MANIFEST: Actor = {
  kind: 'system',
  name: 'manifest',
  scopes: ['catalogue:write'],
  requestId: 'start',
}

/** The control plane: registry, workflows and their API. Several may run; each has its own name. */
export async function serveControl(
  spec: PlaneSpec<'control'>,
  version: string,
  { log, telemetry }: Measures,
): Promise<Served> {
  const database = await databaseSettings(spec.database)
  const { receivers, readDecision } = await outsideApprovals(spec.approvals)
  const evidence = await loadOrCreateEvidenceKey(spec.keys.receipt)
  const client = await readOrMakeSigningKey(spec.keys.client, 'ES256')
  const { audience, contextKeys, services, workloads } = spec.platform
  const identity = { ...spec.identity, client: CONTROL_CLIENT, key: client }
  const revoked = await RevocationFollower.open(await revocationOptions(spec, log, true))
  const plane = await openControlPlane({
    database,
    executorId: spec.executor,
    ports: {
      cells: cellsOf(spec.cells),
      realms: remoteRealms(identity),
      operators: operatorAccounts(remoteOperatorAccounts(identity)),
      support: remoteSupport(identity),
      administration: remoteAdministration(identity),
    },
    revocations: {
      publisher: new PromptRevocations(new PostgresRevocations(), () => revoked.look()),
      list: revoked,
    },
    keys: {
      snapshot: await readOrMakeSigningKey(spec.keys.snapshot, 'EdDSA'),
      job: await readOrMakeSigningKey(spec.keys.job, 'ES256'),
    },
    signReceipt: (type, payload) => Promise.resolve(sealEnvelope(type, payload, evidence)),
    exportDirectory: spec.exportDirectory,
    platform: { audience, contextKeys, services, workloads },
    judges: judgesOf(spec.upstreams),
    assertionAudience: spec.audience,
    graceSeconds: spec.graceSeconds,
    approvalSeconds: spec.approvalSeconds,
    receivers,
    ...(readDecision === undefined ? {} : { readDecision }),
    log,
  }).catch(async (error: unknown) => {
    await revoked.close()
    throw error
  })
  await enterCatalogue(plane, spec)
  await keepFirstToken(plane, spec.bootstrapTokenFile, log)
  const listening = await listen(
    controlApi(plane, {
      version,
      log,
      ...(telemetry === undefined ? {} : { telemetry: telemetry.server }),
    }).fetch,
    spec.listen,
  )
  return {
    url: listening.url,
    async close() {
      await listening.close()
      await plane.close()
      await revoked.close()
    },
  }
}

function cellsOf(cells: PlaneSpec<'control'>['cells']): Cells {
  const known = new Map(
    cells.map((cell) => [cell.name, remoteBoundary(cell.keeper, cell.engine, cell.tiers)]),
  )
  return {
    boundaries: (name) => {
      const boundary = known.get(name)
      return boundary === undefined
        ? Promise.reject(
            new RingfenceError('engine_unavailable', `the cell ${name} is not configured here`),
          )
        : Promise.resolve([boundary])
    },
  }
}

/** Cells and plans of the manifest are entered once; what an operator changed later stays. */
async function enterCatalogue(plane: ControlPlane, spec: PlaneSpec<'control'>): Promise<void> {
  const { catalogue } = plane
  const cells = new Set((await catalogue.cells()).map((cell) => cell.name))
  for (const { name, region, capacity } of spec.cells) {
    if (!cells.has(name)) await catalogue.putCell({ name, region, capacity, open: true }, MANIFEST)
  }
  const plans = new Set((await catalogue.plans()).map((plan) => plan.name))
  for (const plan of spec.platform.plans) {
    if (!plans.has(plan.name)) await catalogue.putPlan(plan, MANIFEST)
  }
}

/** The first operator's token is written where only our own user reads it, and never said again. */
async function keepFirstToken(plane: ControlPlane, file: string, log: Log): Promise<void> {
  const token = await plane.operators.bootstrap()
  if (token === undefined) return
  await writeState(file, token)
  log(`the first operator's token is in ${file}: it is not shown again`)
}
