import type { TenantId } from '../../core/tenant.ts'
import { type Carelessness, carelessVerify } from '../../strikes/careless-verify.ts'
import { forge, headerOf, seconds } from '../../strikes/forge.ts'
import { CONTEXT_HEADER, signContext } from '../../tokens/tenant-context.ts'
import { claimsOf, contextFor } from '../duel.ts'
import { SERVICE } from '../house/ground.ts'
import type { Fetch, Pieces } from '../house/pieces.ts'
import type { Site } from '../house/site.ts'

export type Claims = Readonly<Record<string, unknown>>

/** Something careless in front of the plane, which lets through whatever it does not take for itself. */
export function inFront(
  careless: (request: Request, site: Site, pass: Fetch) => Promise<Response> | Response | undefined,
): Pick<Pieces, 'tenants'> {
  return {
    tenants: (pass, site) => (request) => careless(request, site, pass) ?? pass(request),
  }
}

/** The same in front of what planes and services reach. */
export function inFrontOfIntake(
  careless: (request: Request, site: Site, pass: Fetch) => Promise<Response> | undefined,
): Pick<Pieces, 'intake'> {
  return {
    intake: (pass, site) => (request) => careless(request, site, pass) ?? pass(request),
  }
}

/** The request with another context, and at another path. */
export function withContext(request: Request, context: string, url = request.url): Request {
  const headers = new Headers(request.headers)
  headers.set(CONTEXT_HEADER, context)
  const { method } = request
  const body = method === 'GET' || method === 'DELETE' ? {} : { body: request.body, duplex: 'half' }
  return new Request(url, { method, headers, ...body } as RequestInit)
}

/** Takes it for a request of an administrator of a tenant. */
export async function asTenant(
  site: Site,
  pass: Fetch,
  request: Request,
  tenant: TenantId,
  url = request.url,
): Promise<Response> {
  const { contexts } = site.ground.keys
  return pass(withContext(request, await signContext(contexts, contextFor(tenant), 60), url))
}

/** The tenant of a name, if there is one. */
export function tenantNamed(site: Site, name: string | null | undefined): TenantId | undefined {
  const plain = name?.replace(/^tenant\//, '')
  return site.ground.parties.find(({ tenant }) => tenant === plain)?.tenant
}

/** Signs claims as the gateway would: whoever put them together is believed. */
export function signedAgain(site: Site, claims: Claims): string {
  const { contexts } = site.ground.keys
  const now = seconds()
  return forge(contexts, headerOf(contexts, 'rf-context+jwt'), {
    ...claims,
    ...{ iss: 'ringfence-gateway', aud: SERVICE, iat: now, exp: now + 60 },
  })
}

/** Reads a context in its own way. What it gives is what is believed; undefined leaves it to the plane. */
export function believing(
  read: (claims: Claims, token: string, site: Site) => Claims | undefined,
): Pick<Pieces, 'tenants'> {
  return inFront((request, site, pass) => {
    const token = request.headers.get(CONTEXT_HEADER) ?? ''
    try {
      const claims = read(claimsOf(token), token, site)
      if (claims === undefined) return undefined
      return pass(withContext(request, signedAgain(site, claims)))
    } catch {
      return undefined
    }
  })
}

/** Verifies contexts as people do by hand, with one thing amiss, or none. */
export function verifyingBadly(amiss?: Carelessness): Pick<Pieces, 'tenants'> {
  return believing((_claims, token, { ground }) => {
    const { contexts } = ground.keys
    return carelessVerify(
      token,
      [contexts.publicJwk],
      {
        typ: 'rf-context+jwt',
        issuer: 'ringfence-gateway',
        audience: SERVICE,
        secondsMax: 60,
      },
      amiss,
    )
  })
}
