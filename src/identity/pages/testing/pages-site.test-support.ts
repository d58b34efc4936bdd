import { randomUUID } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import { generateSync } from 'otplib'
import { parseClientId, parseSubject, type Subject } from '../../../core/names.ts'
import { parseTenantId, type TenantId } from '../../../core/tenant.ts'
import { listenWith } from '../../../http/listen.ts'
import type { AccountChange } from '../../directory/directory.ts'
import { type IdentitySite, startIdentitySite } from '../../identity-site.test-support.ts'
import type { Mail } from '../../mail/mail.ts'
import type { IdentityParts, Mounted } from '../../open-identity.ts'
import type { RealmContext } from '../../provider/realm-context.ts'
import type { RealmSettingsInput } from '../../provider/realm-settings.ts'
import { openSignIn, type SignInServices } from '../../sign-in/open-sign-in.ts'
import { CHEAP } from '../../sign-in/sign-in-site.test-support.ts'
import { providerPages } from '../provider-pages.ts'
import { realmPages } from '../realm-pages.ts'
import { Sources, sourcesOf } from './sources.test-support.ts'

export const APP = 'app'
export const APP_RETURN = 'https://app.example/signed-in'
export const PASSWORD = 'violet-harbor-92-quilt'

export interface PagesRealm {
  readonly tenant: TenantId
  readonly issuer: string
  readonly sources: Sources
  context(): Promise<RealmContext>
  settings(settings: RealmSettingsInput): Promise<void>
  /** Makes a user that signs in with this name and `PASSWORD`. */
  user(name: string, account?: AccountChange): Promise<Subject>
  /** A first password, which its user must replace. */
  mustChange(subject: Subject): Promise<void>
  /** Where an application sends its users to. */
  authorize(more?: Readonly<Record<string, string>>): string
}

export interface PagesSite {
  readonly origin: string
  readonly identity: IdentitySite
  readonly parts: IdentityParts
  readonly services: SignInServices
  readonly logged: string[]
  /** Resolves with the next mail that is sent. */
  nextMail(): Promise<Mail>
  /** @param appReturn where the application also takes its users back */
  realm(name: string, settings?: RealmSettingsInput, appReturn?: string): Promise<PagesRealm>
  /** What an authenticator app shows. Each time as if half a minute had gone by: a code is good once. */
  codeOf(secret: string): string
  /** Lets time go by, for the age of sessions. */
  later(minutes: number): void
  stop(): Promise<void>
}

/** Pages of realms over HTTP, with the provider, the directory and signing in as they are served. */
export async function startPagesSite(host = 'localhost'): Promise<PagesSite> {
  const site = await startIdentitySite()
  let serve: RequestListener = (_, response) => response.writeHead(503).end()
  const server = createServer((request, response) => serve(request, response))
  const listening = await listenWith(server, { host: '127.0.0.1', port: 0 })
  const origin = `http://${host}:${new URL(listening.url).port}`
  const logged: string[] = []
  const sources = new Map<TenantId, Sources>()
  const clock = { now: Date.now() }
  const made: { parts?: IdentityParts; services?: SignInServices } = {}
  let arrived = Promise.withResolvers<Mail>()

  const mount = async (parts: IdentityParts): Promise<Mounted> => {
    const { database, directory, sealing, endAccess } = parts
    const services = await openSignIn({
      database,
      directory,
      sealing,
      endAccess: (rows, tenant, subject) => endAccess.ofSubject(rows, tenant, subject),
      mailer: {
        async send(mail) {
          arrived.resolve(mail)
          arrived = Promise.withResolvers()
        },
        async close() {},
      },
      hashCost: CHEAP,
      now: () => clock.now,
      log: (line) => logged.push(line),
    })
    Object.assign(made, { parts, services })
    const pages = realmPages({
      signIn: services.signIn,
      security: services.security,
      links: services.links,
      emailChange: services.emailChange,
      directory,
      ...sourcesOf(sources),
      apiKeys: parts.apiKeys,
      now: () => clock.now,
      log: (line) => logged.push(line),
    })
    return {
      handlers: [pages],
      pages: providerPages,
      maintain: () => services.maintain(),
      close: () => services.close(),
    }
  }
  const identity = await site.open({
    baseUrl: origin,
    mount,
    insideAllowed: true,
    log: (line) => logged.push(line),
  })
  serve = identity.app
  const { parts, services } = made as Required<typeof made>
  const { realms } = identity

  return {
    origin,
    identity: site,
    parts,
    services,
    logged,
    nextMail: () => arrived.promise,
    codeOf(secret) {
      clock.now += 31_000
      return generateSync({ secret, epoch: Math.floor(clock.now / 1000) })
    },
    later(minutes) {
      clock.now += minutes * 60_000
    },
    async realm(name, settings = {}, appReturn = APP_RETURN) {
      const tenant = parseTenantId(name)
      const own = new Sources()
      sources.set(tenant, own)
      const { issuer } = await realms.ensure(tenant, `Clinic ${name}`)
      await realms.putSettings(tenant, settings)
      await realms.putClient(tenant, parseClientId(APP), {
        roles: [],
        scopes: ['read', 'write'],
        name: 'Clinic app',
        authMethod: 'none',
        grantTypes: [
          'authorization_code',
          'refresh_token',
          'urn:ietf:params:oauth:grant-type:device_code',
        ],
        redirectUris: [...new Set([APP_RETURN, appReturn])],
        postLogoutRedirectUris: ['https://app.example/bye'],
        firstParty: false,
      })
      return {
        tenant,
        issuer,
        sources: own,
        async context() {
          const provider = await identity.providers.get(tenant)
          if (provider === undefined) throw new Error(`no realm ${tenant}`)
          return provider.context
        },
        async settings(changed) {
          await realms.putSettings(tenant, changed)
        },
        async user(userName, account = {}) {
          const subject = parseSubject(randomUUID())
          await realms.putUser(tenant, subject, { roles: [], scopes: ['read', 'write'] })
          await parts.directory.changeAccount(tenant, subject, { userName, ...account })
          await services.passwords.setFirst(tenant, subject, PASSWORD)
          await site.admin.query('update identity.password set must_change = false')
          return subject
        },
        mustChange: (subject) => services.passwords.setFirst(tenant, subject, `first ${PASSWORD}`),
        authorize: (more = {}) => {
          const query = new URLSearchParams({
            client_id: APP,
            response_type: 'code',
            scope: 'openid',
            redirect_uri: appReturn,
            state: 'state-of-the-app',
            code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
            code_challenge_method: 'S256',
            ...more,
          })
          return `${issuer}/auth?${query.toString()}`
        },
      }
    },
    async stop() {
      await listening.close()
      await site.stop()
    },
  }
}
