import { join } from 'node:path'
import type { Address } from '../src/http/call.ts'
import { listen } from '../src/http/listen.ts'
import { parseClientId, parseServiceName } from '../src/core/names.ts'
import type { TenantId } from '../src/core/tenant.ts'
import { SigningKey } from '../src/tokens/signing-key.ts'
import { MemoryRevocations } from '../src/revocation/memory-revocations.test-support.ts'
import { FixedConfiguration } from '../src/vending/fixed-configuration.test-support.ts'
import { openVending } from '../src/vending/vending.ts'
import type { Bench, Row } from './bench.ts'
import { type Arena, openArena, plantTenants } from './support/arena.ts'
import { type Asker, exchange } from './support/exchange.ts'
import { median, percentiles, ratios } from './support/statistics.ts'

const AUDIENCE = 'bench-vending'
const CLIENT = parseClientId('bench')
const SERVICE = parseServiceName('bench')
const ROUNDS = 5
const REFERENCE = 'lease asked of the engine directly'

export const bench: Bench = {
  title: 'vending: exchange of a context for a lease, over its socket, journal on disk included',
  async run(context) {
    const arena = await openArena({ directory: context.directory })
    try {
      const logins = await plantTenants(arena, 't', context.quick ? 20 : 120, 1)
      const tenants = logins.map(({ tenant }) => tenant)
      const asker: Asker = {
        ...{ client: CLIENT, service: SERVICE, audience: AUDIENCE },
        contextKey: await SigningKey.create('ES256'),
        clientKey: await SigningKey.create('ES256'),
      }
      return await compare(
        arena,
        tenants,
        asker,
        () => openAt(arena, tenants, asker, context.directory),
        context.say,
      )
    } finally {
      await arena.close()
    }
  },
}

/** A vending process that has nothing in its cache. */
async function openAt(
  arena: Arena,
  tenants: readonly TenantId[],
  asker: Asker,
  directory: string,
): Promise<{ readonly address: Address; readonly close: () => Promise<void> }> {
  const vending = await openVending({
    audience: AUDIENCE,
    configuration: configurationOf(tenants, asker),
    revocations: new MemoryRevocations(),
    leaserOf: () => arena.boundary,
    journal: { directory: join(directory, 'journal') },
    log: () => {},
  })
  const listening = await listen(vending.app.fetch, { socket: join(directory, 'v.sock') })
  return {
    address: listening.url,
    async close() {
      await listening.close()
      await vending.close()
    },
  }
}

async function compare(
  arena: Arena,
  tenants: readonly TenantId[],
  asker: Asker,
  open: () => ReturnType<typeof openAt>,
  say: (line: string) => void,
): Promise<readonly Row[]> {
  const times = { direct: [] as number[][], uncached: [] as number[][], cached: [] as number[][] }
  for (let round = 0; round < ROUNDS; round += 1) {
    say(`round ${round + 1} of ${ROUNDS}`)
    // The logins are there from a round before, as they are for all but a tenant's first leases.
    times.direct.push(
      await each(
        tenants,
        async (tenant) => () =>
          arena.boundary.lease(tenant, { scope: 'read', holder: 'bench', ttlSeconds: 600 }),
      ),
    )
    for (const tenant of tenants) await arena.boundary.revoke(tenant)
    const { address, close } = await open()
    times.uncached.push(await each(tenants, (tenant) => exchange(address, tenant, asker)))
    times.cached.push(await each(tenants, (tenant) => exchange(address, tenant, asker)))
    await close()
    for (const tenant of tenants) await arena.boundary.revoke(tenant)
  }
  // The first round makes the logins.
  const [direct, uncached, cached] = [times.direct, times.uncached, times.cached].map((rounds) =>
    rounds.slice(1),
  ) as [number[][], number[][], number[][]]
  const against = (rounds: number[][]) => ({
    ...percentiles(rounds.flat()),
    ...ratios(rounds.map(median), direct.map(median)),
    reference: REFERENCE,
  })
  const opened = against(uncached)
  return [
    { what: REFERENCE, unit: 'ms', ...percentiles(direct.flat()) },
    {
      what: 'exchange that opens a lease',
      unit: 'ms',
      ...opened,
      aim: { text: 'p99 <= 30 ms', met: opened.p99 <= 30 },
    },
    { what: 'exchange answered from the cache', unit: 'ms', ...against(cached) },
  ]
}

/** Milliseconds of each call; what it needs is made before its time begins. */
async function each(
  tenants: readonly TenantId[],
  prepare: (tenant: TenantId) => Promise<() => Promise<unknown>>,
): Promise<number[]> {
  const times: number[] = []
  for (const tenant of tenants) {
    const run = await prepare(tenant)
    const began = performance.now()
    await run()
    times.push(performance.now() - began)
  }
  return times
}

function configurationOf(tenants: readonly TenantId[], asker: Asker): FixedConfiguration {
  return new FixedConfiguration(
    {
      audience: 'https://bench.test/',
      contextKeys: [asker.contextKey.publicJwk],
      jobKeys: [],
      services: [{ name: SERVICE, upstream: 'http://127.0.0.1:1', prefix: '/' }],
      workloads: [
        { client: CLIENT, service: SERVICE, keys: [asker.clientKey.publicJwk], scopes: ['read'] },
      ],
      plans: [
        { name: 'bench', requestsPerMinute: 1e6, leasesPerMinute: 1e6, leaseSecondsMax: 600 },
      ],
    },
    tenants.map((id) => ({
      id,
      status: 'active',
      tier: 'pooled',
      region: 'bench',
      cell: 'bench',
      plan: 'bench',
      issuer: `https://id.test/realms/${id}`,
      keys: [],
      hosts: [],
    })),
  )
}
