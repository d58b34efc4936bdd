import type { Client } from 'oidc-provider'
import type { RealmProviders } from '../../provider/realm-providers.ts'
import type { SendLogout } from './logout-notices.ts'

/** What the library has and its types leave out. */
type ToldClient = Client & { backchannelLogout(subject: string, sid: string): Promise<void> }

/**
 * Tells clients by a logout token of their realm (OpenID Connect Back-Channel Logout 1.0). Of a realm
 * that is closed nobody is told: its keys sign nothing any more.
 */
export function logoutSender(providers: Pick<RealmProviders, 'get'>): SendLogout {
  return async ({ tenant, client: id, subject, sid }) => {
    const realm = await providers.get(tenant)
    const client = await realm?.context.provider.Client.find(id)
    if (client?.backchannelLogoutUri === undefined) return
    await (client as ToldClient).backchannelLogout(subject, sid)
  }
}
