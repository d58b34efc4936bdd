import { z } from 'zod'
import { parsed } from '../../../core/parsed.ts'
import { parseSafePattern } from './safe-pattern.ts'

const DEPTH_MAX = 4
const FIRST_OF_MAX = 8
const GROUPS_MAX = 200

/** Where a value is taken from: a claim or attribute by name, or by path inside nested claims. */
const claimPath = z.union([
  z.string().min(1).max(200),
  z.array(z.string().min(1).max(200)).min(1).max(5),
])

export type Rule =
  | { readonly claim: string | readonly string[] }
  | { readonly constant: string }
  | { readonly firstOf: readonly Rule[] }
  | { readonly lower: Rule }
  | { readonly capture: { readonly from: Rule; readonly pattern: string } }

const pattern = parsed((value) => {
  const text = z.string().parse(value)
  parseSafePattern(text)
  return text
})

function ruleSchema(depth: number): z.ZodType<Rule, Rule> {
  const simple = [
    z.strictObject({ claim: claimPath }),
    z.strictObject({ constant: z.string().min(1).max(200) }),
  ] as const
  if (depth >= DEPTH_MAX) return z.union(simple)
  const inner = ruleSchema(depth + 1)
  return z.union([
    ...simple,
    z.strictObject({ firstOf: z.array(inner).min(1).max(FIRST_OF_MAX) }),
    z.strictObject({ lower: inner }),
    z.strictObject({ capture: z.strictObject({ from: inner, pattern }) }),
  ]) as z.ZodType<Rule, Rule>
}

const rule = ruleSchema(1)
const roleName = z.string().regex(/^[a-z][a-z0-9:._-]{0,99}$/)

/** What of a provider's claims or attributes is kept of a user. Nothing else is. */
export const mappingSchema = z.strictObject({
  userName: rule.optional(),
  email: rule.optional(),
  /** Whether the provider vouches for the address: when it comes out as `true`. */
  emailVerified: rule.optional(),
  displayName: rule.optional(),
  givenName: rule.optional(),
  familyName: rule.optional(),
  /** Roles by what the provider calls groups: those listed, and no others. */
  roles: z
    .strictObject({
      claim: claimPath,
      map: z
        .array(z.strictObject({ value: z.string().min(1).max(200), role: roleName }))
        .max(GROUPS_MAX),
    })
    .optional(),
})

export type MappingSpec = z.output<typeof mappingSchema>

/** The fields that hold one value each. */
export const MAPPED_FIELDS = [
  'userName',
  'email',
  'displayName',
  'givenName',
  'familyName',
] as const
export type MappedField = (typeof MAPPED_FIELDS)[number]

/** What a connection starts with: the standard claims of OpenID Connect. */
export const OIDC_MAPPING: MappingSpec = {
  email: { claim: 'email' },
  emailVerified: { claim: 'email_verified' },
  displayName: { firstOf: [{ claim: 'name' }, { claim: 'preferred_username' }] },
  givenName: { claim: 'given_name' },
  familyName: { claim: 'family_name' },
}

/** What a SAML connection starts with: the names that providers commonly use. */
export const SAML_MAPPING: MappingSpec = {
  email: {
    firstOf: [
      { claim: 'email' },
      { claim: 'mail' },
      { claim: 'urn:oid:0.9.2342.19200300.100.1.3' },
      { claim: 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress' },
    ],
  },
  displayName: {
    firstOf: [
      { claim: 'displayName' },
      { claim: 'urn:oid:2.16.840.1.113730.3.1.241' },
      { claim: 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name' },
    ],
  },
  givenName: {
    firstOf: [
      { claim: 'givenName' },
      { claim: 'urn:oid:2.5.4.42' },
      { claim: 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname' },
    ],
  },
  familyName: {
    firstOf: [
      { claim: 'sn' },
      { claim: 'urn:oid:2.5.4.4' },
      { claim: 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname' },
    ],
  },
}
