import type { RequestListener } from 'node:http'
import type { Hono } from 'hono'
import type pg from 'pg'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { ServerTelemetry } from '../telemetry/server-telemetry.ts'
import type { ClientId } from '../core/names.ts'
import { OPERATORS_REALM } from '../core/operators-realm.ts'
import type { TenantId } from '../core/tenant.ts'
import type { RevocationList, RevocationPublisher } from '../revocation/revocation.ts'
import type { PublicJwk } from '../tokens/signing-key.ts'
import { adminApp } from './admin-app.ts'
import { forgetUses, type Grants, publishedGrants } from './delegation/grants.ts'
import type { Directory } from './directory/directory.ts'
import { PostgresDirectory } from './directory/postgres-directory.ts'
import { identityApp } from './identity-app.ts'
import { IdentityDatabase } from './identity-database.ts'
import { localRealms } from './local-realms.ts'
import { ensureOperatorsRealm } from './operators/ensure-operators-realm.ts'
import { ApiKeys } from './provider/api-keys.ts'
import type { ArtifactStore } from './provider/artifact-store.ts'
import { type Authorities, authoritiesOf } from './provider/authorities.ts'
import { EndAccess } from './provider/end-access.ts'
import { jwksHandler } from './provider/jwks-handler.ts'
import { loadRealm } from './provider/loaded-realm.ts'
import { nobodysRealm } from './provider/nobody.ts'
import { outbound } from './provider/outbound.ts'
import { plainPages } from './provider/plain-pages.ts'
import { PostgresArtifacts } from './provider/postgres-artifacts.ts'
import type { ProviderTools } from './provider/provider-tools.ts'
import { RealmChanges } from './provider/realm-changes.ts'
import { RealmClients } from './provider/realm-clients.ts'
import type { ProviderPages, RealmHandler } from './provider/realm-context.ts'
import { realmProvider } from './provider/realm-provider.ts'
import { RealmProviders } from './provider/realm-providers.ts'
import { publishedHosts, type TenantHosts } from './provider/tenant-hosts.ts'
import type { RealmAdministration } from './realm-administration.ts'
import { RealmKeys, type RealmKeysOptions } from './realm-keys.ts'
import { RealmStore } from './realm-store.ts'
import { SealingKey } from './sealing-key.ts'
import type { EndSignedInBy } from './sessions/federated-sessions.ts'
import { logoutSender } from './sessions/logout/send-logout.ts'
import { openSessions } from './sessions/open-sessions.ts'
import type { RedisSettings } from './sessions/redis/redis-settings.ts'
import type { SessionAdministration } from './sessions/session.ts'
import { UsedOnce } from './used-once.ts'
import { enteredRevocations } from './entered-revocations.ts'

const MAINTAIN_MS = 60_000

export interface IdentityOptions {
  /** The control database, as the identity plane's own role. The schema `identity` is there. */
  readonly database: pg.ClientConfig
  /** Connections to it that others use too, and close. Default: connections of its own. */
  readonly shared?: IdentityDatabase
  /** What issuers begin with, `https://id.example.com`: an origin, without a path. */
  readonly baseUrl: string
  /** The audience of access tokens: the platform's API. */
  readonly audience: string
  /**
   * The audience of access tokens of the operators' realm: the control API. The realm is made at the
   * start. Default: there is none.
   */
  readonly operatorsAudience?: string
  /** Who the administration API is, in client assertions. */
  readonly adminAudience: string
  readonly adminClients: readonly {
    readonly client: ClientId
    readonly keys: readonly PublicJwk[]
  }[]
  /** A file that only we may read, with 256 bits in base64url. */
  readonly sealingKeyFile: string
  readonly keys?: RealmKeysOptions
  /** Where revocations are entered, in the transaction of what they follow from. Default: nowhere. */
  readonly publisher?: RevocationPublisher
  /** What was revoked elsewhere. Default: what the database says of grants, keys and tokens. */
  readonly revoked?: RevocationList
  /** Where sessions and interactions are kept. Default: in the database. */
  readonly redis?: RedisSettings
  /** What is served besides the provider, made from the parts that it needs. */
  readonly mount?: (parts: IdentityParts) => Mounted | Promise<Mounted>
  /** What tenants let others do. Default: what is published beside us in the database. */
  readonly grants?: Grants
  /** Which hosts are tenants' own. Default: those that are published there. */
  readonly hosts?: TenantHosts
  /** In place of what the directory and the clients' rows say. */
  readonly authorities?: Authorities
  /** How many providers are kept made. Default 1,000. */
  readonly realmsMost?: number
  /** How many proxies of ours requests come through. Default 0. */
  readonly proxies?: number
  /** Clients may name addresses inside, and plain http: for trying things on one machine. Default false. */
  readonly insideAllowed?: boolean
  /** Counts requests by realm, and keeps spans of some. Default: nothing does. */
  readonly telemetry?: ServerTelemetry
  /** Takes one line. No secret is in it. */
  readonly log: (line: string) => void
}

/** What other parts of the identity plane are made from. */
export interface IdentityParts {
  readonly database: IdentityDatabase
  readonly sealing: SealingKey
  readonly directory: Directory
  readonly clients: RealmClients
  readonly apiKeys: ApiKeys
  readonly artifacts: PostgresArtifacts
  readonly sessions: ArtifactStore
  readonly sessionAdministration: SessionAdministration
  readonly endAccess: EndAccess
  readonly endSignedInBy: EndSignedInBy
  readonly publisher: RevocationPublisher
  readonly realms: RealmStore
  readonly keys: RealmKeys
}

export interface Mounted {
  /** In the order in which they are asked. */
  readonly handlers?: readonly RealmHandler[]
  readonly pages?: ProviderPages
  /** Adds what is administered besides realms, on the administration listener. */
  readonly admin?: (app: Hono, realms: RealmAdministration) => void
  /** Called about every minute. */
  readonly maintain?: () => Promise<void>
  readonly close?: () => Promise<void>
}

export interface Identity {
  /** For the world: the providers of realms, and what is mounted beside them. */
  readonly app: RequestListener
  /** For the control plane, on a listener of its own. */
  readonly admin: Hono
  /** The same as `admin`, in this process. */
  readonly realms: RealmAdministration
  readonly parts: IdentityParts
  readonly providers: RealmProviders
  /** Rotates keys that are due and forgets what is past; it also runs by itself, about every minute. */
  maintain(): Promise<void>
  close(): Promise<void>
}

/** @throws RingfenceError `invalid_url`, `invalid_argument` (the sealing key), `engine_unavailable` */
export async function openIdentity(options: IdentityOptions): Promise<Identity> {
  const origin = originOf(options.baseUrl)
  const sealing = await SealingKey.read(options.sealingKeyFile)
  const database = options.shared?.shared() ?? (await IdentityDatabase.open(options.database))
  try {
    return await compose(options, origin, sealing, database)
  } catch (error) {
    await database.close()
    throw error
  }
}

async function compose(
  options: IdentityOptions,
  origin: string,
  sealing: SealingKey,
  database: IdentityDatabase,
): Promise<Identity> {
  const { audience, log } = options
  const { live, ...parts } = partsOf(options, origin, sealing, database)
  const { keys, clients, apiKeys, artifacts, directory, realms: store } = parts
  const authorities = options.authorities ?? authoritiesOf(directory, clients)
  const mounted = (await options.mount?.(parts)) ?? {}
  const tools: ProviderTools = {
    ...parts,
    authorities,
    revoked: options.revoked,
    grants: options.grants ?? publishedGrants(database),
    hosts: options.hosts ?? publishedHosts(database),
    untold: (notice) => live.untold(notice),
    pages: mounted.pages ?? plainPages,
    audience,
    outbound: outbound({ insideAllowed: options.insideAllowed ?? false }),
    log,
  }
  const changes = new RealmChanges(options.database, (tenant) => {
    providers.forget(tenant)
  })
  const providers = new RealmProviders({
    load: (tenant) => loadRealm(tenant, store, keys, sealing),
    version: (tenant) => store.version(tenant),
    make: (realm) =>
      realmProvider(realm, { ...tools, audience: audienceOf(realm.tenant, options) }),
    hears: () => changes.hears,
    ...(options.realmsMost === undefined ? {} : { most: options.realmsMost }),
  })
  live.tell(logoutSender(providers))
  const realms = localRealms({ ...parts, store, authorities, providers, audience })
  if (options.operatorsAudience !== undefined) await ensureOperatorsRealm(realms)
  const used = new UsedOnce(database)
  const maintain = async () => {
    await keys.maintain()
    await used.forgetExpired()
    await artifacts.forgetExpired()
    await apiKeys.forgetExpired()
    await forgetUses(database)
    await live.maintain()
    await mounted.maintain?.()
  }
  const rounds = maintained(maintain, log)
  await changes.listen()
  const app = identityApp({
    realms: providers,
    tenantOfDomain: (domain) => store.tenantOfDomain(domain),
    nobody: realmProvider(await nobodysRealm(origin), tools),
    handlers: [jwksHandler(keys), ...(mounted.handlers ?? [])],
    host: new URL(origin).host,
    proxies: options.proxies ?? 0,
    telemetry: options.telemetry,
    log,
  })
  const { adminAudience, adminClients } = options
  return {
    app,
    admin: adminApp({
      realms,
      used,
      audience: adminAudience,
      clients: adminClients,
      mount: mounted.admin,
      log,
    }),
    realms,
    parts,
    providers,
    maintain,
    async close() {
      await rounds.end()
      await changes.close()
      await mounted.close?.()
      await live.close()
      await database.close()
    },
  }
}

/** Operators work with the control API, and with no tenant's. */
function audienceOf(tenant: TenantId, options: IdentityOptions): string {
  return tenant === OPERATORS_REALM
    ? (options.operatorsAudience ?? options.adminAudience)
    : options.audience
}

function partsOf(
  { publisher: given = nowhere, redis, keys: rotation, log }: IdentityOptions,
  origin: string,
  sealing: SealingKey,
  database: IdentityDatabase,
) {
  const publisher = enteredRevocations(given)
  const artifacts = new PostgresArtifacts(database)
  // Where revocations are published they are kept, and what detectors void is beside them.
  const followsDetectors = given !== nowhere
  const live = openSessions({
    ...{ database, artifacts, publisher, sealing, redis, log },
    followsDetectors,
  })
  const sessions = live.store
  const endAccess = new EndAccess({ database, artifacts, sessions, publisher })
  const keys = new RealmKeys(database, sealing, rotation)
  return {
    database,
    sealing,
    artifacts,
    live,
    sessions,
    sessionAdministration: live.administration(endAccess),
    endAccess,
    endSignedInBy: live.endSignedInBy,
    publisher,
    keys,
    clients: new RealmClients(database, endAccess),
    apiKeys: new ApiKeys(database, endAccess),
    realms: new RealmStore({ database, keys, sealing, endAccess, origin }),
    directory: new PostgresDirectory({
      database,
      endAccess: (rows, tenant, subject) => endAccess.ofSubject(rows, tenant, subject),
    }),
  }
}

/** Without anybody who follows, there is nobody to tell. */
const nowhere: RevocationPublisher = { publish: () => Promise.resolve() }

function maintained(maintain: () => Promise<void>, log: (line: string) => void) {
  let maintaining = Promise.resolve()
  const timer = setInterval(() => {
    maintaining = maintain().catch((error: unknown) => log(`maintenance: ${messageOf(error)}`))
  }, MAINTAIN_MS)
  timer.unref()
  return {
    end(): Promise<void> {
      clearInterval(timer)
      return maintaining
    },
  }
}

/** RFC 8414, section 2: an issuer has no query and no fragment; ours has its path from us. */
function originOf(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined
  const plain = url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`
  if (!plain) {
    throw new RingfenceError('invalid_url', 'the base URL of realms is like https://id.example.com')
  }
  return url.origin
}
