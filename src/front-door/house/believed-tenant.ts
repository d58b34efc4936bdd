import type { IncomingMessage } from 'node:http'
import { CONTEXT_HEADER } from '../../tokens/tenant-context.ts'
import type { Ground } from './ground.ts'
import type { Party } from './party.ts'

/**
 * Fields by which services behind other proxies are told whose request it is. The gateway promises
 * that none of them comes through from a caller.
 */
export const BELIEVED_NAMES = [
  'x-tenant-id',
  'x-tenant',
  'tenant',
  'tenant-id',
  'x-ringfence-tenant',
  'ringfence-tenant',
  'x-auth-tenant',
  'x-wso2-tenant',
  'x-ms-tenant-id',
  'x-scope-orgid',
  'x-auth-request-user',
  'x-user',
  'x-user-tenant',
  'remote-user',
  'x-remote-user',
  'x-forwarded-host',
  'x-forwarded-user',
  'x-forwarded-prefix',
  'x-forwarded-uri',
  'forwarded',
  'x-original-url',
  'x-original-host',
  'x-rewrite-url',
  'x-real-host',
  'x-request-id',
  'true-client-ip',
  'x_tenant_id',
  'x_forwarded_host',
] as const

/** The tenant that a careless service takes a request for: the context, unverified, comes last. */
export function believedTenant(request: IncomingMessage, ground: Ground): string | undefined {
  const fields = fieldsOf([...request.rawHeaders, ...request.rawTrailers])
  const hidden = new Set(
    fields
      .filter(({ name }) => name === 'connection')
      .flatMap(({ value }) => value.split(',').map((name) => name.trim().toLowerCase())),
  )
  // RFC 9110, section 7.6.1: what Connection names is not for whoever comes after.
  const left = fields.filter(({ name }) => !hidden.has(name))
  const named = BELIEVED_NAMES.map((name) => left.find((field) => field.name === name)?.value)
  for (const value of named) {
    const party = partyIn(value, ground)
    if (party !== undefined) return party.tenant
  }
  // As where fields become variables of an environment: a hyphen there is an underscore (RFC 3875).
  const context = left.find(({ name }) => name.replaceAll('_', '-') === CONTEXT_HEADER)
  // Without any, it serves the tenant that was there before there were others.
  return context === undefined ? undefined : claimedTenant(context.value)
}

function fieldsOf(raw: readonly string[]): readonly { name: string; value: string }[] {
  return raw.flatMap((name, index) =>
    index % 2 === 0 ? [{ name: name.toLowerCase(), value: raw[index + 1] ?? '' }] : [],
  )
}

/** Whose name or host occurs in a value; the longest, since one tenant's name may begin another's. */
function partyIn(value: string | undefined, { parties }: Ground): Party | undefined {
  return parties
    .filter(({ tenant }) => value?.toLowerCase().includes(tenant))
    .toSorted((a, b) => b.tenant.length - a.tenant.length)[0]
}

function claimedTenant(token: string): string | undefined {
  try {
    const claims: unknown = JSON.parse(
      Buffer.from(token.split('.')[1] ?? '', 'base64url').toString(),
    )
    return String((claims as { tenant_id?: unknown } | null)?.tenant_id)
  } catch {
    return undefined
  }
}
