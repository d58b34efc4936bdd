import { foldedOrNothing } from '../../directory/fold-name.ts'
import { domainOfEmail } from '../domains/email-domain.ts'
import { MAPPED_FIELDS, type MappedField, type MappingSpec, type Rule } from './mapping-spec.ts'
import { parseSafePattern } from './safe-pattern.ts'

const VALUE_CHARACTERS_MAX = 500
const VALUES_MAX = 1_000
/** Lengths that the directory takes. */
const LENGTH_MAX: Readonly<Record<MappedField, number>> = {
  userName: 200,
  email: 254,
  displayName: 200,
  givenName: 200,
  familyName: 200,
}
/** Controls, and what turns the direction of the text around it. */
const HARMFUL = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u

/** What a provider said of a user, as it came: claims of an ID token, or attributes with their values. */
export type ExternalClaims = Readonly<Record<string, unknown>>

/** What of it is kept. */
export interface MappedUser {
  /** Of a field that is mapped and came out empty: undefined. Of one that is not mapped: absent. */
  readonly fields: Partial<Record<MappedField, string | undefined>>
  /** The provider vouches for the address. Whether it may is not said here. */
  readonly emailVerified: boolean
  /** Undefined when roles are not mapped: then they are not touched. */
  readonly roles: readonly string[] | undefined
}

export interface MappingOutcome {
  readonly user: MappedUser
  /** Values that were left out, and why. Without the values. */
  readonly problems: readonly string[]
  /** Names of what came and is not kept. */
  readonly ignored: readonly string[]
}

/** Applies a mapping. It never fails: what cannot be used is left out and named. */
export function applyMapping(spec: MappingSpec, claims: ExternalClaims): MappingOutcome {
  const problems: string[] = []
  const read = new Set<string>()
  const evaluate = (rule: Rule): string | undefined => {
    if ('constant' in rule) return rule.constant
    if ('firstOf' in rule) return firstDefined(rule.firstOf, evaluate)
    if ('lower' in rule) return evaluate(rule.lower)?.toLowerCase()
    if ('capture' in rule) {
      const value = evaluate(rule.capture.from)
      return value === undefined ? undefined : parseSafePattern(rule.capture.pattern).capture(value)
    }
    const [value, ...more] = valuesAt(claims, rule.claim, read)
    if (more.length > 0) problems.push(`${nameOf(rule.claim)} has several values`)
    return more.length > 0 ? undefined : value
  }
  const fields: Partial<Record<MappedField, string | undefined>> = {}
  for (const field of MAPPED_FIELDS) {
    const rule = spec[field]
    if (rule === undefined) continue
    const value = evaluate(rule)?.trim().normalize('NFC')
    const problem = value === undefined || value === '' ? undefined : problemOf(field, value)
    if (problem !== undefined) problems.push(`${field} ${problem}`)
    fields[field] = problem === undefined && value !== '' ? value : undefined
  }
  const emailVerified =
    fields.email !== undefined &&
    spec.emailVerified !== undefined &&
    evaluate(spec.emailVerified) === 'true'
  return {
    user: { fields, emailVerified, roles: rolesOf(spec, claims, read) },
    problems,
    ignored: Object.keys(claims)
      .filter((name) => !read.has(name))
      .sort(),
  }
}

function rolesOf(
  spec: MappingSpec,
  claims: ExternalClaims,
  read: Set<string>,
): readonly string[] | undefined {
  if (spec.roles === undefined) return undefined
  const groups = new Set(valuesAt(claims, spec.roles.claim, read))
  const roles = spec.roles.map.filter(({ value }) => groups.has(value)).map(({ role }) => role)
  return [...new Set(roles)].sort()
}

/** Strings, numbers and truth values at the path, one or a list of them. Anything else is nothing. */
function valuesAt(
  claims: ExternalClaims,
  claim: string | readonly string[],
  read: Set<string>,
): readonly string[] {
  const path = typeof claim === 'string' ? [claim] : claim
  if (path[0] !== undefined) read.add(path[0])
  let at: unknown = claims
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return []
    at = (at as Readonly<Record<string, unknown>>)[step]
  }
  const list: readonly unknown[] = Array.isArray(at) ? at.slice(0, VALUES_MAX) : [at]
  return list.map(textOf).filter((text) => text !== undefined)
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined
  return typeof value === 'string' && value.length <= VALUE_CHARACTERS_MAX ? value : undefined
}

/** What the directory would refuse. */
function problemOf(field: MappedField, value: string): string | undefined {
  if (HARMFUL.test(value)) return 'has control characters'
  if (value.length > LENGTH_MAX[field]) return `has more than ${LENGTH_MAX[field]} characters`
  if (field === 'email' && domainOfEmail(value) === undefined) return 'is not an e-mail address'
  if (field === 'userName' && foldedOrNothing(value) === undefined) return 'cannot be a name'
  return undefined
}

function firstDefined(
  rules: readonly Rule[],
  evaluate: (rule: Rule) => string | undefined,
): string | undefined {
  for (const rule of rules) {
    const value = evaluate(rule)
    if (value !== undefined && value !== '') return value
  }
  return undefined
}

function nameOf(claim: string | readonly string[]): string {
  return typeof claim === 'string' ? claim : claim.join(' / ')
}
