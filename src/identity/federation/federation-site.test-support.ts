import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TenantId } from '../../core/tenant.ts'
import { type DirectorySite, startDirectorySite } from '../directory/directory-site.test-support.ts'
import type { RealmContext, RealmRequest } from '../provider/realm-context.ts'
import { realmSettingsSchema } from '../provider/realm-settings.ts'
import type { SignedInFrom } from './flow/federation-handler.ts'
import { type Federation, openFederation } from './open-federation.ts'

/** Stands for the interaction's own cookie, which is the provider's business. */
export const INTERACTION_COOKIE = 'interaction_of_this_test'

export interface FederationSite {
  readonly base: DirectorySite
  readonly federation: Federation
  /** `http://127.0.0.1:…`, and realms at `/realms/<tenant>`. */
  readonly origin: string
  readonly finished: SignedInFrom[]
  readonly logged: string[]
  /** What DNS says. A name that is not there has no records. */
  readonly dns: Map<string, readonly string[]>
  issuer(tenant: TenantId): string
  context(tenant: TenantId): RealmContext
  realm(name: string): Promise<TenantId>
  /** Makes the domain verified for the connection. */
  prove(tenant: TenantId, connection: string, domain: string): Promise<void>
  stop(): Promise<void>
}

/** Realms with federation on a server of their own, over plain http on loopback. */
export async function startFederationSite(): Promise<FederationSite> {
  const base = await startDirectorySite()
  const finished: SignedInFrom[] = []
  const logged: string[] = []
  const dns = new Map<string, readonly string[]>()
  const contexts = new Map<string, RealmContext>()
  const federation = openFederation({
    database: base.database,
    sealing: base.sealing,
    directory: base.directory,
    outbound: { allowHttp: true, allowNetworks: ['127.0.0.0/8'], timeoutMs: 5_000 },
    txtLookup: (name) => Promise.resolve(dns.get(name) ?? []),
    // Whoever has no provider has no sessions.
    endSignedInBy: () => Promise.resolve(),
    interaction: (_context, request) => Promise.resolve(interactionOf(request)),
    finished: (_context, _request, response, signedIn) => {
      finished.push(signedIn)
      response.end('finished')
      return Promise.resolve()
    },
    log: (line) => logged.push(line),
  })
  const server = createServer((request, response) => {
    const [, path = '', rest = ''] = /^(\/realms\/[a-z0-9-]+)(\/.*)$/.exec(request.url ?? '') ?? []
    const context = contexts.get(path)
    const below = Object.assign(request, {
      url: rest,
      baseUrl: path,
      address: '127.0.0.1',
      method: request.method ?? 'GET',
    })
    const answered =
      context === undefined ? Promise.resolve(false) : federation.handler(context, below, response)
    void answered.then((done) => {
      if (!done) response.writeHead(404).end('not here')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer = (tenant: TenantId) => `${origin}/realms/${tenant}`
  const context = (tenant: TenantId) => {
    const found = contexts.get(`/realms/${tenant}`)
    if (found === undefined) throw new Error('no such realm')
    return found
  }
  return {
    base,
    federation,
    origin,
    finished,
    logged,
    dns,
    issuer,
    context,
    async realm(name) {
      const tenant = await base.realm(name)
      await base.admin.query('update identity.realm set issuer = $2 where tenant = $1', [
        tenant,
        issuer(tenant),
      ])
      contexts.set(`/realms/${tenant}`, realmContext(tenant, issuer(tenant)))
      return tenant
    },
    async prove(tenant, connection, domain) {
      const { administration } = federation
      const claim = await administration.claimDomain(tenant, connection, domain)
      dns.set(claim.recordName, [...(dns.get(claim.recordName) ?? []), claim.recordValue])
      await administration.verifyDomain(tenant, connection, domain)
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await base.stop()
    },
  }
}

function realmContext(tenant: TenantId, issuer: string): RealmContext {
  return {
    tenant,
    issuer,
    displayName: `Realm ${tenant}`,
    settings: realmSettingsSchema.parse({}),
    get provider(): never {
      throw new Error('federation asks the provider only for interactions')
    },
    cookies: { path: new URL(issuer).pathname, secure: false },
    deriveKey: (purpose) => createHmac('sha256', tenant).update(purpose).digest(),
  }
}

function interactionOf(request: RealmRequest): string | undefined {
  const cookie = request.headers.cookie ?? ''
  return new RegExp(`(?:^|; )${INTERACTION_COOKIE}=([\\w-]+)`).exec(cookie)?.[1]
}
