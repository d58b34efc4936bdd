import type { SignInChoice, SignInChoices } from '../pages/pages-options.ts'
import type { RealmContext } from '../provider/realm-context.ts'
import type { ConnectionSummary } from './connection/connection.ts'
import type { ConnectionStore } from './connection/connection-store.ts'
import type { DomainStore } from './domains/domain-store.ts'
import { beginsAt } from './flow/begins-at.ts'

/** The realm's connections for its sign-in pages. */
export function signInChoices(connections: ConnectionStore, domains: DomainStore): SignInChoices {
  return {
    async all(context, interaction) {
      const offered = await connections.offered(context.tenant)
      return offered.map((connection) => choice(context, interaction, connection))
    },
    async forName(context, interaction, name) {
      const [id, offered] = await Promise.all([
        domains.connectionFor(context.tenant, name),
        connections.offered(context.tenant),
      ])
      const connection = offered.find((one) => one.id === id)
      return connection === undefined ? undefined : choice(context, interaction, connection)
    },
  }
}

function choice(
  context: RealmContext,
  interaction: string,
  { id, displayName }: ConnectionSummary,
): SignInChoice {
  return { label: displayName, href: beginsAt(context, interaction, id) }
}
