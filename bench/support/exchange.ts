import { type Address, call } from '../../src/http/call.ts'
import { type ClientId, parseSubject, type ServiceName } from '../../src/core/names.ts'
import type { Scope } from '../../src/core/lease.ts'
import type { TenantId } from '../../src/core/tenant.ts'
import { CLIENT_ASSERTION_TYPE, signClientAssertion } from '../../src/tokens/client-assertion.ts'
import type { SigningKey } from '../../src/tokens/signing-key.ts'
import { signContext } from '../../src/tokens/tenant-context.ts'

/** Whoever asks vending: a workload, and the key that makes contexts for its service. */
export interface Asker {
  readonly client: ClientId
  readonly service: ServiceName
  readonly audience: string
  readonly clientKey: SigningKey
  readonly contextKey: SigningKey
}

/** A context as the gateway signs it. */
export function contextOf(
  { contextKey, service }: Pick<Asker, 'contextKey' | 'service'>,
  tenant: TenantId,
  scopes: readonly Scope[] = ['read'],
): Promise<string> {
  const kind = 'request' as const
  const who = { subject: parseSubject('bench'), roles: [], requestId: 'bench' }
  return signContext(contextKey, { kind, tenant, service, scopes, ...who }, 60)
}

/**
 * An exchange for a lease to read, with a context of its own unless one is given. Everything but the
 * call is done before; the call resolves with the answer's text.
 */
export async function exchange(
  address: Address,
  tenant: TenantId,
  asker: Asker,
  context?: string,
): Promise<() => Promise<string>> {
  const body = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    client_assertion_type: CLIENT_ASSERTION_TYPE,
    client_assertion: await signClientAssertion(asker.clientKey, asker.client, asker.audience),
    subject_token: context ?? (await contextOf(asker, tenant)),
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return async () => {
    const answer = await call(address, { method: 'POST', path: '/v1/token', headers, body })
    if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`)
    return answer.text
  }
}
