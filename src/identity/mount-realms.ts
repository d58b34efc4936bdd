import type { Hono } from 'hono'
import type { Federation } from './federation/open-federation.ts'
import { openFederation } from './federation/open-federation.ts'
import type { SignedInFrom } from './federation/flow/federation-handler.ts'
import type { IdentityParts, Mounted } from './open-identity.ts'
import { openOperators, type Operators } from './operators/open-operators.ts'
import { providerPages } from './pages/provider-pages.ts'
import { realmPages } from './pages/realm-pages.ts'
import { connectedApps } from './provider/connected-apps.ts'
import { INTERACTION_PATH, type RealmContext, type RealmRequest } from './provider/realm-context.ts'
import { scimHandler } from './scim/scim-handler.ts'
import { accountSessions } from './sessions/account-sessions.ts'
import { openSignIn, type SignInServices } from './sign-in/open-sign-in.ts'
import { type SignInSettings, signInAdapters } from './sign-in/sign-in-settings.ts'

export interface MountOptions {
  readonly signIn: SignInSettings
  /** The audience of access tokens: the platform's API. */
  readonly audience: string
  /** Tenants may name addresses inside, and plain http: for trying things on one machine. */
  readonly insideAllowed: boolean
  readonly log: (line: string) => void
}

/** What stands beside the providers, for whoever administers it in this process. */
export interface MountedRealms extends Mounted {
  readonly services: SignInServices
  readonly federation: Federation
  readonly operators: Operators
}

/** All that realms serve beside their providers: signing in, pages, federation, provisioning. */
export async function mountRealms(
  parts: IdentityParts,
  options: MountOptions,
): Promise<MountedRealms> {
  const { database, directory, sealing, endAccess } = parts
  const { audience, log } = options
  const services = await openSignIn({
    database,
    directory,
    sealing,
    endAccess: (rows, tenant, subject) => endAccess.ofSubject(rows, tenant, subject),
    ...signInAdapters(options.signIn, log),
    log,
  })
  const federation = openFederation({
    database,
    sealing,
    directory,
    outbound: options.insideAllowed ? INSIDE : {},
    finished: (context, request, response, signedIn) => {
      response.setHeader('cache-control', 'no-store')
      return goOn(services, context, request, signedIn).then((location) => {
        response.writeHead(303, { location, 'content-length': '0' }).end()
      })
    },
    log,
  })
  const operators = openOperators({ ...parts, links: services.links, audience })
  const pages = realmPages({
    signIn: services.signIn,
    security: services.security,
    links: services.links,
    directory,
    choices: federation.choices,
    sessions: accountSessions(parts.sessionAdministration),
    apps: connectedApps(parts.artifacts, parts.clients, endAccess),
    apiKeys: parts.apiKeys,
    support: operators.support,
    log,
  })
  return {
    services,
    federation,
    operators,
    // Federation first: its paths below an interaction would be the pages' else.
    handlers: [federation.handler, scimHandler({ directory, database, log }), pages],
    pages: providerPages,
    admin: (app: Hono) => operators.admin(app),
    async maintain() {
      await services.maintain()
      await federation.maintain()
    },
    close: () => services.close(),
  }
}

/** Enters what the tenant's identity provider said into the sign-in, whose page goes on from there. */
async function goOn(
  { signIn }: SignInServices,
  { issuer, tenant }: RealmContext,
  { address }: RealmRequest,
  { interaction, subject, amr }: SignedInFrom,
): Promise<string> {
  await signIn.federated({ tenant, address, id: interaction }, subject, amr)
  return `${issuer}${INTERACTION_PATH}/${interaction}`
}

/** The networks of one machine and one house. */
const INSIDE = {
  allowHttp: true,
  allowNetworks: ['127.0.0.0/8', '::1/128', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
}
