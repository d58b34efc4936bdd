import { RingfenceError } from '../../core/errors.ts'
import type { ConnectedApp, ConnectedApps } from '../pages/account/sources.ts'
import type { EndAccess } from './end-access.ts'
import type { PostgresArtifacts } from './postgres-artifacts.ts'
import type { RealmClients } from './realm-clients.ts'

interface Grant {
  readonly clientId?: string
  readonly iat?: number
  readonly openid?: { readonly scope?: string }
  readonly resources?: Readonly<Record<string, string>>
}

/** Applications that a user has let in: one for each client, however often it came. */
export function connectedApps(
  artifacts: PostgresArtifacts,
  clients: RealmClients,
  endAccess: EndAccess,
): ConnectedApps {
  return {
    async list(tenant, subject) {
      const apps = new Map<string, ConnectedApp>()
      for (const { payload } of await artifacts.ofSubject(tenant, 'Grant', subject)) {
        const { clientId: client, iat = 0, openid, resources } = payload as Grant
        if (client === undefined) continue
        const since = new Date(iat * 1000)
        const before = apps.get(client)
        const scopes = [openid?.scope, ...Object.values(resources ?? {}), ...(before?.scopes ?? [])]
        apps.set(client, {
          client,
          name: before?.name ?? (await nameOf(tenant, client)),
          scopes: [...new Set(scopes.flatMap((scope) => scope?.split(' ') ?? []))].sort(),
          since: before !== undefined && before.since < since ? before.since : since,
        })
      }
      return [...apps.values()].sort((one, other) => one.name.localeCompare(other.name))
    },
    async takeBack(tenant, subject, client) {
      const grants = await artifacts.ofSubject(tenant, 'Grant', subject)
      const own = grants.filter(({ payload }) => payload.clientId === client)
      if (own.length === 0) throw new RingfenceError('not_found', 'there is no such application')
      for (const { id } of own) await endAccess.ofGrant(tenant, id)
    },
  }

  async function nameOf(tenant: Parameters<ConnectedApps['list']>[0], client: string) {
    const found = await clients.find(tenant, client)
    return found?.registered?.client_name ?? found?.name ?? client
  }
}
