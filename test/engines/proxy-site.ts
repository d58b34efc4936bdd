import type { TestContext } from 'node:test'
import { parsePlanName, parseServiceName } from '../../src/core/names.ts'
import {
  AUDIENCE,
  ChangingSource,
  contextKey,
  tenantConfig,
} from '../../src/gateway/door.test-support.ts'
import { upstream } from '../../src/gateway/upstream.test-support.ts'
import { MemoryRevocations } from '../../src/revocation/memory-revocations.test-support.ts'
import { type Address, type Heard, Wire } from '../../src/strikes/wire.ts'
import type { Gateway } from '../../src/gateway/gateway.ts'
import type { OpenGatewayOptions } from '../../src/gateway/open-gateway.ts'

/** Another proxy in the place of a gateway, which decides behind it. */
export interface ProxyFront {
  readonly url: string
  readonly port: number
  /** Of the gateway behind it. */
  readonly decide: Gateway['decide']
  /** Takes the authorizer away. */
  closeAuthorizer(): Promise<void>
  /** The proxy begins its logs anew, as after rotation. */
  reopenLogs(): void
  close(): Promise<void>
}

export type OpenFront<Front extends ProxyFront> = (options: OpenGatewayOptions) => Promise<Front>

export interface ProxySite<Front extends ProxyFront = ProxyFront> {
  readonly front: Front
  readonly source: ChangingSource
  readonly revocations: MemoryRevocations
  readonly service: Awaited<ReturnType<typeof upstream>>
  readonly lines: string[]
  readonly ask: (what: Asked) => Promise<Heard>
  readonly raw: (text: string) => Promise<string>
  readonly address: { readonly host: string; readonly port: number }
  readonly wire: Wire
}

export interface Asked {
  readonly method?: string
  readonly target: string
  readonly host?: string
  readonly token?: string
  readonly headers?: readonly (readonly [string, string])[]
  readonly body?: string
  /** An address of this machine. */
  readonly from?: string
  /** Over TLS, with this name in the handshake, or none when it is empty. */
  readonly serverName?: string
}

/** A proxy and its authorizer before one service, with tenants that are called by path and by host. */
export async function openProxySite<Front extends ProxyFront>(
  t: TestContext,
  openFront: OpenFront<Front>,
): Promise<ProxySite<Front>> {
  const service = await upstream(t)
  const name = parsePlanName('standard')
  const plan = { name, requestsPerMinute: 100_000, leasesPerMinute: 100, leaseSecondsMax: 900 }
  const source = new ChangingSource(
    {
      audience: AUDIENCE,
      contextKeys: [],
      jobKeys: [],
      services: [
        { name: parseServiceName('clinic'), upstream: `${service.url}/base`, prefix: '/clinic' },
      ],
      workloads: [],
      plans: [plan],
    },
    [tenantConfig('acme'), tenantConfig('globex')],
  )
  const lines: string[] = []
  const revocations = new MemoryRevocations()
  const front = await openFront({
    source,
    revocations,
    contextKey,
    hosts: ['api.example'],
    log: (line) => lines.push(line),
    listen: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
  })
  t.after(() => front.close())
  const address = { host: '127.0.0.1', port: front.port }
  const wire = new Wire()
  return {
    front,
    source,
    revocations,
    service,
    lines,
    address,
    wire,
    ask(asked) {
      const { method = 'GET', target, host = 'api.example', token } = asked
      const { headers = [], body, from, serverName } = asked
      const caller: Address & { readonly localAddress?: string } = {
        ...address,
        ...(from === undefined ? {} : { localAddress: from }),
        ...(serverName === undefined ? {} : { tls: named(serverName) }),
      }
      return wire.ask(caller, {
        method,
        target,
        headers: [
          ['Host', host],
          ...(token === undefined ? [] : [['Authorization', `Bearer ${token}`] as const]),
          ...headers,
        ],
        ...(body === undefined ? {} : { body }),
      })
    },
    raw: (text) => wire.raw(address, text, 2_000),
  }
}

const named = (serverName: string) => (serverName === '' ? {} : { serverName })
