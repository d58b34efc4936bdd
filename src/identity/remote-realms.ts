import { RingfenceError } from '../core/errors.ts'
import type { Subject } from '../core/names.ts'
import { type AdminCallOptions, adminCall, readAnswer } from './admin-call.ts'
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

/**
 * Realms administered over the administration API of another process. Every method may throw
 * `engine_unavailable`, `timed_out`, `not_authenticated`, and can be called again.
 */
export function remoteRealms(options: AdminCallOptions): RealmAdministration {
  const ask = adminCall(options)
  return {
    ensure: async (tenant, displayName) =>
      readAnswer(realmAnswer, await ask('PUT', tenant, '', { displayName })),
    async find(tenant) {
      try {
        return readAnswer(realmAnswer, await ask('GET', tenant, ''))
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
    settings: async (tenant) =>
      readAnswer(realmSettingsSchema, await ask('GET', tenant, '/settings')),
    putSettings: async (tenant, settings) =>
      readAnswer(realmSettingsSchema, await ask('PUT', tenant, '/settings', settings)),
    async putUser(tenant, subject, may) {
      await ask('POST', tenant, '/users', { subject, ...may })
    },
    async removeUser(tenant, subject) {
      await ask('DELETE', tenant, `/users/${encodeURIComponent(subject)}`)
    },
    async putClient(tenant, name, may, keys) {
      const body = { client: name, ...may, ...(keys === undefined ? {} : { keys }) }
      return readAnswer(clientAnswer, await ask('POST', tenant, '/clients', body)).secret
    },
    async removeClient(tenant, name) {
      await ask('DELETE', tenant, `/clients/${name}`)
    },
    clients: async (tenant) =>
      readAnswer(clientsAnswer, await ask('GET', tenant, '/clients')).clients,
    createInitialAccessToken: async (tenant, seconds) =>
      readAnswer(initialAccessAnswer, await ask('POST', tenant, '/registration', { seconds }))
        .token,
    createApiKey: async (tenant, subject, key) =>
      readAnswer(apiKeyAnswer, await ask('POST', tenant, apiKeysOf(subject), key)),
    apiKeys: async (tenant, subject) =>
      readAnswer(apiKeysAnswer, await ask('GET', tenant, apiKeysOf(subject))).keys,
    async removeApiKey(tenant, subject, id) {
      await ask('DELETE', tenant, `${apiKeysOf(subject)}/${encodeURIComponent(id)}`)
    },
    issueFor: async (tenant, subject, request = {}) =>
      readAnswer(tokenAnswer, await ask('POST', tenant, '/tokens', { subject, ...request })),
  }
}

function apiKeysOf(subject: Subject): string {
  return `/users/${encodeURIComponent(subject)}/api-keys`
}
