import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SnapshotState } from '../src/snapshot/state.ts'
import { SigningKey } from '../src/tokens/signing-key.ts'
import { startNginx } from '../test/engines/nginx-server.ts'
import type { Bench, BenchContext, Row } from './bench.ts'
import { thereAndBack } from './support/alternate.ts'
import { type AskLoad, askLoad } from './support/ask-load.ts'
import { type Limit, recordFor, requestsFor } from './support/authorization-record.ts'
import type { AuthorizerWork } from './support/authorizer-process.ts'
import { distributionProxies } from './support/distribution-proxies.ts'
import { Forked } from './support/forked.ts'
import type { ProxyWork } from './support/proxy-process.ts'
import { median, quantile, ratios } from './support/statistics.ts'

const REFERENCE = 'nginx'
const REMEMBERED = 'nginx, decisions remembered for their second'
const BINARY = '/usr/sbin/nginx'
/** A file system in memory, where there is one. */
const MEMORY = '/dev/shm'
const SECRET = 'a-secret-of-the-bench-0123456789ab'

interface Contender {
  readonly name: string
  readonly url: string
}

export const bench: Bench = {
  title: 'nginx that asks the gateway about each request, beside nginx, HAProxy and the gateway',
  async run(context) {
    const forked = new Forked()
    const stopping: (() => void | Promise<void>)[] = []
    try {
      const realmKey = await SigningKey.create('ES256')
      const { answer: upstream } = await forked.begin<ProxyWork, string>('proxy-process', {
        kind: 'service',
        upstream: '',
      })
      const contenders: Contender[] = []
      for (const one of await distributionProxies(upstream, context.directory)) {
        stopping.push(() => void one.process.kill())
        contenders.push(one)
      }
      const open = async (limits: Limit, cached: boolean) => {
        const one = await openOurs(forked, context, { upstream, realmKey, limits, cached })
        stopping.push(() => one.stop())
        return one
      }
      const asking = await open('limits', false)
      contenders.push({ name: 'nginx, asks each time', url: asking.nginx })
      const remembering = await open('plan', true)
      contenders.push({ name: REMEMBERED, url: remembering.nginx })
      contenders.push({ name: 'ringfence, all checks', url: asking.url })
      const { child: load } = await forked.begin<'begin', 'ready'>('load-process', 'begin')
      return await measure(context, contenders, askLoad(load, await requestsFor(realmKey)))
    } finally {
      for (const stop of stopping) await stop()
      forked.stop()
    }
  },
}

interface Ours {
  readonly upstream: string
  readonly realmKey: SigningKey
  readonly limits: Limit
  readonly cached: boolean
}

async function openOurs(
  forked: Forked,
  { directory }: BenchContext,
  { upstream, realmKey, limits, cached }: Ours,
): Promise<{ readonly url: string; readonly nginx: string; stop(): Promise<void> }> {
  const home = join(directory, cached ? 'remembering' : 'asking')
  // As the documentation asks for it: in memory.
  const memory = existsSync(MEMORY) ? await mkdtemp(join(MEMORY, 'rf-decisions-')) : directory
  const socket = `${home}.socket`
  const record = recordFor(upstream, realmKey, { limits })
  const contextKey = (await SigningKey.create('ES256')).privateJwk
  const work: AuthorizerWork = { contextKey, record, socket, secret: SECRET }
  const { answer: url } = await forked.begin<AuthorizerWork, string>('authorizer-process', work)
  const nginx = await startNginx({
    binary: BINARY,
    directory: home,
    configuration: SnapshotState.first(record, '').view(),
    secret: SECRET,
    settings: { authorizer: { socket }, ...(cached ? { cache: join(memory, 'decisions') } : {}) },
  })
  return {
    url,
    nginx: `http://127.0.0.1:${nginx.port}`,
    async stop() {
      await nginx.stop()
      if (memory !== directory) await rm(memory, { recursive: true, force: true })
    },
  }
}

async function measure(
  { quick, say }: BenchContext,
  contenders: readonly Contender[],
  ask: AskLoad,
): Promise<readonly Row[]> {
  const rounds = quick ? 2 : 7
  const ms = quick ? 500 : 3_000
  for (const { url } of contenders) await ask(url, quick ? 1_000 : 2_000)
  const rates = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    say(`saturated, round ${round + 1} of ${rounds}`)
    for (const { name, url } of thereAndBack(contenders, round)) {
      const { answers, seconds } = await ask(url, ms)
      rates.get(name)?.push(answers / seconds)
    }
  }
  const rows = contenders.map(({ name }): Row => {
    const seen = rates.get(name) ?? []
    const compared = ratios(seen, rates.get(REFERENCE) ?? [])
    return {
      what: `${name}: saturated`,
      unit: 'requests/s',
      n: seen.length,
      p50: median(seen),
      ...compared,
      reference: REFERENCE,
      ...(name === REMEMBERED ? { aim: { text: '>= 0.70x', met: compared.ratio >= 0.7 } } : {}),
    }
  })
  // The same for all: half of what the slowest can do.
  const perSecond = Math.round(Math.min(...[...rates.values()].map(median)) / 2)
  say(`fixed rate: ${perSecond} requests a second`)
  const latencies = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, url } of thereAndBack(contenders, round)) {
      latencies.get(name)?.push(...(await ask(url, ms, perSecond)).latencies)
    }
  }
  for (const { name } of contenders) {
    const sorted = Float64Array.from(latencies.get(name) ?? []).sort()
    rows.push({
      what: `${name}: ${perSecond} requests/s`,
      unit: 'ms',
      n: sorted.length,
      p50: quantile(sorted, 0.5),
      p95: quantile(sorted, 0.95),
      p99: quantile(sorted, 0.99),
      p999: quantile(sorted, 0.999),
    })
  }
  return rows
}
