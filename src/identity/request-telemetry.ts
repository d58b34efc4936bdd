import type { ServerResponse, IncomingMessage } from 'node:http'
import type { TenantId } from '../core/tenant.ts'
import { traceOfHeaders } from '../telemetry/fetch-trace.ts'
import type { ServerTelemetry } from '../telemetry/server-telemetry.ts'

/** What is asked of a realm, by the beginning of its path below the issuer. */
const OPERATIONS = [
  ['/token/introspection', 'introspection'],
  ['/token/revocation', 'revocation'],
  ['/token', 'token'],
  ['/auth', 'authorization'],
  ['/request', 'pushed-authorization'],
  ['/device', 'device'],
  ['/jwks', 'keys'],
  ['/me', 'userinfo'],
  ['/session', 'session'],
  ['/.well-known', 'metadata'],
  ['/interaction', 'sign-in'],
  ['/account', 'account'],
  ['/recover', 'recovery'],
  ['/link', 'link'],
  ['/scim', 'scim'],
  ['/assets', 'assets'],
  ['/federation', 'federation'],
  ['/saml', 'federation'],
] as const

/** A word of a closed list: paths are what callers write. */
export function operationOf(url: string): string {
  const [path = ''] = url.split('?')
  const found = OPERATIONS.find(([start]) => path === start || path.startsWith(`${start}/`))
  return found?.[1] ?? 'other'
}

/** Counts a request when its answer has ended. `found` says which realm it was for, once that is known. */
export function recordAnswer(
  telemetry: ServerTelemetry,
  request: IncomingMessage,
  response: ServerResponse,
): { realm: { readonly tenant: TenantId; readonly url: string } | undefined } {
  const began = performance.now()
  const asked: ReturnType<typeof recordAnswer> = { realm: undefined }
  // The world's callers: what they say of sampling is not taken.
  const trace = traceOfHeaders({ get: (name) => plain(request.headers[name]) })
  response.once('close', () => {
    const { realm } = asked
    telemetry.ended({
      tenant: realm?.tenant,
      operation: realm === undefined ? 'none' : operationOf(realm.url),
      status: response.headersSent ? response.statusCode : 499,
      milliseconds: performance.now() - began,
      trace: {
        ...trace,
        flags: telemetry.keeps(realm?.tenant, trace.traceId, isSampled(trace.flags)) ? '01' : '00',
      },
    })
  })
  return asked
}

function isSampled(flags: string): boolean | undefined {
  return (Number.parseInt(flags, 16) & 1) === 1 ? true : undefined
}

function plain(value: string | string[] | undefined): string | null {
  return typeof value === 'string' ? value : null
}
