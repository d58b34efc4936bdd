import { Agent } from 'node:http'
import { SigningKey } from '../src/tokens/signing-key.ts'
import type { Bench, BenchContext, Row } from './bench.ts'
import { alternate, closedLoop } from './support/alternate.ts'
import { Forked } from './support/forked.ts'
import { frontRecord, frontTenant } from './support/front-record.ts'
import type { GatewayWork } from './support/gateway-process.ts'
import { bearer, get } from './support/get.ts'
import { pairedRows } from './support/paired-rows.ts'
import { userToken } from './support/user-token.ts'

const PATH = '/t/acme/visits'
/** Tokens that were never seen before, made ahead: enough for every request of a round. */
const FRESH_TOKENS = { quick: 2_000, full: 40_000 }

export const bench: Bench = {
  title: 'a request through the gateway against the same request to the service itself',
  async run(context) {
    const realmKey = await SigningKey.create('ES256')
    const contextKey = await SigningKey.create('ES256')
    const forked = new Forked()
    const serve = (work: GatewayWork) => forked.start<GatewayWork, string>('gateway-process', work)
    try {
      const upstream = await serve({ kind: 'upstream' })
      const record = frontRecord(upstream, [frontTenant('acme', realmKey)])
      const gateway = await serve({ kind: 'gateway', contextKey: contextKey.privateJwk, record })
      return await measure(context, realmKey, upstream, gateway)
    } finally {
      forked.stop()
    }
  },
}

async function measure(
  { quick, say }: BenchContext,
  key: SigningKey,
  upstream: string,
  gateway: string,
): Promise<readonly Row[]> {
  const tokenNow = () => userToken(key, 'acme', 'ann')
  const token = await tokenNow()
  const agent = new Agent({ keepAlive: true })
  const clients = (count: number, ask: () => Promise<void>) =>
    Array.from({ length: count }, () => ask)
  const rows: Row[] = []
  for (const count of [1, 16]) {
    say(`${count} clients`)
    const fresh: string[] = []
    for (let n = 0; n < (quick ? FRESH_TOKENS.quick : FRESH_TOKENS.full); n += 1) {
      fresh.push(await tokenNow())
    }
    const ms = quick ? 300 : 2_000
    const next = () => {
      const one = fresh.pop()
      if (one === undefined) throw new RangeError('more requests than tokens were made for')
      return one
    }
    const results = await alternate(quick ? 2 : 6, {
      direct: () =>
        closedLoop(
          clients(count, () => get(agent, `${upstream}${PATH}`)),
          ms,
        ),
      known: () =>
        closedLoop(
          clients(count, () => get(agent, `${gateway}${PATH}`, bearer(token))),
          ms,
        ),
      fresh: () =>
        closedLoop(
          clients(count, () => get(agent, `${gateway}${PATH}`, bearer(next()))),
          ms,
        ),
    })
    const label = (what: string) => `${what}, ${count} clients`
    const labels = { reference: label('the service itself'), unit: 'us' }
    const known = { ...labels, measured: label('through the gateway, token seen before') }
    const unknown = { ...labels, measured: label('through the gateway, token new') }
    rows.push(...pairedRows(known, results.direct, results.known))
    rows.push(...pairedRows(unknown, results.direct, results.fresh).slice(1))
  }
  agent.destroy()
  return rows
}
