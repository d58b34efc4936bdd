import { RingfenceError } from './errors.ts'
import type { TenantId } from './tenant.ts'

declare const serviceBrand: unique symbol
declare const clientBrand: unique symbol
declare const planBrand: unique symbol
declare const subjectBrand: unique symbol
declare const apiBrand: unique symbol
declare const contractBrand: unique symbol
declare const upstreamBrand: unique symbol
declare const guardrailBrand: unique symbol
declare const meterBrand: unique symbol
declare const grantBrand: unique symbol
declare const storeBrand: unique symbol
declare const setBrand: unique symbol

/** An upstream service behind the gateway, `clinic`: the audience of a tenant context. */
export type ServiceName = string & { readonly [serviceBrand]: true }
/** A workload's own identity at vending (an OAuth client), `clinic-web`. It opens nothing by itself. */
export type ClientId = string & { readonly [clientBrand]: true }
/** What a tenant has bought, `standard`: its limits. */
export type PlanName = string & { readonly [planBrand]: true }
/** A user or client inside one tenant's realm. Two realms may use the same subject for two people. */
export type Subject = string & { readonly [subjectBrand]: true }
/** One API in a tenant's contract, `clinic`. */
export type ApiName = string & { readonly [apiBrand]: true }
/** A declared API surface, `standard`. */
export type ContractName = string & { readonly [contractBrand]: true }
/** Where an API is forwarded to, `clinic`. Two owners may use one name for two of them. */
export type UpstreamName = string & { readonly [upstreamBrand]: true }
/** A rule about what bodies may hold, `no-card-numbers`. */
export type GuardrailName = string & { readonly [guardrailBrand]: true }
/** A tenant's policies as a whole, `main`. */
export type StoreName = string & { readonly [storeBrand]: true }
/** What is applied together, and pruned together: `clinic-repository`. */
export type SetName = string & { readonly [setBrand]: true }
/** What is measured of every tenant, `api-requests`. */
export type MeterName = string & { readonly [meterBrand]: true }
/** One tenant's consent that a principal of another may do something named, for a time. Not a secret. */
export type GrantId = string & { readonly [grantBrand]: true }

const LABEL = /^[a-z](?:[a-z0-9]|-(?=[a-z0-9])(?!-)){0,39}$/
/** RFC 7519 calls it a StringOrURI; visible ASCII keeps it harmless in logs, headers and SQL comments. */
const SUBJECT = /^[\x21-\x7e]{1,200}$/

function label(value: unknown, what: string, example: string): string {
  if (typeof value === 'string' && LABEL.test(value)) return value
  throw new RingfenceError(
    'invalid_argument',
    `${what} has 1 to 40 characters, a-z, 0-9 and single hyphens inside, like ${example}`,
  )
}

/** @throws RingfenceError `invalid_argument` */
export function parseServiceName(value: unknown): ServiceName {
  return label(value, 'a service', 'clinic') as ServiceName
}

/**
 * A tenant's own upstream as the audience of a tenant context: `own.acme.crm`. No service of the
 * platform has such a name, so that vending lends nothing for it, and no two tenants share one.
 */
export function ownService(tenant: TenantId, upstream: UpstreamName): ServiceName {
  return `own.${tenant}.${upstream}` as ServiceName
}

/** @throws RingfenceError `invalid_argument` */
export function parseClientId(value: unknown): ClientId {
  return label(value, 'a client id', 'clinic-web') as ClientId
}

/** @throws RingfenceError `invalid_argument` */
export function parsePlanName(value: unknown): PlanName {
  return label(value, 'a plan', 'standard') as PlanName
}

/** @throws RingfenceError `invalid_argument` */
export function parseSubject(value: unknown): Subject {
  if (typeof value === 'string' && SUBJECT.test(value)) return value as Subject
  throw new RingfenceError('invalid_argument', 'a subject has 1 to 200 visible ASCII characters')
}

/** @throws RingfenceError `invalid_argument` */
export function parseApiName(value: unknown): ApiName {
  return label(value, 'an API', 'clinic') as ApiName
}

/** @throws RingfenceError `invalid_argument` */
export function parseContractName(value: unknown): ContractName {
  return label(value, 'a contract', 'standard') as ContractName
}

/** @throws RingfenceError `invalid_argument` */
export function parseUpstreamName(value: unknown): UpstreamName {
  return label(value, 'an upstream', 'clinic') as UpstreamName
}

/** @throws RingfenceError `invalid_argument` */
export function parseGuardrailName(value: unknown): GuardrailName {
  return label(value, 'a guardrail', 'no-card-numbers') as GuardrailName
}

/** @throws RingfenceError `invalid_argument` */
export function parseStoreName(value: unknown): StoreName {
  return label(value, 'a policy store', 'main') as StoreName
}

/** @throws RingfenceError `invalid_argument` */
export function parseSetName(value: unknown): SetName {
  return label(value, 'a set', 'clinic-repository') as SetName
}

/** @throws RingfenceError `invalid_argument` */
export function parseMeterName(value: unknown): MeterName {
  return label(value, 'a meter', 'api-requests') as MeterName
}

const GRANT = /^gr-[a-z0-9]{20,40}$/

/** @throws RingfenceError `invalid_argument` */
export function parseGrantId(value: unknown): GrantId {
  if (typeof value === 'string' && GRANT.test(value)) return value as GrantId
  throw new RingfenceError('invalid_argument', 'a grant id is gr- and 20 to 40 of a-z and 0-9')
}
