import { isIP } from 'node:net'
import { RingfenceError } from '../core/errors.ts'
import { parseUpstreamName } from '../core/names.ts'
import type { UpstreamConfig } from '../contracts/upstream.ts'
import type { PlatformConfig } from '../snapshot/snapshot.ts'
import { type ServerGroup, serverGroups } from './server-groups.ts'

/** Servers that a proxy sends requests to, under the name by which a decision knows them. */
export interface ProxyUpstream {
  readonly key: string
  readonly scheme: 'http' | 'https'
  /** What the servers are called by, with a port where it is not the usual one. */
  readonly host: string
  /** Of their URL, without a slash at its end: `/base`, or empty. */
  readonly base: string
  readonly servers: readonly {
    /** IPv6 in brackets. */
    readonly host: string
    readonly isAddress: boolean
    readonly port: number
    /** 0: taken out. */
    readonly weight: number
  }[]
}

/** What may stand in a word of nginx's, and in a URL: what else there is has no place in either. */
const PLAIN = /^[\w\-.~:/[\]%]*$/

/**
 * The platform's upstreams that another proxy can serve: its checks let nobody through to any other.
 * @throws RingfenceError `invalid_manifest` for a URL that no proxy can be told
 */
export function proxyUpstreams({
  services,
  upstreams = [],
}: Pick<PlatformConfig, 'services' | 'upstreams'>): readonly ProxyUpstream[] {
  const named = new Set(upstreams.map(({ name }) => String(name)))
  const ofServices = services
    .filter(({ name }) => !named.has(name))
    .map(({ name, upstream }): UpstreamConfig => {
      return { name: parseUpstreamName(name), servers: [{ url: upstream }] }
    })
  return [...upstreams, ...ofServices]
    .filter(({ protocol = 'http/1.1', shard }) => protocol === 'http/1.1' && shard === undefined)
    .flatMap((config) => serverGroups(config).flatMap((group) => upstreamOf(config, group) ?? []))
}

function upstreamOf(
  { name }: UpstreamConfig,
  { key, servers }: ServerGroup,
): ProxyUpstream | undefined {
  const urls = servers.map(({ url }) => new URL(url))
  const [first] = urls
  // One group has one scheme and one path.
  const isOne = urls.every((url) => first !== undefined && sameFor(url) === sameFor(first))
  if (first === undefined || !isOne) return undefined
  if (!urls.every(({ host, pathname }) => PLAIN.test(host) && PLAIN.test(pathname))) {
    throw new RingfenceError('invalid_manifest', `no other proxy can be told the URL of ${name}`)
  }
  return {
    key,
    scheme: first.protocol === 'https:' ? 'https' : 'http',
    host: first.host,
    base: first.pathname.replace(/\/$/, ''),
    servers: urls.map(({ hostname: host, port, protocol }, at) => {
      const usual = protocol === 'https:' ? 443 : 80
      return {
        host,
        isAddress: isIP(host.replace(/^\[|\]$/g, '')) !== 0,
        port: port === '' ? usual : Number(port),
        weight: servers[at]?.weight ?? 1,
      }
    }),
  }
}

const sameFor = ({ protocol, pathname, search }: URL) => protocol + pathname + search
