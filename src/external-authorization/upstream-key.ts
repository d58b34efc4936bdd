import { hash } from 'node:crypto'
import type { UpstreamConfig } from '../contracts/upstream.ts'

const known = new WeakMap<UpstreamConfig, string>()

/**
 * By which a proxy knows where a request goes. It holds what the servers are: a proxy whose
 * configuration is older than the one that decided does not know the key, and passes nothing on.
 */
export function upstreamKey(config: UpstreamConfig): string {
  let key = known.get(config)
  if (key === undefined) {
    const { name, servers, protocol } = config
    const said = servers.map(({ url, weight = 1 }) => [url, weight])
    const digest = hash('sha256', JSON.stringify([protocol ?? 'http/1.1', said]), 'hex')
    key = `${name}-${digest.slice(0, 16)}`
    known.set(config, key)
  }
  return key
}
