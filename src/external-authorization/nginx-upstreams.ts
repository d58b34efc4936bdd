import { RingfenceError } from '../core/errors.ts'
import { parseUpstreamName } from '../core/names.ts'
import type { UpstreamConfig } from '../contracts/upstream.ts'
import type { PlatformConfig } from '../snapshot/snapshot.ts'
import { upstreamKey } from './upstream-key.ts'

/** An upstream as nginx knows it. */
export interface NginxUpstream {
  readonly key: string
  /** Of nginx's group of servers. */
  readonly group: string
  /** With its path, without a slash at its end: `http://ringfence_1/base`. */
  readonly origin: string
  /** What the servers are called by. */
  readonly host: string
  /** `10.0.0.1:8080 weight=2`. */
  readonly servers: readonly string[]
}

/** What may stand in a word of nginx's, and in a URL: what else there is has no place in either. */
const PLAIN = /^[\w\-.~:/[\]%]*$/

/**
 * The platform's upstreams that nginx can serve: its checks let nobody through to any other.
 * @throws RingfenceError `invalid_manifest` for a URL that would end a directive
 */
export function nginxUpstreams({
  services,
  upstreams = [],
}: Pick<PlatformConfig, 'services' | 'upstreams'>): readonly NginxUpstream[] {
  const named = new Set(upstreams.map(({ name }) => String(name)))
  const ofServices = services
    .filter(({ name }) => !named.has(name))
    .map(({ name, upstream }): UpstreamConfig => {
      return { name: parseUpstreamName(name), servers: [{ url: upstream }] }
    })
  return [...upstreams, ...ofServices].flatMap((config, index) => upstreamOf(config, index) ?? [])
}

function upstreamOf(config: UpstreamConfig, index: number): NginxUpstream | undefined {
  const { protocol = 'http/1.1', shard, servers } = config
  const urls = servers.map(({ url }) => new URL(url))
  const [first] = urls
  const isChosen = shard !== undefined || servers.some(({ cell }) => cell !== undefined)
  // One group has one scheme and one path.
  const isOne = urls.every((url) => first !== undefined && sameFor(url) === sameFor(first))
  if (first === undefined || protocol !== 'http/1.1' || isChosen || !isOne) return undefined
  if (!urls.every(({ host, pathname }) => PLAIN.test(host) && PLAIN.test(pathname))) {
    throw new RingfenceError('invalid_manifest', `nginx cannot be told the URL of ${config.name}`)
  }
  const group = `ringfence_${index + 1}`
  return {
    key: upstreamKey(config),
    group,
    origin: `${first.protocol}//${group}${first.pathname.replace(/\/$/, '')}`,
    host: first.host,
    servers: urls.map(({ hostname, port, protocol: scheme }, at) => {
      const weight = servers[at]?.weight ?? 1
      const place = `${hostname}:${port === '' ? (scheme === 'https:' ? 443 : 80) : port}`
      return `${place} ${weight === 0 ? 'down' : `weight=${weight}`}`
    }),
  }
}

const sameFor = ({ protocol, pathname, search }: URL) => protocol + pathname + search
