import { z } from 'zod'
import { type GrantId, parseGrantId, parseSubject, type Subject } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import type { SignIn } from './sign-in-claims.ts'

/**
 * A principal of another tenant works here under a grant. Whoever accepts a token that says so still
 * asks whether the grant stands, and whether what the principal came with was revoked at home.
 */
export interface Delegation {
  /** `grant_id` */
  readonly grant: GrantId
  /** Whose principal acts. */
  readonly grantee: TenantId
  /** The token of the grantee's realm that this one came of. */
  readonly source: {
    /** Its `jti`. */
    readonly id: string
    readonly client: string
    readonly session?: string
    /** Whole seconds. */
    readonly issuedAt: Date
  }
}

const text = z.string().regex(/^[\x20-\x7e]{1,200}$/)

const schema = z.object({
  grant_id: parsed(parseGrantId),
  grantee: z.strictObject({
    tenant_id: parsed(parseTenantId),
    jti: text,
    client_id: text,
    sid: text.optional(),
    iat: z.number().nonnegative().max(8.64e12),
  }),
})

/** Undefined when nothing is said of it. @throws ZodError for what is said in part or in another form */
export function delegationOf(claims: Readonly<Record<string, unknown>>): Delegation | undefined {
  if (claims['grant_id'] === undefined && claims['grantee'] === undefined) return undefined
  const { grant_id: grant, grantee } = schema.parse(claims)
  const { tenant_id, jti: id, client_id: client, sid, iat } = grantee
  const issuedAt = new Date(iat * 1000)
  return {
    grant,
    grantee: tenant_id,
    source: { id, client, issuedAt, ...(sid === undefined ? {} : { session: sid }) },
  }
}

/** The claims. */
export function delegationClaims({ grant, grantee, source }: Delegation) {
  const { id, client, session, issuedAt } = source
  return {
    grant_id: grant,
    grantee: {
      tenant_id: grantee,
      jti: id,
      client_id: client,
      ...(session === undefined ? {} : { sid: session }),
      iat: Math.floor(issuedAt.getTime() / 1000),
    },
  }
}

/**
 * Of whom a delegation's token goes on being good only while nothing is taken back: the principal at
 * home, as what it came with says.
 */
export function sourceOf({
  delegation,
  actor,
}: {
  readonly delegation?: Delegation | undefined
  readonly actor?: SignIn['actor'] | undefined
}) {
  if (delegation === undefined || actor === undefined) return undefined
  const { id, client, session, issuedAt } = delegation.source
  const { subject } = actor
  return { tenant: delegation.grantee, subject, id, client, session, issuedAt }
}

/** Whose name a token of a grant has in the realm that it is of: nobody else's there. */
export function grantSubject(grant: GrantId): Subject {
  return parseSubject(`grant:${grant}`)
}
