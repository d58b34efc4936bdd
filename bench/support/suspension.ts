import { Agent } from 'node:http'
import type pg from 'pg'
import { z } from 'zod'
import { parseTenantId, type TenantId } from '../../src/core/tenant.ts'
import type { BenchContext, Row } from '../bench.ts'
import { contextOf, exchange } from './exchange.ts'
import type { Forked } from './forked.ts'
import type { GatewayWork } from './gateway-process.ts'
import { bearer, statusOf } from './get.ts'
import { keepTrying, newWatch, queryOn, type Watch } from './last-answers.ts'
import { live, onboard, tokenOf } from './lifecycle.ts'
import type { BenchPlatform } from './platform.ts'
import { percentiles } from './statistics.ts'

const GATEWAYS = 2
const AIM_MS = 1_000
/** How long everything works before the call, and is watched after its end. Milliseconds. */
const WATCHED_MS = 50

const answerSchema = z.object({
  data: z.object({
    host: z.string(),
    port: z.number(),
    database: z.string(),
    user: z.string(),
    password: z.string(),
  }),
})

/** Milliseconds from the call to each of these. */
interface Times {
  readonly gateways: number
  readonly vending: number
  readonly session: number
  readonly workflow: number
  readonly resumed: number
}

/**
 * From the call that suspends a tenant to the last request that anybody still served: gateways in
 * processes of their own, vending, and the engine on a session that was open. Then it is resumed.
 */
export async function suspensions(
  platform: BenchPlatform,
  forked: Forked,
  count: number,
  { say }: BenchContext,
): Promise<readonly Row[]> {
  const agent = new Agent({ keepAlive: true })
  try {
    const contextKey = platform.contextKey.privateJwk
    const begin = (work: GatewayWork) => forked.start<GatewayWork, string>('gateway-process', work)
    const gateways: string[] = []
    for (let n = 0; n < GATEWAYS; n += 1) {
      const following = platform.following(`gateway-${n}`)
      gateways.push(await begin({ kind: 'following', contextKey, following }))
    }
    const times: Times[] = []
    for (let n = 0; n < count; n += 1) {
      if (n % 10 === 0) say(`suspension ${n + 1} of ${count}`)
      times.push(await suspended(platform, gateways, agent, `away-${n}`))
    }
    return rowsOf(times)
  } finally {
    agent.destroy()
  }
}

async function suspended(
  platform: BenchPlatform,
  gateways: readonly string[],
  agent: Agent,
  id: string,
): Promise<Times> {
  const tenant = parseTenantId(id)
  await onboard(platform, id)
  const token = await tokenOf(platform, tenant)
  const watches = { vending: newWatch(), session: newWatch(), gateways: gateways.map(newWatch) }
  const asking = await queryOn(await credentialOf(platform, tenant), watches.session)
  const passes = (url: string) => async () =>
    (await statusOf(agent, `${url}/t/${id}/visits`, bearer(token))) === 200
  const working = [
    keepTrying(vends(platform, tenant), watches.vending),
    ...gateways.map((url, index) => keepTrying(passes(url), watches.gateways[index] ?? newWatch())),
  ]
  const all = [watches.vending, watches.session, ...watches.gateways]
  while (all.some(({ lastSuccess }) => lastSuccess === 0)) await pause(1)
  await pause(WATCHED_MS)
  const began = performance.now()
  const { milliseconds } = await live(platform, `/v1/tenants/${id}/suspension`, { why: 'measured' })
  await pause(WATCHED_MS)
  for (const watch of all) watch.over = true
  await Promise.all([asking(), ...working])
  const since = (watch: Watch) => Math.max(0, watch.lastSuccess - began)
  return {
    gateways: Math.max(...watches.gateways.map(since)),
    vending: since(watches.vending),
    session: since(watches.session),
    workflow: milliseconds,
    resumed: await resumed(platform, id, gateways.map(passes)),
  }
}

/** Until each gateway lets it in again. */
async function resumed(
  platform: BenchPlatform,
  id: string,
  passes: readonly (() => Promise<boolean>)[],
): Promise<number> {
  const began = performance.now()
  await live(platform, `/v1/tenants/${id}/resumption`)
  for (const pass of passes) while (!(await pass())) await pause(1)
  return performance.now() - began
}

async function credentialOf(platform: BenchPlatform, tenant: TenantId): Promise<pg.ClientConfig> {
  const ask = await exchange(platform.vending, tenant, platform.asker)
  return answerSchema.parse(JSON.parse(await ask())).data
}

/** Whether vending gives a lease, for a context that is still good. */
function vends(platform: BenchPlatform, tenant: TenantId): () => Promise<boolean> {
  const signed = contextOf(platform.asker, tenant)
  return async () => {
    const ask = await exchange(platform.vending, tenant, platform.asker, await signed)
    await ask()
    return true
  }
}

function rowsOf(times: readonly Times[]): readonly Row[] {
  const row = (what: string, of: (one: Times) => number) => ({
    what,
    unit: 'ms',
    ...percentiles(times.map(of)),
  })
  const last = row('suspension: until the last of all these', (one) =>
    Math.max(one.gateways, one.vending, one.session),
  )
  return [
    row(
      `suspension: until the last request that one of ${GATEWAYS} gateways let in`,
      (one) => one.gateways,
    ),
    row('suspension: until the last lease that vending gave', (one) => one.vending),
    row('suspension: until the last answer on an open session', (one) => one.session),
    { ...last, aim: { text: `p99 <= ${AIM_MS} ms`, met: last.p99 <= AIM_MS } },
    row('suspension: until its workflow ended', (one) => one.workflow),
    row('resumption: until every gateway let it in', (one) => one.resumed),
  ]
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
