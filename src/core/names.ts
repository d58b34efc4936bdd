import { RingfenceError } from './errors.ts'

declare const serviceBrand: unique symbol
declare const clientBrand: unique symbol
declare const planBrand: unique symbol
declare const subjectBrand: unique symbol

/** An upstream service behind the gateway, `clinic`: the audience of a tenant context. */
export type ServiceName = string & { readonly [serviceBrand]: true }
/** A workload's own identity at vending (an OAuth client), `clinic-web`. It opens nothing by itself. */
export type ClientId = string & { readonly [clientBrand]: true }
/** What a tenant has bought, `standard`: its limits. */
export type PlanName = string & { readonly [planBrand]: true }
/** A user or client inside one tenant's realm. Two realms may use the same subject for two people. */
export type Subject = string & { readonly [subjectBrand]: true }

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
