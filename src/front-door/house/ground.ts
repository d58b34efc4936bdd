import { type ClientId, parseClientId, parseServiceName } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { SigningKey } from '../../tokens/signing-key.ts'
import { makeParty, type Party, SUSPENDED } from './party.ts'

/** Callers' word for the platform's API. */
export const AUDIENCE = 'https://api.front-door.test/'
/** The platform's own host, for paths `/t/<tenant>/…`. */
export const PLATFORM_HOST = 'api.front-door.test'
export const VENDING_AUDIENCE = 'ringfence-vending'
export const DECISIONS_AUDIENCE = 'ringfence-decisions'
export const CLINIC = parseServiceName('clinic')
export const BILLING = parseServiceName('billing')

/** A process that may ask vending for leases. */
export interface Workload {
  readonly client: ClientId
  readonly key: SigningKey
}

/** Who there is in a rehearsal, and which keys they hold. Weakened copies share it. */
export interface Ground {
  /** The tenants of the rehearsal, in its order. */
  readonly parties: readonly Party[]
  readonly suspended: Party
  readonly keys: {
    /** Signs the configuration. */
    readonly record: SigningKey
    /** The gateway's. */
    readonly context: SigningKey
    /** The control plane's, for jobs. */
    readonly job: SigningKey
    /** Of the realm in which operators sign in: no tenant's. */
    readonly operators: SigningKey
    /** Somebody's own, whom nobody knows: what an attacker signs with. */
    readonly stranger: SigningKey
    readonly strangersOther: SigningKey
  }
  readonly workloads: {
    readonly web: Workload
    /** Of the same service, and only reads. */
    readonly report: Workload
    /** Of the other service. */
    readonly billing: Workload
  }
}

export async function makeGround(tenants: readonly TenantId[]): Promise<Ground> {
  const [parties, suspended, record, context, job, stranger, strangersOther, web, report, billing] =
    await Promise.all([
      Promise.all(tenants.map(makeParty)),
      makeParty(SUSPENDED),
      SigningKey.create('EdDSA'),
      SigningKey.create('ES256'),
      SigningKey.create('EdDSA'),
      SigningKey.create('ES256'),
      SigningKey.create('EdDSA'),
      makeWorkload('clinic-web'),
      makeWorkload('clinic-report'),
      makeWorkload('billing-web'),
    ])
  const operators = await SigningKey.create('ES256')
  return {
    parties,
    suspended,
    keys: { record, context, job, operators, stranger, strangersOther },
    workloads: { web, report, billing },
  }
}

async function makeWorkload(name: string): Promise<Workload> {
  return { client: parseClientId(name), key: await SigningKey.create('EdDSA') }
}
