import { join } from 'node:path'
import { writeState } from '../clusters/state-file.ts'
import type { ConnectionSettings } from '../clusters/cluster.ts'
import { SUPPORT_CLIENT, SUPPORT_SERVICE } from '../control/support/support-service.ts'
import { parseClientId, parseServiceName } from '../core/names.ts'
import { type CellName, type Tier, TIERS } from '../core/tenant.ts'
import { priceBookOf } from './costs-spec.ts'
import type { Places } from './places.ts'
import type { PlatformManifest } from './platform-manifest.ts'
import { PLANES, type Plane, planeDocument, type PlaneSpecInput } from './plane-config.ts'
import { ownListeners } from './own-listeners.ts'
import type { Secrets } from './secrets.ts'
import { countedGateways, telemetryFor } from './platform-telemetry.ts'
import { urlOf } from './ports.ts'

/** The control plane's own name where it calls other planes. */
export const CONTROL_CLIENT = parseClientId('ringfence-control')
/** The operator's workload, for `ringfence exec`: its service is nobody's upstream. */
export const OPERATOR_CLIENT = SUPPORT_CLIENT
export const OPERATOR_SERVICE = SUPPORT_SERVICE
export const VENDING_AUDIENCE = 'urn:ringfence:vending'
export const IDENTITY_AUDIENCE = 'urn:ringfence:identity'
export const DECISIONS_AUDIENCE = 'urn:ringfence:decisions'
export const CONTROL_AUDIENCE = 'urn:ringfence:control'
export const RECORDS_AUDIENCE = 'urn:ringfence:records'
/** What is kept of tenants, as a service behind the gateway. */
export const RECORDS_SERVICE = parseServiceName('ringfence-records')
const RECORDS_PREFIX = '/ringfence'
/** What planes are called where they send what they have written down. */
const SENDERS = {
  gateway: parseClientId('ringfence-gateway'),
  vending: parseClientId('ringfence-vending'),
} as const

export interface PlanesInput {
  readonly manifest: PlatformManifest
  readonly stateDirectory: string
  /** The control database, for its address. */
  readonly database: ConnectionSettings
  readonly engine: string
  /** Tiers that a cell can hold: a server that is not ours starts no silos. */
  readonly tiersOf: (cell: CellName) => readonly Tier[]
  readonly secrets: Secrets
  readonly places: Places
}

/** Writes what each plane is told when it starts: a file each, mode 0600. */
export async function writePlanes(input: PlanesInput): Promise<void> {
  const specs: { readonly [P in Plane]: PlaneSpecInput<P> } = {
    control: await controlSpec(input),
    identity: await identitySpec(input),
    vending: await vendingSpec(input),
    gateway: await gatewaySpec(input),
    records: await recordsSpec(input),
  }
  for (const plane of PLANES) await writeState(input.places.config(plane), documentOf(plane, specs))
}

function documentOf<P extends Plane>(
  plane: P,
  specs: { readonly [Q in Plane]: PlaneSpecInput<Q> },
): string {
  return planeDocument(plane, specs[plane])
}

function databaseOf({ database, secrets }: PlanesInput, plane: Plane) {
  const { host, port, database: name } = database
  const passwordFile = secrets.path(`database-${plane}`)
  return { host, port, database: name, user: `rf_${plane}`, passwordFile }
}

async function controlSpec(input: PlanesInput): Promise<PlaneSpecInput<'control'>> {
  const { manifest, stateDirectory, secrets, places, engine } = input
  const workloads = [...manifest.workloads, operatorWorkload()]
  return {
    upstreams: manifest.gateway.upstreams,
    database: databaseOf(input, 'control'),
    ...telemetryFor('control', manifest.telemetry),
    revocations: revocationsOf(input, 'control'),
    listen: manifest.listen.control,
    executor: 'control-1',
    keys: {
      snapshot: secrets.path('snapshot.jwk'),
      job: secrets.path('job.jwk'),
      client: secrets.path('control-client.jwk'),
      receipt: join(stateDirectory, 'evidence'),
    },
    bootstrapTokenFile: join(stateDirectory, 'operator.token'),
    exportDirectory: join(stateDirectory, 'exports'),
    audience: CONTROL_AUDIENCE,
    identity: { address: `unix:${places.identityAdmin}`, audience: IDENTITY_AUDIENCE },
    cells: manifest.cells.map(({ name, region, capacity }) => ({
      name,
      region,
      capacity,
      engine,
      tiers: [...input.tiersOf(name)],
      keeper: `unix:${places.keeper(name)}`,
    })),
    platform: {
      audience: manifest.audience,
      contextKeys: [(await secrets.key('context', 'ES256')).publicJwk],
      services: [...manifest.services, recordsService(manifest)],
      workloads: await Promise.all(
        workloads.map(async (workload) => ({
          ...workload,
          scopes: [...workload.scopes],
          keys: [(await secrets.key(`workload-${workload.client}`, 'ES256')).publicJwk],
        })),
      ),
      plans: manifest.plans.map((plan) => ({ ...plan, tiers: [...plan.tiers] })),
    },
  }
}

/** Its contexts come from the control plane alone, as jobs with a reason. */
function operatorWorkload(): PlatformManifest['workloads'][number] {
  return {
    client: OPERATOR_CLIENT,
    service: OPERATOR_SERVICE,
    scopes: ['read', 'write'],
  }
}

async function identitySpec(input: PlanesInput): Promise<PlaneSpecInput<'identity'>> {
  const { manifest, secrets, places } = input
  const { host, port } = manifest.listen.identity
  await secrets.text('sealing-key')
  return {
    database: databaseOf(input, 'identity'),
    ...telemetryFor('identity', manifest.telemetry),
    revocations: revocationsOf(input, 'identity'),
    listen: { host, port },
    admin: { socket: places.identityAdmin },
    baseUrl: `http://${host}:${port}`,
    audience: manifest.audience,
    operatorsAudience: CONTROL_AUDIENCE,
    adminAudience: IDENTITY_AUDIENCE,
    adminClients: [
      {
        client: CONTROL_CLIENT,
        keys: [(await secrets.key('control-client', 'ES256')).publicJwk],
      },
      // For `ringfence token`, on this machine.
      {
        client: OPERATOR_CLIENT,
        keys: [(await secrets.key(`workload-${OPERATOR_CLIENT}`, 'ES256')).publicJwk],
      },
    ],
    sealingKeyFile: secrets.path('sealing-key'),
    signIn: { mail: mailOf(input) },
  }
}

/** Without a word on it mail goes into files. */
function mailOf({ manifest, stateDirectory }: PlanesInput) {
  return manifest.mail ?? ({ by: 'file', directory: join(stateDirectory, 'mail') } as const)
}

async function configurationOf({ secrets, stateDirectory }: PlanesInput, plane: Plane) {
  return {
    directory: join(stateDirectory, 'configuration', plane),
    keys: [(await secrets.key('snapshot', 'EdDSA')).publicJwk],
  }
}

function revocationsOf({ manifest, stateDirectory }: PlanesInput, plane: Plane) {
  return { directory: join(stateDirectory, 'revocations', plane), ...manifest.revocations }
}

async function vendingSpec(input: PlanesInput): Promise<PlaneSpecInput<'vending'>> {
  const { manifest, stateDirectory, places, engine } = input
  return {
    database: databaseOf(input, 'vending'),
    ...telemetryFor('vending', manifest.telemetry),
    configuration: await configurationOf(input, 'vending'),
    revocations: revocationsOf(input, 'vending'),
    listen: { socket: places.vending },
    audience: VENDING_AUDIENCE,
    journalDirectory: join(stateDirectory, 'journal'),
    records: await senderOf(input, 'vending'),
    cells: manifest.cells.map(({ name }) => ({
      name,
      engine,
      leaser: `unix:${places.leaser(name)}`,
    })),
  }
}

async function gatewaySpec(input: PlanesInput): Promise<PlaneSpecInput<'gateway'>> {
  const { manifest, stateDirectory, secrets, places } = input
  return {
    database: databaseOf(input, 'gateway'),
    ...telemetryFor('gateway', manifest.telemetry),
    configuration: await configurationOf(input, 'gateway'),
    revocations: revocationsOf(input, 'gateway'),
    listen: manifest.listen.gateway,
    admin: { socket: places.gatewayAdmin },
    ...manifest.gateway,
    upstreams: { ...manifest.gateway.upstreams, listeners: listenersOf(input) },
    contextKey: secrets.path('context.jwk'),
    journalDirectory: join(stateDirectory, 'gateway-journal'),
    requestLog: { directory: requestLogIn(stateDirectory) },
    records: await senderOf(input, 'gateway'),
    decisions: { listen: { socket: places.decisions }, audience: DECISIONS_AUDIENCE },
  }
}

/** Where nothing of a tenant's leads. */
function listenersOf(input: PlanesInput): string[] {
  return [...input.manifest.gateway.upstreams.listeners, ...ownListeners(input)]
}

/** Written by gateways, and read where bills are reconciled. */
const requestLogIn = (stateDirectory: string) => join(stateDirectory, 'requests')

function recordsService({ listen }: PlatformManifest) {
  const upstream = urlOf(listen.records)
  return { name: RECORDS_SERVICE, upstream, prefix: RECORDS_PREFIX, everyTenant: true }
}

/** How a plane sends on what it has written down. */
async function senderOf({ secrets, places }: PlanesInput, plane: keyof typeof SENDERS) {
  await secrets.key(`${plane}-client`, 'ES256')
  return {
    address: `unix:${places.intake}`,
    audience: RECORDS_AUDIENCE,
    client: SENDERS[plane],
    key: secrets.path(`${plane}-client.jwk`),
    source: `${plane}-1`,
  }
}

async function recordsSpec(input: PlanesInput): Promise<PlaneSpecInput<'records'>> {
  const { manifest, secrets, places } = input
  await secrets.text('records-keys')
  return {
    database: databaseOf(input, 'records'),
    ...telemetryFor('records', manifest.telemetry),
    configuration: await configurationOf(input, 'records'),
    revocations: revocationsOf(input, 'records'),
    listen: manifest.listen.records,
    service: RECORDS_SERVICE,
    intake: { socket: places.intake },
    audience: RECORDS_AUDIENCE,
    planes: await Promise.all(
      (['gateway', 'vending'] as const).map(async (plane) => ({
        plane,
        client: SENDERS[plane],
        keys: [(await secrets.key(`${plane}-client`, 'ES256')).publicJwk],
      })),
    ),
    keysFile: secrets.path('records-keys'),
    requestLogDirectory: requestLogIn(input.stateDirectory),
    ...costsOf(input),
    origin: new URL(manifest.audience).host,
    control: urlOf(manifest.listen.control),
    issuer: manifest.billing.issuer ?? {
      id: 'platform',
      name: manifest.name,
      address: [],
      prefix: '',
    },
    invoicing: invoicingOf(manifest.billing),
    regions: manifest.auditRegions,
    mail: mailOf(input),
    own: { hosts: manifest.gateway.hosts ?? [], listeners: listenersOf(input) },
    alerts: manifest.alerts,
    auditSinks: manifest.auditSinks,
    auditWitnesses: manifest.auditWitnesses,
    auditAnchors: manifest.auditAnchors,
    ...(await witnessSpecOf(input)),
    behaviour: manifest.behaviour,
    usage: manifest.usage,
    promises: {
      slos: [...manifest.slos],
      gateways: countedGateways(manifest.telemetry, manifest.gateway.workers),
    },
  }
}

function invoicingOf({ issuer: _issuer, costs: _costs, ...rest }: PlatformManifest['billing']) {
  return rest
}

async function witnessSpecOf({ manifest: { witness }, secrets }: PlanesInput) {
  if (witness === undefined) return {}
  await secrets.text('witness-key')
  return { witness: { ...witness, keyFile: secrets.path('witness-key') } }
}

function costsOf({ manifest: { billing, cells }, places }: PlanesInput) {
  const { costs } = billing
  if (costs === undefined) return {}
  return {
    costs: {
      book: priceBookOf(costs),
      everyMs: costs.readEverySeconds * 1_000,
      cells: cells.map(({ name }) => ({ name, meter: `unix:${places.meter(name)}` })),
    },
  }
}

/** What an embedded cell can hold, and one on a server that is not ours. */
export function tiersOfCell(external: boolean): readonly Tier[] {
  return external ? TIERS.filter((tier) => tier !== 'silo') : TIERS
}
