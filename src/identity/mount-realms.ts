import type { Hono } from 'hono'
import { realmsAdmin } from './administration/administration-admin.ts'
import { realmAdministrator } from './administration/realm-administrator.ts'
import { RoleAdministration } from './directory/role-administration.ts'
import type { Federation } from './federation/open-federation.ts'
import { openFederation } from './federation/open-federation.ts'
import { continueSignIn } from './federation/flow/continue-sign-in.ts'
import type { Mailer } from './mail/mail.ts'
import type { IdentityParts, Mounted } from './open-identity.ts'
import { openOperators, type Operators } from './operators/open-operators.ts'
import { providerPages } from './pages/provider-pages.ts'
import { realmPages } from './pages/realm-pages.ts'
import { connectedApps } from './provider/connected-apps.ts'
import type { RealmAdministration } from './realm-administration.ts'
import { scimHandler } from './scim/scim-handler.ts'
import { ScimAdministration } from './scim/tokens/scim-administration.ts'
import { accountSessions } from './sessions/account-sessions.ts'
import { openSignIn, type SignInOptions, type SignInServices } from './sign-in/open-sign-in.ts'
import { type SignInSettings, signInAdapters } from './sign-in/sign-in-settings.ts'

export interface MountOptions {
  readonly signIn: SignInSettings
  /** The audience of access tokens: the platform's API. */
  readonly audience: string
  /** Tenants may name addresses inside, and plain http: for trying things on one machine. */
  readonly insideAllowed: boolean
  /** Who delivers mail, in place of the one that the settings name. */
  readonly mailer?: Mailer
  /** What passwords cost, and how many are hashed at once. Default as `openSignIn` has it. */
  readonly hashing?: Pick<SignInOptions, 'hashCost' | 'queue'>
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
    ...(options.mailer === undefined ? {} : { mailer: options.mailer }),
    ...options.hashing,
    log,
  })
  const federation = openFederation({
    database,
    sealing,
    directory,
    outbound: options.insideAllowed ? INSIDE : {},
    endSignedInBy: parts.endSignedInBy,
    finished: continueSignIn(services.signIn),
    log,
  })
  const operators = openOperators({ ...parts, links: services.links, audience })
  const scim = new ScimAdministration(database)
  const administration = (registration: RealmAdministration) =>
    realmsAdmin(
      realmAdministrator({
        ...parts,
        roles: new RoleAdministration(database),
        scim,
        federation: federation.administration,
        sessions: parts.sessionAdministration,
        signIn: services,
        registration,
      }),
    )
  const pages = realmPages({
    signIn: services.signIn,
    security: services.security,
    links: services.links,
    emailChange: services.emailChange,
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
    admin(app: Hono, realms: RealmAdministration) {
      operators.admin(app)
      administration(realms)(app)
    },
    async maintain() {
      await services.maintain()
      await federation.maintain()
      await scim.forgetExpired()
    },
    close: () => services.close(),
  }
}

/** The networks of one machine and one house. */
const INSIDE = {
  allowHttp: true,
  allowNetworks: ['127.0.0.0/8', '::1/128', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
}
