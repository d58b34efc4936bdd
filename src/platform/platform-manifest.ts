import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { parseDocument } from '../core/parse-document.ts'
import { parsed } from '../core/parsed.ts'
import { type Scope, SCOPES } from '../core/lease.ts'
import {
  type ClientId,
  parseClientId,
  parsePlanName,
  parseServiceName,
  type PlanName,
  type ServiceName,
} from '../core/names.ts'
import { issuerSchema } from '../billing/invoices/invoice.ts'
import { costsSchema } from './costs-spec.ts'
import { tlsSchema, trustedProxiesSchema, workersSchema } from '../edge/edge-settings.ts'
import { type Slo, slosSchema } from '../telemetry/slo/slo.ts'
import { ownUpstreamsSchema } from './plane-config.ts'
import { type PlatformTelemetry, platformTelemetrySchema } from './platform-telemetry.ts'
import { auditSinksSchema } from './audit-sinks-spec.ts'
import { alertSinksSchema, logRegionsSchema } from './records-spec.ts'
import { type NatsSettings, natsSchema } from '../revocation/nats-settings.ts'
import {
  type CellName,
  parseCellName,
  parseRegion,
  parseTenantId,
  parseTier,
  type Region,
  type Tenant,
  type Tier,
  TIERS,
} from '../core/tenant.ts'

const listenSchema = (port: number) =>
  z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      /** 0 takes a free one. */
      port: z.int().min(0).max(65_535).default(port),
    })
    .prefault({})

/** What most tenants buy when the manifest names no plans. */
const STANDARD_PLAN = {
  name: 'standard',
  tiers: [...TIERS],
  requestsPerMinute: 6_000,
  leasesPerMinute: 600,
  leaseSecondsMax: 900,
  approval: false,
}

const schema = z.strictObject({
  apiVersion: z.literal('ringfence.dev/v1'),
  kind: z.literal('Platform'),
  metadata: z.strictObject({ name: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/) }),
  spec: z.strictObject({
    application: z.string().min(1),
    listen: z
      .strictObject({
        gateway: listenSchema(4180),
        control: listenSchema(4181),
        identity: listenSchema(4182),
        /** What is kept of tenants, reached by the gateway. */
        records: listenSchema(4184),
      })
      .prefault({}),
    /** How the front door is reached, beyond its address. */
    gateway: z
      .strictObject({
        /** `https` behind whatever ends TLS: proofs of possession must name it. */
        publicProtocol: z.enum(['http', 'https']).default('http'),
        tls: tlsSchema.exactOptional(),
        trustedProxies: trustedProxiesSchema.exactOptional(),
        /** Processes that serve it on this machine. */
        workers: workersSchema.default(1),
        /** Where tenants' own upstreams may be besides the internet. */
        upstreams: ownUpstreamsSchema,
      })
      .prefault({}),
    /** A bell for revocations beside the database's own notifications. */
    revocations: z.strictObject({ nats: natsSchema.exactOptional() }).prefault({}),
    telemetry: platformTelemetrySchema.exactOptional(),
    /** What is promised to tenants. */
    slos: slosSchema.default([]),
    /** Who writes invoices. Default: the platform, by its name. */
    billing: z
      .strictObject({
        issuer: issuerSchema.exactOptional(),
        /** What things cost the operator. Absent: what tenants cost is not measured. */
        costs: costsSchema.exactOptional(),
      })
      .prefault({}),
    /** Who is told of the platform's alerts. */
    alerts: alertSinksSchema,
    /** In which database each region's logs are. Default: all in the control database. */
    auditRegions: logRegionsSchema,
    /** Where the platform's own log is sent. */
    auditSinks: auditSinksSchema,
    /** The audience of access tokens: the name of the platform's API, which need not resolve. */
    audience: z.url({ protocol: /^https?$/ }).optional(),
    cells: z
      .array(
        z.strictObject({
          name: parsed(parseCellName),
          region: parsed(parseRegion),
          /** Most tenants that it holds. */
          capacity: z.int().min(1).default(10_000),
          /** Environment variable that holds the URL of an external server. */
          urlFrom: z.string().optional(),
        }),
      )
      .min(1),
    plans: z
      .array(
        z.strictObject({
          name: parsed(parsePlanName),
          tiers: z.array(parsed(parseTier)).min(1).default(STANDARD_PLAN.tiers),
          requestsPerMinute: z.int().min(1).default(STANDARD_PLAN.requestsPerMinute),
          leasesPerMinute: z.int().min(1).default(STANDARD_PLAN.leasesPerMinute),
          leaseSecondsMax: z.int().min(1).max(3_600).default(STANDARD_PLAN.leaseSecondsMax),
          /** Onboarding on it needs a second person. */
          approval: z.boolean().default(STANDARD_PLAN.approval),
        }),
      )
      .min(1)
      .prefault([STANDARD_PLAN]),
    tenants: z
      .array(
        z.strictObject({
          id: parsed(parseTenantId),
          tier: parsed(parseTier),
          region: parsed(parseRegion),
          plan: parsed(parsePlanName).optional(),
          displayName: z.string().min(1).max(200),
          /** Host names that are this tenant's alone. */
          hosts: z.array(z.string().min(1).max(253)).default([]),
          /** What the application's own loader makes of it; the platform does not look inside. */
          data: z.unknown().optional(),
        }),
      )
      .default([]),
    /** What the gateway forwards to. */
    services: z
      .array(
        z.strictObject({
          name: parsed(parseServiceName),
          upstream: z.url({ protocol: /^https?$/ }),
          prefix: z.string().min(1).default('/'),
        }),
      )
      .default([]),
    /** Who may exchange contexts of a service for leases. Their keys are made in the state directory. */
    workloads: z
      .array(
        z.strictObject({
          client: parsed(parseClientId),
          service: parsed(parseServiceName),
          scopes: z
            .array(z.enum(SCOPES))
            .min(1)
            .default([...SCOPES]),
        }),
      )
      .default([]),
    /** The application's own programs. */
    processes: z
      .array(
        z.strictObject({
          name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/),
          command: z.array(z.string().min(1)).min(1),
          /** It gets this workload's identity, and the addresses that the SDK reads. */
          workload: parsed(parseClientId).optional(),
          environment: z.record(z.string(), z.string()).default({}),
          /** A regular expression on a line of its output that says it is ready. */
          ready: parsed(parsePattern),
        }),
      )
      .default([]),
  }),
})

function parsePattern(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('must be a regular expression')
  return new RegExp(value).source
}

export interface PlatformListen {
  readonly host: string
  readonly port: number
}

export interface PlatformCell {
  readonly name: CellName
  readonly region: Region
  readonly capacity: number
  readonly urlFrom: string | undefined
}

export interface PlatformPlan {
  readonly name: PlanName
  readonly tiers: readonly Tier[]
  readonly requestsPerMinute: number
  readonly leasesPerMinute: number
  readonly leaseSecondsMax: number
  readonly approval: boolean
}

export interface PlatformTenant extends Tenant {
  readonly displayName: string
  readonly plan: PlanName
  readonly hosts: readonly string[]
  readonly data: unknown
}

export interface PlatformService {
  readonly name: ServiceName
  readonly upstream: string
  readonly prefix: string
}

export interface PlatformWorkload {
  readonly client: ClientId
  readonly service: ServiceName
  readonly scopes: readonly Scope[]
}

export interface PlatformProcess {
  readonly name: string
  readonly command: readonly string[]
  readonly workload: ClientId | undefined
  /** Working directory: that of the platform's manifest. */
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
  readonly ready: string
}

/** What `ringfence up` brings up. */
export interface PlatformManifest {
  readonly name: string
  /** Path of the application's manifest. */
  readonly application: string
  readonly audience: string
  readonly listen: Readonly<Record<'gateway' | 'control' | 'identity' | 'records', PlatformListen>>
  readonly gateway: z.output<typeof schema>['spec']['gateway']
  readonly telemetry?: PlatformTelemetry
  readonly slos: readonly Slo[]
  readonly billing: z.output<typeof schema>['spec']['billing']
  readonly alerts: z.output<typeof schema>['spec']['alerts']
  readonly auditRegions: z.output<typeof schema>['spec']['auditRegions']
  readonly auditSinks: z.output<typeof schema>['spec']['auditSinks']
  readonly revocations: { readonly nats?: NatsSettings }
  readonly cells: readonly PlatformCell[]
  readonly plans: readonly PlatformPlan[]
  readonly tenants: readonly PlatformTenant[]
  readonly services: readonly PlatformService[]
  readonly workloads: readonly PlatformWorkload[]
  readonly processes: readonly PlatformProcess[]
}

/** Reads a platform manifest. @throws RingfenceError `invalid_manifest` naming file and field. */
export function loadPlatform(path: string): PlatformManifest {
  const refuse = (why: string) => new RingfenceError('invalid_manifest', `${path}: ${why}`)
  const { metadata, spec } = parseDocument(readText(path), path, schema)
  const names: Readonly<Record<string, readonly string[]>> = {
    cell: spec.cells.map((cell) => cell.name),
    plan: spec.plans.map((plan) => plan.name),
    tenant: spec.tenants.map((tenant) => tenant.id),
    host: spec.tenants.flatMap((tenant) => tenant.hosts),
    service: spec.services.map((service) => service.name),
    prefix: spec.services.map((service) => service.prefix),
    workload: spec.workloads.map((workload) => workload.client),
    process: spec.processes.map((process) => process.name),
  }
  for (const [what, values] of Object.entries(names)) refuseDoubles(values, what, refuse)
  const refuseUnknown = (kind: string, name: string, whose: string) => {
    if (!names[kind]?.includes(name)) throw refuse(`${whose}: there is no ${kind} ${name}`)
  }
  const [firstPlan] = spec.plans
  if (firstPlan === undefined) throw refuse('there is no plan')
  const tenants = spec.tenants.map((tenant) => {
    if (!spec.cells.some((cell) => cell.region === tenant.region)) {
      throw refuse(`${tenant.id}: no cell in region ${tenant.region}`)
    }
    const plan = tenant.plan ?? firstPlan.name
    refuseUnknown('plan', plan, tenant.id)
    return { ...tenant, plan, data: tenant.data }
  })
  for (const { client, service } of spec.workloads) refuseUnknown('service', service, client)
  for (const { name, workload } of spec.processes) {
    if (workload !== undefined) refuseUnknown('workload', workload, name)
  }
  return {
    ...spec,
    name: metadata.name,
    application: resolve(dirname(path), spec.application),
    audience: spec.audience ?? `https://${metadata.name}.ringfence.internal`,
    cells: spec.cells.map((cell) => ({ ...cell, urlFrom: cell.urlFrom })),
    tenants,
    processes: spec.processes.map((one) => ({
      ...one,
      workload: one.workload,
      directory: resolve(dirname(path)),
    })),
  }
}

function refuseDoubles(
  names: readonly string[],
  what: string,
  refuse: (why: string) => RingfenceError,
): void {
  const double = names.find((name, index) => names.indexOf(name) !== index)
  if (double !== undefined) throw refuse(`${what} ${double} is there twice`)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new RingfenceError('invalid_manifest', `${path}: ${messageOf(error)}`)
  }
}
