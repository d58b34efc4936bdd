import type { z } from 'zod'
import { ERROR_CODES, RingfenceError } from '../core/errors.ts'
import type { ClientId, Subject } from '../core/names.ts'
import type { TenantId } from '../core/tenant.ts'
import { type Address, call } from '../http/call.ts'
import { signClientAssertion } from '../tokens/client-assertion.ts'
import type { SigningKey } from '../tokens/signing-key.ts'
import {
  apiKeyAnswer,
  apiKeysAnswer,
  clientAnswer,
  clientsAnswer,
  initialAccessAnswer,
  realmAnswer,
  tokenAnswer,
} from './admin-schemas.ts'
import { realmSettingsSchema } from './provider/realm-settings.ts'
import type { RealmAdministration } from './realm-administration.ts'

export interface RemoteRealmsOptions {
  /** Of the administration listener: `unix:/path` or a URL. */
  readonly address: Address
  /** Who it is, in client assertions. */
  readonly audience: string
  /** Who calls, and with which key. */
  readonly client: ClientId
  readonly key: SigningKey
}

/**
 * Realms administered over the administration API of another process. Every method may throw
 * `engine_unavailable`, `timed_out`, `not_authenticated`, and can be called again.
 */
export function remoteRealms(options: RemoteRealmsOptions): RealmAdministration {
  const { address, audience, client, key } = options
  const ask = async (
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    tenant: TenantId,
    path: string,
    body?: object,
  ): Promise<unknown> => {
    const answer = await call(address, {
      method,
      path: `/admin/realms/${tenant}${path}`,
      headers: {
        authorization: `Bearer ${await signClientAssertion(key, client, audience)}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (answer.status >= 300) throw errorOf(answer.status, answer.text)
    return answer.text === '' ? undefined : JSON.parse(answer.text)
  }
  return {
    ensure: async (tenant, displayName) =>
      read(realmAnswer, await ask('PUT', tenant, '', { displayName })),
    async find(tenant) {
      try {
        return read(realmAnswer, await ask('GET', tenant, ''))
      } catch (error) {
        if (error instanceof RingfenceError && error.code === 'not_found') return undefined
        throw error
      }
    },
    async setOpen(tenant, open) {
      await ask('PUT', tenant, '/open', { open })
    },
    async remove(tenant) {
      await ask('DELETE', tenant, '')
    },
    async rotateKeys(tenant, compromised = false, algorithm) {
      await ask('POST', tenant, '/keys', { compromised, ...(algorithm && { algorithm }) })
    },
    settings: async (tenant) => read(realmSettingsSchema, await ask('GET', tenant, '/settings')),
    putSettings: async (tenant, settings) =>
      read(realmSettingsSchema, await ask('PUT', tenant, '/settings', settings)),
    async putUser(tenant, subject, may) {
      await ask('POST', tenant, '/users', { subject, ...may })
    },
    async removeUser(tenant, subject) {
      await ask('DELETE', tenant, `/users/${encodeURIComponent(subject)}`)
    },
    async putClient(tenant, name, may, keys) {
      const body = { client: name, ...may, ...(keys === undefined ? {} : { keys }) }
      return read(clientAnswer, await ask('POST', tenant, '/clients', body)).secret
    },
    async removeClient(tenant, name) {
      await ask('DELETE', tenant, `/clients/${name}`)
    },
    clients: async (tenant) => read(clientsAnswer, await ask('GET', tenant, '/clients')).clients,
    createInitialAccessToken: async (tenant, seconds) =>
      read(initialAccessAnswer, await ask('POST', tenant, '/registration', { seconds })).token,
    createApiKey: async (tenant, subject, key) =>
      read(apiKeyAnswer, await ask('POST', tenant, apiKeysOf(subject), key)),
    apiKeys: async (tenant, subject) =>
      read(apiKeysAnswer, await ask('GET', tenant, apiKeysOf(subject))).keys,
    async removeApiKey(tenant, subject, id) {
      await ask('DELETE', tenant, `${apiKeysOf(subject)}/${encodeURIComponent(id)}`)
    },
    issueFor: async (tenant, subject, request = {}) =>
      read(tokenAnswer, await ask('POST', tenant, '/tokens', { subject, ...request })),
  }
}

function apiKeysOf(subject: Subject): string {
  return `/users/${encodeURIComponent(subject)}/api-keys`
}

function read<S extends z.ZodType>(schema: S, answer: unknown): z.output<S> {
  const result = schema.safeParse(answer)
  // What it was is left out: it could hold a token or a secret.
  if (!result.success) throw new RingfenceError('internal', 'the identity plane answered strangely')
  return result.data
}

/** The refusal as the other side threw it. */
function errorOf(status: number, text: string): RingfenceError {
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
