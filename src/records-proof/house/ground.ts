import { meterSchema } from '../../contracts/meter.ts'
import { parseClientId, parseServiceName } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Issuer } from '../../billing/invoices/invoice.ts'
import { CATEGORIES, type Category } from '../../audit/entry.ts'
import { SigningKey } from '../../tokens/signing-key.ts'
import { makeParty, type Party } from './party.ts'

/** What the records plane is called in contexts. */
export const SERVICE = parseServiceName('ringfence-records')
/** What it is called in client assertions. */
export const AUDIENCE = 'urn:records-proof:records'
/** What the names of logs begin with. */
export const ORIGIN = 'audit.records-proof.test'
/** Planes that send their journals, and what they have a hand in. */
export const GATEWAY = parseClientId('gateway')
export const VENDING = parseClientId('vending')
export const PLANE_CATEGORIES: Readonly<Record<string, readonly Category[]>> = {
  gateway: ['authentication', 'decision', 'grant'],
  vending: ['lease'],
}
export const OTHER_CATEGORIES = CATEGORIES.filter(
  (category) => PLANE_CATEGORIES['gateway']?.includes(category) === false,
)
/** Two workloads: what is told of one service is not the other's. */
export const CLINIC = parseServiceName('clinic')
export const CLINIC_CLIENT = parseClientId('clinic-workload')
export const LAB = parseServiceName('lab')
export const LAB_CLIENT = parseClientId('lab-workload')
/** What services report, and the meter that adds it up. */
export const CALL_TYPE = 'dev.clinic.call'
export const METER = meterSchema.parse({
  name: 'calls',
  unit: 'call',
  events: [CALL_TYPE],
  aggregation: 'sum',
  value: 'amount',
  groupBy: ['site'],
})
export const ISSUER: Issuer = {
  id: 'records-proof',
  name: 'Records Proof Ltd',
  address: ['1 Proof Street'],
  prefix: 'RP-',
}
/** The budget that every tenant has, under one name: whoever forgets the tenant takes one for another. */
export const BUDGET = 'calls'
/** Tokens of operators, as the control plane knows them. */
export const READER = 'operator-who-reads'
export const WRITER = 'operator-who-writes'
/** A tenant that there is not. */
export const ABSENT = 'unknown-tenant'

/** Who there is in a rehearsal, and which keys they hold. Weakened copies share it. */
export interface Ground {
  readonly parties: readonly Party[]
  /** Suspended at this moment. */
  readonly suspended: Set<TenantId>
  /** Ids of tokens that were taken back. */
  readonly revoked: Set<string>
  readonly keys: {
    /** Signs contexts of requests. */
    readonly contexts: SigningKey
    /** Signs contexts of jobs. */
    readonly jobs: SigningKey
    readonly gateway: SigningKey
    readonly vending: SigningKey
    readonly clinic: SigningKey
    readonly lab: SigningKey
    /** Somebody's own, whom nobody knows. */
    readonly stranger: SigningKey
  }
}

export async function makeGround(tenants: readonly TenantId[]): Promise<Ground> {
  const [contexts, jobs, gateway, vending, clinic, lab, stranger] = await Promise.all([
    SigningKey.create('ES256'),
    SigningKey.create('ES256'),
    SigningKey.create('ES256'),
    SigningKey.create('ES256'),
    SigningKey.create('ES256'),
    SigningKey.create('ES256'),
    SigningKey.create('ES256'),
  ])
  return {
    parties: tenants.map(makeParty),
    suspended: new Set(),
    revoked: new Set(),
    keys: { contexts, jobs, gateway, vending, clinic, lab, stranger },
  }
}
