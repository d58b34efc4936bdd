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
import { type NginxFront, type NginxFrontOptions, openNginxFront } from './nginx-front.ts'

export interface NginxSite {
  readonly front: NginxFront
  readonly source: ChangingSource
  readonly revocations: MemoryRevocations
  readonly service: Awaited<ReturnType<typeof upstream>>
  readonly lines: string[]
  readonly ask: (what: Asked) => Promise<Heard>
  readonly raw: (text: string) => Promise<string>
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
}

/** nginx and the authorizer before one service, with tenants that are called by path and by host. */
export async function openNginxSite(
  t: TestContext,
  options: NginxFrontOptions = {},
): Promise<NginxSite> {
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
  const front = await openNginxFront(
    {
      source,
      revocations,
      contextKey,
      hosts: ['api.example'],
      log: (line) => lines.push(line),
      listen: { host: '127.0.0.1', port: 0 },
      admin: { host: '127.0.0.1', port: 0 },
    },
    options,
  )
  t.after(() => front.close())
  const address = { host: '127.0.0.1', port: front.nginx.port }
  const wire = new Wire()
  return {
    front,
    source,
    revocations,
    service,
    lines,
    ask({ method = 'GET', target, host = 'api.example', token, headers = [], body, from }) {
      const caller: Address & { readonly localAddress?: string } =
        from === undefined ? address : { ...address, localAddress: from }
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
