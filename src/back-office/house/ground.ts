import { randomBytes } from 'node:crypto'
import type { Scope } from '../../core/lease.ts'
import {
  type ClientId,
  parseClientId,
  parsePlanName,
  parseServiceName,
  type ServiceName,
} from '../../core/names.ts'
import { parseCellName, parseRegion, parseTenantId, type TenantId } from '../../core/tenant.ts'
import { SigningKey } from '../../tokens/signing-key.ts'
import { makeParty, type Party } from './party.ts'

export const ASSERTION_AUDIENCE = 'urn:back-office:control'
export const CLINIC = parseServiceName('clinic')
export const BILLING = parseServiceName('billing')
export const STANDARD = parsePlanName('standard')
/** Onboarding on it needs a second person. */
export const GUARDED = parsePlanName('guarded')
export const EU = parseRegion('eu-west')
export const US = parseRegion('us-east')
/** Has a cell, and no room in it. */
export const FULL = parseRegion('ap-south')
export const CELLS = [
  { name: parseCellName('eu-1'), region: EU, capacity: 10_000 },
  { name: parseCellName('us-1'), region: US, capacity: 10_000 },
  { name: parseCellName('ap-1'), region: FULL, capacity: 0 },
] as const
/** In no rehearsal. */
export const UNKNOWN = parseTenantId('unknown-party')

/** A process that may ask for job contexts of its service. */
export interface Workload {
  readonly client: ClientId
  readonly service: ServiceName
  readonly scopes: readonly Scope[]
  readonly key: SigningKey
}

/** Who there is in a rehearsal, and which keys they hold. Weakened copies share it. */
export interface Ground {
  readonly parties: readonly Party[]
  readonly keys: {
    readonly snapshot: SigningKey
    readonly job: SigningKey
    /** Of the realm in which operators sign in. */
    readonly operators: SigningKey
    /** Of every tenant's realm: its tenant can have anything signed with it. */
    readonly realm: SigningKey
    /** Somebody's own, whom nobody knows: what an attacker signs with. */
    readonly stranger: SigningKey
  }
  readonly workloads: {
    /** Reads and writes. */
    readonly web: Workload
    /** Of the same service, and only reads. */
    readonly report: Workload
    /** Of the other service. */
    readonly billing: Workload
  }
  /** Signs decisions that come in from outside. */
  readonly webhookSecret: string
}

export async function makeGround(tenants: readonly TenantId[]): Promise<Ground> {
  const [snapshot, job, operators, realm, stranger, web, report, billing] = await Promise.all([
    SigningKey.create('EdDSA'),
    SigningKey.create('ES256'),
    SigningKey.create('ES256'),
    SigningKey.create('ES256'),
    SigningKey.create('EdDSA'),
    makeWorkload('clinic-web', CLINIC, ['read', 'write']),
    makeWorkload('clinic-report', CLINIC, ['read']),
    makeWorkload('billing-web', BILLING, ['read', 'write']),
  ])
  return {
    parties: tenants.map(makeParty),
    keys: { snapshot, job, operators, realm, stranger },
    workloads: { web, report, billing },
    webhookSecret: `whsec_${randomBytes(32).toString('base64')}`,
  }
}

async function makeWorkload(
  name: string,
  service: ServiceName,
  scopes: readonly Scope[],
): Promise<Workload> {
  return { client: parseClientId(name), service, scopes, key: await SigningKey.create('EdDSA') }
}
