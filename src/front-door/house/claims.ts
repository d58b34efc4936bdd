import { randomUUID } from 'node:crypto'
import { type Access, signAccessToken } from '../../tokens/access-token.ts'
import type { TenantContext } from '../../tokens/tenant-context.ts'
import { signContext } from '../../tokens/tenant-context.ts'
import { parseSubject, type ServiceName } from '../../core/names.ts'
import { forge, headerOf, seconds } from '../../strikes/forge.ts'
import { AUDIENCE, CLINIC, type Ground, VENDING_AUDIENCE, type Workload } from './ground.ts'
import type { Party } from './party.ts'

export type Claims = Readonly<Record<string, unknown>>

export const ACCESS_TYP = 'at+jwt'
export const CONTEXT_TYP = 'rf-context+jwt'
export const JOB_TYP = 'rf-job+jwt'
export const ASSERTION_TYP = 'client-authentication+jwt'
/** Whose tokens they are. */
export const USER = parseSubject('user-1')

/** What a realm says of a user of its tenant, with changes. `undefined` leaves a claim out. */
export function accessClaims(party: Party, changes: Claims = {}): Claims {
  const iat = seconds()
  return {
    iss: party.issuer,
    aud: AUDIENCE,
    sub: USER,
    client_id: 'browser',
    tenant_id: party.tenant,
    scope: 'read write',
    roles: [],
    iat,
    exp: iat + 300,
    jti: randomUUID(),
    ...changes,
  }
}

/** A good access token of a user of a tenant. */
export function accessToken(party: Party, changes: Partial<Access> = {}): Promise<string> {
  const access = { tenant: party.tenant, subject: USER, client: 'browser', roles: [] }
  return signAccessToken(
    party.realm,
    { issuer: party.issuer, audience: AUDIENCE },
    { scopes: ['read', 'write'], ...access, ...changes },
  )
}

/** A good context, as the gateway (or, for a job, the control plane) signs it. */
export function contextFor(
  { keys }: Ground,
  party: Party,
  changes: Partial<TenantContext> & { readonly seconds?: number } = {},
): Promise<string> {
  const { seconds: life = 60, ...context } = changes
  return signContext(
    context.kind === 'job' ? keys.job : keys.context,
    {
      kind: 'request',
      tenant: party.tenant,
      service: CLINIC,
      subject: USER,
      scopes: ['read', 'write'],
      roles: [],
      requestId: randomUUID(),
      ...context,
    },
    life,
  )
}

/** What a context says, with changes. */
export function contextClaims(
  party: Party,
  changes: Claims = {},
  service: ServiceName = CLINIC,
): Claims {
  const iat = seconds()
  return {
    iss: 'ringfence-gateway',
    aud: service,
    sub: USER,
    tenant_id: party.tenant,
    scope: 'read write',
    roles: [],
    request_id: randomUUID(),
    iat,
    exp: iat + 60,
    jti: randomUUID(),
    ...changes,
  }
}

/** A workload's proof of who it is, with changes to what it says and to its header. */
export function assertionOf(
  { client, key }: Workload,
  changes: Claims = {},
  header: Claims = {},
): string {
  const iat = seconds()
  return forge(
    key,
    { ...headerOf(key, ASSERTION_TYP), ...header },
    {
      iss: client,
      sub: client,
      aud: VENDING_AUDIENCE,
      iat,
      exp: iat + 30,
      jti: randomUUID(),
      ...changes,
    },
  )
}
