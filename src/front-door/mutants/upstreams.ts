import { lookup as systemLookup } from 'node:dns'
import { isIP } from 'node:net'
import { Agent, type Dispatcher, interceptors } from 'undici'
import type { Place } from '../../gateway/place.ts'
import { Upstreams, type UpstreamServer } from '../../gateway/upstream.ts'
import { type FrontDoorMutant, mutant } from './front-door-mutant.ts'

/** One pool for each URL, whoever names it. */
class PoolsByUrl extends Upstreams {
  override server(place: Place): UpstreamServer {
    return super.server({ ...place, key: place.url.href })
  }
}

/** Goes where a server sends it on to, as clients for people do. */
class FollowingUpstreams extends Upstreams {
  readonly #agent = new Agent()
  readonly #client = this.#agent.compose(interceptors.redirect({ maxRedirections: 3 }))

  override server(place: Place): UpstreamServer {
    const server = super.server(place)
    const take = server.take.bind(server)
    const { origin } = place.url
    const client = {
      dispatch: (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) =>
        this.#client.dispatch({ ...options, origin }, handler),
      close: async () => undefined,
      destroy: async () => undefined,
    }
    server.take = () => Object.assign(take(), { client })
    return server
  }

  override close(): void {
    void this.#agent.destroy()
    super.close()
  }
}

/** Upstreams reached, and judged, carelessly. */
export const UPSTREAM_MUTANTS: readonly FrontDoorMutant[] = [
  mutant(
    'fd-upstream-names-once',
    'Names of own upstreams judged when they are written down, and looked up again to connect',
    ['fd-upstream-rebinding'],
    ({ upstreamGuard }) => ({
      upstreamGuard: (options) => ({
        ...upstreamGuard(options),
        lookupFor: () => options.lookup ?? systemLookup,
      }),
    }),
  ),
  mutant(
    'fd-upstream-looked-up-alone',
    'Own upstreams judged when they are looked up, which addresses never are',
    ['fd-upstream-spellings'],
    ({ upstreamGuard }) => ({
      upstreamGuard: (options) => ({ ...upstreamGuard(options), refusalOf: () => undefined }),
    }),
  ),
  mutant(
    'fd-upstream-ranges-alone',
    'Own upstreams let go anywhere in the ranges that are allowed, also where the platform is',
    ['fd-upstream-as-platforms'],
    ({ upstreamGuard }) => ({
      upstreamGuard(options) {
        const guard = upstreamGuard(options)
        const nothing = () => false
        return {
          refusalOf: (url) => guard.refusalOf(url, nothing),
          lookupFor: (url) => guard.lookupFor(url, nothing),
        }
      },
    }),
  ),
  mutant(
    'fd-upstream-addresses-alone',
    'What is ours is known by addresses, and not by names of hosts',
    ['fd-upstream-others-host'],
    ({ upstreamGuard }) => ({
      upstreamGuard(options) {
        const guard = upstreamGuard(options)
        return {
          ...guard,
          refusalOf: (url, isOurs) =>
            guard.refusalOf(url, (host, port) => isIP(host) !== 0 && isOurs(host, port)),
        }
      },
    }),
  ),
  mutant(
    'fd-upstream-redirects-followed',
    'Where a server sends on to is gone to',
    ['fd-upstream-redirect'],
    () => ({ connections: (rules) => new FollowingUpstreams(rules) }),
  ),
  mutant(
    'fd-upstream-pools-by-url',
    'Connections kept by URL, whoever named it',
    ['fd-upstream-connection'],
    () => ({ connections: (rules) => new PoolsByUrl(rules) }),
  ),
  mutant(
    'fd-upstream-any-failure',
    'Servers taken out after failures one after another, whosever they were',
    ['fd-upstream-breaker'],
    () => ({ connections: (rules) => new Upstreams(rules, 1) }),
  ),
]
