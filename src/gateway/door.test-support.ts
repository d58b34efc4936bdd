import { request as httpRequest } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { TestContext } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import { type FrontOptions, openFront } from '../edge/front.ts'
import {
  parseApiName,
  parseContractName,
  parsePlanName,
  parseServiceName,
  parseUpstreamName,
} from '../core/names.ts'
import { parseCellName, parseRegion, parseTenantId, type TenantId } from '../core/tenant.ts'
import { MemoryRevocations } from '../revocation/memory-revocations.test-support.ts'
import type {
  Configuration,
  ConfigurationSource,
  PlatformConfig,
  TenantConfig,
} from '../snapshot/snapshot.ts'
import { forge } from '../tokens/forge.test-support.ts'
import { type PublicJwk, SigningKey } from '../tokens/signing-key.ts'
import { gateway, type GatewayOptions } from './gateway.ts'
import { type Upstream, upstream } from './upstream.test-support.ts'

export const AUDIENCE = 'https://api.example'
export const contextKey = await SigningKey.create('ES256')
const shared = await SigningKey.create('ES256')
/** initech and acme were given one key: nothing but the issuer tells their tokens apart. */
export const realmKeys: Readonly<Record<string, SigningKey>> = {
  acme: shared,
  initech: shared,
  globex: await SigningKey.create('ES256'),
  hooli: await SigningKey.create('ES256'),
  pied: await SigningKey.create('ES256'),
  reader: await SigningKey.create('ES256'),
  small: await SigningKey.create('ES256'),
}
export const stranger = await SigningKey.create('ES256')

export function keyOf(tenant: string): SigningKey {
  const key = realmKeys[tenant]
  if (key === undefined) throw new RangeError(tenant)
  return key
}

export function tenantConfig(name: string, change: Partial<TenantConfig> = {}): TenantConfig {
  const jwk = { ...keyOf(name).publicJwk, kty: 'EC', d: undefined }
  return {
    id: parseTenantId(name),
    status: 'active',
    tier: 'pooled',
    region: parseRegion('eu-west'),
    cell: parseCellName('eu-west-1'),
    plan: parsePlanName('standard'),
    issuer: `https://id.example/realms/${name}`,
    keys: [JSON.parse(JSON.stringify(jwk)) as TenantConfig['keys'][number]],
    hosts: [`${name}.example`],
    ...change,
  }
}

/** A configuration that a test changes as the control plane would. */
export class ChangingSource implements ConfigurationSource {
  stale = false
  readonly #tenants = new Map<TenantId, TenantConfig>()
  readonly #listeners: ((changed: readonly TenantId[], now: Configuration) => void)[] = []
  #platform: PlatformConfig
  #version = 1

  constructor(platform: PlatformConfig, tenants: readonly TenantConfig[]) {
    this.#platform = platform
    for (const tenant of tenants) this.#tenants.set(tenant.id, tenant)
  }

  change(name: string, change: Partial<TenantConfig>): void {
    const tenant = tenantConfig(name, change)
    this.#version += 1
    this.#tenants.set(tenant.id, tenant)
    for (const listener of this.#listeners) listener([tenant.id], this.current())
  }

  platform(change: Partial<PlatformConfig>): void {
    this.#platform = { ...this.#platform, ...change }
    this.#version += 1
  }

  trust(key: PublicJwk): void {
    const jwk = JSON.parse(JSON.stringify(key)) as PlatformConfig['contextKeys'][number]
    this.#platform = { ...this.#platform, contextKeys: [jwk] }
  }

  current(): Configuration {
    if (this.stale)
      throw new RingfenceError('snapshot_stale', 'there is none that is recent enough')
    const tenants = this.#tenants
    return {
      version: this.#version,
      confirmedAt: new Date(),
      platform: this.#platform,
      tenant: (id) => tenants.get(id),
      tenantOfHost: (host) => [...tenants.values()].find(({ hosts }) => hosts.includes(host)),
      tenants: () => tenants.values(),
    }
  }

  onChange(listener: (changed: readonly TenantId[], now: Configuration) => void): void {
    this.#listeners.push(listener)
  }
}

export interface Door {
  readonly port: number
  readonly source: ChangingSource
  readonly revocations: MemoryRevocations
  readonly upstream: Upstream
  readonly billing: Upstream
  readonly lines: string[]
  ask(what: Ask): Promise<Reply>
  /** Opens a listener before the gateway, as it stands on a network. Returns its port. */
  front(options: Partial<FrontOptions>): Promise<number>
  /** Sends bytes as they are and gives what comes back until the connection ends. */
  raw(text: string | Uint8Array): Promise<string>
}

export interface Ask {
  readonly method?: string
  readonly path: string
  readonly host?: string
  readonly token?: string
  /** As Node's `rawHeaders`: repeated ones are sent apart. */
  readonly headers?: readonly string[]
  readonly body?: string
  readonly signal?: AbortSignal
}

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

const plan = (name: string, requestsPerMinute: number) => ({
  name: parsePlanName(name),
  requestsPerMinute,
  leasesPerMinute: 100,
  leaseSecondsMax: 900,
})

const readOnly: TenantConfig['contract'] = {
  name: parseContractName('reads'),
  apis: [
    {
      name: parseApiName('clinic'),
      prefix: '/clinic',
      upstream: { of: 'platform', name: parseUpstreamName('clinic') },
      methods: ['GET', 'HEAD'],
    },
  ],
}

/** A gateway before two services, and seven tenants of every kind. */
export async function openDoor(
  t: TestContext,
  options: Partial<GatewayOptions> = {},
): Promise<Door> {
  const main = await upstream(t)
  const billing = await upstream(t)
  const source = new ChangingSource(
    {
      audience: AUDIENCE,
      contextKeys: [],
      jobKeys: [],
      services: [
        { name: parseServiceName('clinic'), upstream: main.url, prefix: '/clinic' },
        {
          name: parseServiceName('billing'),
          upstream: `${billing.url}/base/`,
          prefix: '/clinic/billing',
        },
        { name: parseServiceName('away'), upstream: 'http://127.0.0.1:1', prefix: '/away' },
      ],
      workloads: [],
      plans: [plan('standard', 100_000), plan('tiny', 3)],
    },
    [
      tenantConfig('acme'),
      tenantConfig('globex'),
      tenantConfig('initech'),
      tenantConfig('hooli', { status: 'suspended' }),
      tenantConfig('pied', { status: 'paused' }),
      tenantConfig('reader', { contract: readOnly }),
      tenantConfig('small', { plan: parsePlanName('tiny') }),
    ],
  )
  const lines: string[] = []
  const revocations = new MemoryRevocations()
  const door = gateway({
    source,
    revocations,
    contextKey,
    log: (line) => lines.push(line),
    ...options,
    limits: { bodyBytesMax: 100_000, ...options.limits },
  })
  await new Promise<void>((resolve) => door.server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    door.server.closeAllConnections()
    door.server.close()
    door.close()
  })
  const { port } = door.server.address() as AddressInfo
  return {
    port,
    source,
    revocations,
    upstream: main,
    billing,
    lines,
    ask: (what) => ask(port, what),
    async front(more) {
      const front = await openFront({
        server: door.server,
        handler: door.handler,
        listen: { host: '127.0.0.1', port: 0 },
        limits: door.limits,
        farewellMs: 0,
        ...more,
      })
      t.after(() => {
        door.server.closeAllConnections()
        return front.close()
      })
      return Number(new URL(front.url).port)
    },
    raw: (text) => raw(port, text),
  }
}

function ask(port: number, what: Ask): Promise<Reply> {
  const headers = [
    'host',
    what.host ?? 'api.example',
    ...(what.token === undefined ? [] : ['authorization', `Bearer ${what.token}`]),
    ...(what.body === undefined ? [] : ['content-length', String(Buffer.byteLength(what.body))]),
    ...(what.headers ?? []),
  ]
  return new Promise((resolve, reject) => {
    const sending = httpRequest(
      {
        port,
        host: '127.0.0.1',
        method: what.method ?? 'GET',
        path: what.path,
        headers,
        agent: false,
        ...(what.signal === undefined ? {} : { signal: what.signal }),
      },
      (response) => {
        let body = ''
        response.on('data', (chunk: Buffer) => {
          body += chunk.toString()
        })
        response.on('error', reject)
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        )
      },
    )
    sending.on('error', reject)
    sending.end(what.body)
  })
}

function raw(port: number, text: string | Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk.toString()
    })
    socket.on('close', () => resolve(answer))
    // The other side may be done with us before we are: 'close' follows.
    socket.on('error', () => undefined)
  })
}

/** An access token of a tenant's realm, with whatever else one likes in it. */
export function tokenOf(
  tenant: string,
  change: Readonly<Record<string, unknown>> = {},
  key: SigningKey = keyOf(tenant),
  header: Readonly<Record<string, unknown>> = {},
): string {
  const now = Math.floor(Date.now() / 1000)
  const { kid } = keyOf(tenant).publicJwk
  return forge(
    key,
    { alg: 'ES256', typ: 'at+jwt', kid, ...header },
    {
      iss: `https://id.example/realms/${tenant}`,
      aud: AUDIENCE,
      sub: 'ann',
      client_id: 'web',
      tenant_id: tenant,
      scope: 'read write',
      roles: ['nurse'],
      iat: now,
      exp: now + 300,
      jti: crypto.randomUUID(),
      ...change,
    },
  )
}

export { until } from '../core/until.test-support.ts'
