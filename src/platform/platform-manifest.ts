import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { parseDocument } from '../core/parse-document.ts'
import type { Scope } from '../core/lease.ts'
import type { ClientId, PlanName, ServiceName } from '../core/names.ts'
import type { CellName, Region, Tenant, Tier } from '../core/tenant.ts'
import type { NatsSettings } from '../revocation/nats-settings.ts'
import type { Slo } from '../telemetry/slo/slo.ts'
import { pathsFrom } from './manifest-paths.ts'
import { platformSchema, type PlatformSpec } from './platform-schema.ts'
import type { PlatformTelemetry } from './platform-telemetry.ts'

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
  readonly gateway: PlatformSpec['gateway']
  readonly telemetry?: PlatformTelemetry
  readonly slos: readonly Slo[]
  readonly billing: PlatformSpec['billing']
  readonly mail?: NonNullable<PlatformSpec['mail']>
  readonly alerts: PlatformSpec['alerts']
  readonly auditRegions: PlatformSpec['auditRegions']
  readonly auditSinks: PlatformSpec['auditSinks']
  readonly auditWitnesses: PlatformSpec['auditWitnesses']
  readonly auditAnchors: PlatformSpec['auditAnchors']
  readonly witness?: NonNullable<PlatformSpec['witness']>
  readonly behaviour: PlatformSpec['behaviour']
  readonly usage: PlatformSpec['usage']
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
  const { metadata, spec: written } = parseDocument(readText(path), path, platformSchema)
  const directory = resolve(dirname(path))
  // What an application's own data and environment name is the application's business.
  const { tenants: declared, processes: programs, ...settings } = written
  const spec = { ...pathsFrom(directory, settings), tenants: declared, processes: programs }
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
    application: resolve(directory, spec.application),
    audience: spec.audience ?? `https://${metadata.name}.ringfence.internal`,
    cells: spec.cells.map((cell) => ({ ...cell, urlFrom: cell.urlFrom })),
    tenants,
    processes: spec.processes.map((one) => ({
      ...one,
      workload: one.workload,
      directory,
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
