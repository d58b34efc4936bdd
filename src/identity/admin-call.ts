import type { z } from 'zod'
import { ERROR_CODES, RingfenceError } from '../core/errors.ts'
import type { ClientId } from '../core/names.ts'
import type { TenantId } from '../core/tenant.ts'
import { type Address, call } from '../http/call.ts'
import { signClientAssertion } from '../tokens/client-assertion.ts'
import type { SigningKey } from '../tokens/signing-key.ts'

export interface AdminCallOptions {
  /** Of the administration listener: `unix:/path` or a URL. */
  readonly address: Address
  /** Who it is, in client assertions. */
  readonly audience: string
  /** Who calls, and with which key. */
  readonly client: ClientId
  readonly key: SigningKey
}

export type AdminCall = (
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  tenant: TenantId,
  path: string,
  body?: object,
) => Promise<unknown>

/**
 * Asks the administration API of another process about one realm. May throw `engine_unavailable`,
 * `timed_out`, `not_authenticated`, and what the other side refused with.
 */
export function adminCall(options: AdminCallOptions): AdminCall {
  const { address, audience, client, key } = options
  return async (method, tenant, path, body) => {
    const answer = await call(address, {
      method,
      path: `/admin/realms/${tenant}${path}`,
      headers: {
        authorization: `Bearer ${await signClientAssertion(key, client, audience)}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (answer.status >= 300) throw refusalOf(answer.status, answer.text)
    return answer.text === '' ? undefined : JSON.parse(answer.text)
  }
}

/** What was answered, if it is of this form. */
export function readAnswer<S extends z.ZodType>(schema: S, answer: unknown): z.output<S> {
  const result = schema.safeParse(answer)
  // What it was is left out: it could hold a token or a secret.
  if (!result.success) throw new RingfenceError('internal', 'the identity plane answered strangely')
  return result.data
}

/** The refusal as the other side threw it. */
function refusalOf(status: number, text: string): RingfenceError {
  try {
    const { code, title } = JSON.parse(text) as {
      readonly code?: unknown
      readonly title?: unknown
    }
    const known = ERROR_CODES.find((one) => one === code)
    if (known !== undefined && known !== 'internal' && typeof title === 'string') {
      return new RingfenceError(known, title)
    }
  } catch {
    // Whoever answered was not the identity plane.
  }
  return new RingfenceError('engine_unavailable', 'the identity plane does not answer', {
    detail: `status ${status}`,
  })
}
