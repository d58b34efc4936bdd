import { Agent } from 'node:http'
import { parseServiceName } from '../src/core/names.ts'
import { parseTenantId } from '../src/core/tenant.ts'
import { Ringfence } from '../src/sdk/ringfence.ts'
import { CONTEXT_HEADER } from '../src/tokens/tenant-context.ts'
import type { Bench, BenchContext, Row } from './bench.ts'
import { alternate, closedLoop, type Round } from './support/alternate.ts'
import { idOf, plantRows } from './support/arena.ts'
import { contextOf } from './support/exchange.ts'
import { Forked } from './support/forked.ts'
import type { GatewayWork } from './support/gateway-process.ts'
import { bearer, get } from './support/get.ts'
import { inTurn } from './support/in-turn.ts'
import { onboard, tokenOf } from './support/lifecycle.ts'
import { pairedRows } from './support/paired-rows.ts'
import { plainLogin } from './support/plain-login.ts'
import { type BenchPlatform, openPlatform, SERVICE } from './support/platform.ts'
import type { ServiceWork } from './support/service-process.ts'
import { percentiles } from './support/statistics.ts'
import { VISIT } from './support/visit.ts'

const TENANTS = 8
const ROWS = 200
const TRIVIAL = parseServiceName('trivial')

interface Sizes {
  readonly rounds: number
  readonly ms: number
}

/** Where each server listens. */
interface Urls {
  readonly plain: string
  readonly sdk: string
  readonly gateway: string
}

/** What its clients know of a tenant. */
interface Caller {
  readonly id: string
  readonly token: string
  /** For the service itself and the SDK; good for a minute, so it is made anew for each round. */
  readonly context: string
}

export const bench: Bench = {
  title: 'a request through gateway, service, lease and query against the service without them',
  async run(context) {
    const forked = new Forked()
    let sdk = ''
    const upstream = await forked.start<GatewayWork, string>('gateway-process', {
      kind: 'upstream',
    })
    try {
      const platform = await openPlatform({
        directory: context.directory,
        services: async (options) => {
          const work: ServiceWork = { kind: 'sdk', options }
          sdk = await forked.start('service-process', work)
          return [
            { name: SERVICE, upstream: sdk, prefix: '/' },
            { name: TRIVIAL, upstream, prefix: '/trivial' },
          ]
        },
      })
      try {
        return await measure(platform, forked, sdk, context)
      } finally {
        await platform.close()
      }
    } finally {
      forked.stop()
    }
  },
}

async function measure(
  platform: BenchPlatform,
  forked: Forked,
  sdk: string,
  context: BenchContext,
): Promise<readonly Row[]> {
  const keys = await tenants(platform)
  const urls: Urls = {
    sdk,
    plain: await forked.start<ServiceWork, string>('service-process', {
      ...{ kind: 'plain', keys },
      login: await plainLogin(platform.arena),
    }),
    gateway: await forked.start<GatewayWork, string>('gateway-process', {
      kind: 'following',
      contextKey: platform.contextKey.privateJwk,
      following: platform.following('gateway'),
    }),
  }
  const sizes = context.quick ? { rounds: 2, ms: 200 } : { rounds: 10, ms: 1_500 }
  const tokens = new Map<string, string>()
  for (const id of Object.keys(keys)) tokens.set(id, await tokenOf(platform, id))
  const callers = () =>
    Promise.all(
      [...tokens].map(async ([id, token]): Promise<Caller> => {
        return { id, token, context: await contextOf(platform.asker, parseTenantId(id)) }
      }),
    )
  const ringfence = new Ringfence(platform.service)
  const agent = new Agent({ keepAlive: true })
  try {
    const rows: Row[] = []
    for (const clients of [1, 8]) {
      context.say(`${clients} clients`)
      rows.push(...(await whole(urls, agent, callers, clients, sizes)))
    }
    return [...rows, ...(await parts(ringfence, callers, sizes))]
  } finally {
    agent.destroy()
    await ringfence.close()
  }
}

/** Names of tenants with rows, and what stands for each in the tenant column. */
async function tenants(platform: BenchPlatform): Promise<Readonly<Record<string, string>>> {
  const keys: Record<string, string> = {}
  for (let n = 0; n < TENANTS; n += 1) {
    const id = `tenant-${n}`
    await onboard(platform, id)
    const place = await platform.arena.boundary.find(parseTenantId(id))
    if (place === undefined) throw new RangeError('the tenant is nowhere')
    keys[id] = place.key
    await plantRows(platform.arena, [place.key], ROWS)
  }
  return keys
}

/** Round by round in turn, each client asking for one tenant after the other. */
async function whole(
  urls: Urls,
  agent: Agent,
  callers: () => Promise<readonly Caller[]>,
  clients: number,
  { rounds, ms }: Sizes,
): Promise<readonly Row[]> {
  const loop =
    (ask: (caller: Caller, path: string) => Promise<void>): Round =>
    async () => {
      const next = inTurn(await callers())
      let row = 0
      const one = () => {
        row = (row % ROWS) + 1
        return ask(next(), `visits?id=${idOf(row)}`)
      }
      return closedLoop(
        Array.from({ length: clients }, () => one),
        ms,
      )
    }
  const variants = {
    plain: loop(({ id }, path) => get(agent, `${urls.plain}/t/${id}/${path}`)),
    sdk: loop(({ context }, path) =>
      get(agent, `${urls.sdk}/${path}`, { [CONTEXT_HEADER]: context }),
    ),
    trivial: loop(({ id, token }) => get(agent, `${urls.gateway}/t/${id}/trivial`, bearer(token))),
    whole: loop(({ id, token }, path) =>
      get(agent, `${urls.gateway}/t/${id}/${path}`, bearer(token)),
    ),
  }
  // Leases, sessions, statements and verified tokens are there when it counts.
  await alternate(1, variants)
  const results = await alternate(rounds, variants)
  const label = (what: string) => `${what}, ${clients} client${clients === 1 ? '' : 's'}`
  const labels = (what: string) => ({
    reference: label('plain service: a pg pool of one login, explicit WHERE'),
    measured: label(what),
    unit: 'us',
  })
  return [
    ...pairedRows(labels('gateway, service, lease and query'), results.plain, results.whole),
    ...pairedRows(labels('part: the service on the SDK'), results.plain, results.sdk).slice(1),
    ...pairedRows(
      labels('part: the gateway over a trivial upstream'),
      results.plain,
      results.trivial,
    ).slice(1),
  ]
}

/** What the service does inside, without HTTP around it. */
async function parts(
  ringfence: Ringfence,
  callers: () => Promise<readonly Caller[]>,
  { rounds, ms }: Sizes,
): Promise<readonly Row[]> {
  const verify: Round = async () => {
    const next = inTurn(await callers())
    return closedLoop([() => ringfence.verify(next().context)], ms)
  }
  const cached: Round = async () => {
    const known = await Promise.all((await callers()).map((one) => ringfence.verify(one.context)))
    const next = inTurn(known)
    const query = { ...VISIT, values: [idOf(1)] }
    return closedLoop([() => ringfence.withTenant(next(), (db) => db.query(query))], ms)
  }
  await alternate(1, { verify, cached })
  const results = await alternate(rounds, { verify, cached })
  const row = (what: string, times: readonly (readonly number[])[]): Row => ({
    what,
    unit: 'us',
    ...percentiles(times.flat()),
  })
  return [
    row('part: the SDK verifies a context', results.verify),
    row('part: withTenant with its lease and session in hand, query included', results.cached),
  ]
}
