import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startEmbedded } from '../../clusters/embedded-cluster.ts'
import { openThrowAwayRoom } from '../../clusters/throw-away-room.ts'
import { newPassword, scramVerifier } from '../../clusters/scram.ts'
import { verifyWebhook } from '../../control/approvals/standard-webhooks.ts'
import { prepareControlDatabase } from '../../control/control-database.ts'
import { type Actor, OPERATOR_SCOPES, type WorkflowView } from '../../control/control-plane.ts'
import { Database } from '../../control/database.ts'
import { openControlPlane, type OpenControlPlane } from '../../control/open-control-plane.ts'
import type { TenantId } from '../../core/tenant.ts'
import { policyCompiler } from '../../policy/policy-compiler.ts'
import { ASSERTION_AUDIENCE, CELLS, EU, type Ground, GUARDED, STANDARD } from './ground.ts'
import { GROUND_MANIFESTS } from './declared.ts'
import type { Party } from './party.ts'
import { SECOND, signedIn } from './people.ts'
import { World } from './world.ts'

/** Nobody needs a rehearsal's server after a crash of the machine. */
const THROW_AWAY = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' } as const

/** The audience of access tokens of tenants' realms. */
export const API_AUDIENCE = 'https://api.back-office.test/'

/** Milliseconds between looks at support accesses. */
const SUPPORT_MS = 100

/** Makes what a rehearsal needs, and is none of those who attack. */
export const CHIEF: Actor = {
  kind: 'system',
  name: 'chief',
  scopes: OPERATOR_SCOPES,
  requestId: 'back-office',
}

/** The control plane of a rehearsal, on a database of its own. All copies of the rehearsal share it. */
export interface Site {
  readonly ground: Ground
  readonly plane: OpenControlPlane
  /** Sessions of operators that were revoked. */
  readonly revoked: Set<string>
  /** The registry, past the plane. */
  readonly database: Database
  readonly world: World
  readonly exportDirectory: string
  /** Tenants besides the parties that strikes have left whole. */
  readonly idle: Party[]
  /** A path for one more socket. */
  socket(): string
  /** Waits until a workflow has ended. */
  ended(begun: WorkflowView): Promise<WorkflowView>
  /** An active tenant with canaries in its place. */
  settle(party: Party): Promise<void>
  close(): Promise<void>
}

export async function openSite(ground: Ground): Promise<Site> {
  const room = await openThrowAwayRoom('office')
  const { directory } = room
  const closing: (() => Promise<unknown>)[] = [() => room.close()]
  const close = async () => {
    for (const one of closing.splice(0).reverse()) await one()
  }
  try {
    const cluster = await startEmbedded({
      name: 'back-office',
      directory: join(directory, 'control'),
      profile: 'control',
      settings: THROW_AWAY,
    })
    closing.push(() => cluster.stop())
    const { admin } = cluster
    const password = newPassword()
    const nobodys = await scramVerifier(newPassword())
    await prepareControlDatabase(admin, {
      rf_control: await scramVerifier(password),
      rf_identity: nobodys,
      rf_vending: nobodys,
      rf_gateway: nobodys,
      rf_records: nobodys,
    })
    const settings = { ...admin, user: 'rf_control', password }
    const database = new Database(settings)
    closing.push(() => database.close())
    const exportDirectory = join(directory, 'exports')
    await mkdir(exportDirectory)
    const world = new World(ground.keys.realm, ground.keys.operators)
    const revoked = new Set<string>()
    const plane = await openControlPlane({
      ...planeOptions(ground, settings, world, exportDirectory),
      revocations: {
        list: { revokes: ({ session }) => session !== undefined && revoked.has(session) },
        publisher: { publish: async () => undefined },
      },
      supportEveryMs: SUPPORT_MS,
    })
    closing.push(plane.close)
    let sockets = 0
    const site: Site = {
      ground,
      plane,
      database,
      revoked,
      world,
      exportDirectory,
      idle: [],
      socket() {
        sockets += 1
        return join(directory, `${sockets}.sock`)
      },
      ended: (begun) => ended(plane, begun),
      settle: (party) => settle(site, party),
      close,
    }
    await furnish(site)
    return site
  } catch (error) {
    await close()
    throw error
  }
}

function planeOptions(
  { keys, workloads, webhookSecret }: Ground,
  database: ConstructorParameters<typeof Database>[0],
  ports: World,
  exportDirectory: string,
): Parameters<typeof openControlPlane>[0] {
  return {
    database,
    executorId: 'back-office',
    ports,
    keys,
    // In plain text, so that a canary in it is seen.
    signReceipt: async (payloadType, payload) =>
      JSON.stringify({ payloadType, payload: Buffer.from(payload).toString(), signatures: [] }),
    exportDirectory,
    platform: {
      audience: API_AUDIENCE,
      contextKeys: [],
      services: [],
      workloads: Object.values(workloads).map(({ client, service, scopes, key }) => ({
        client,
        service,
        scopes: [...scopes],
        keys: [key.publicJwk],
      })),
    },
    assertionAudience: ASSERTION_AUDIENCE,
    judges: { policies: policyCompiler },
    readDecision: (headers, body) => {
      const { id, decision } = verifyWebhook([webhookSecret], headers, body)
      const { approval, approve, comment, decided_by } = decision
      return { id, approval, approve, comment, channel: 'webhook', decidedBy: decided_by }
    },
    // A step that fails here was attacked: nobody waits for it to get well.
    retry: { tries: 1, firstMs: 1, longestMs: 1 },
  }
}

async function furnish(site: Site): Promise<void> {
  // Two who may decide have signed in: from here on nobody does a guarded act alone.
  for (const name of ['first', SECOND]) {
    const { token } = await signedIn(site.ground, name, ['approver'])
    await site.plane.operators.authenticate(token, 'back-office')
  }
  const { catalogue } = site.plane
  for (const cell of CELLS) await catalogue.putCell({ ...cell, open: true }, CHIEF)
  const plan = {
    tiers: ['pooled'],
    requestsPerMinute: 600,
    leasesPerMinute: 60,
    leaseSecondsMax: 900,
  } as const
  await catalogue.putPlan({ ...plan, name: STANDARD, approval: false }, CHIEF)
  await catalogue.putPlan({ ...plan, name: GUARDED, approval: true }, CHIEF)
  await site.plane.manifests.apply({ manifests: GROUND_MANIFESTS }, CHIEF)
  await Promise.all(site.ground.parties.map((party) => site.settle(party)))
}

async function settle(site: Site, party: Party): Promise<void> {
  const { tenant, nameCanary, rowCanary, holderCanary } = party
  const request = { id: tenant, displayName: nameCanary, tier: 'pooled' } as const
  const begun = await site.plane.tenants.create(
    { ...request, region: EU, plan: STANDARD },
    personOf(party),
  )
  const { state, error } = await site.ended(begun)
  if (state !== 'succeeded') throw new Error(`${tenant} could not be onboarded: ${error}`)
  const place = site.world.find(tenant)
  place?.items.set('row', `${JSON.stringify({ body: rowCanary })}\n`)
  site.world.lend(tenant, holderCanary)
}

/** The operator who acts for a tenant. */
export function personOf({ person }: Pick<Party, 'person'>): Actor {
  return { kind: 'operator', name: person, scopes: OPERATOR_SCOPES, requestId: 'back-office' }
}

async function ended(plane: OpenControlPlane, { id }: WorkflowView): Promise<WorkflowView> {
  const events = plane.workflows.events(id, 0, new AbortController().signal)
  for await (const { state } of events) if (state === 'waiting') break
  return plane.workflows.get(id)
}

/** One object for each tenant that the registry and the world know, in which every change shows. */
export async function lookAt(site: Site): Promise<ReadonlyMap<TenantId, string>> {
  const rows = await site.database.query<{ id: TenantId }>(
    `select tenant.id, status, revision, legal_hold, region, cell,
            (select count(*)::int from registry.workflow where workflow.tenant = tenant.id) as workflows,
            (select string_agg(state || decided_by, ' ' order by seq) from registry.approval
              where approval.tenant = tenant.id and workflow is not null) as decisions,
            (select string_agg(kind || name || generation || hash, ' ' order by kind, name)
               from registry.object where object.owner = tenant.id) as declared,
            (select string_agg(delegation.id || state, ' ' order by seq)
               from registry.delegation where delegation.tenant = tenant.id) as granted
       from registry.tenant order by id`,
  )
  return new Map(
    rows.map((row) => {
      const { live, users } = { live: site.world.live(row.id), users: site.world.users }
      return [row.id, JSON.stringify([row, live.toSorted(), users.stateOf(row.id)])]
    }),
  )
}
