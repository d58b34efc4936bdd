import { OF_THE_WHOLE_HOST } from '../gateway/answer-scope.ts'
import { STRIPPED_LAST } from './envoy-fields.ts'
import type { Json } from './envoy-json.ts'
import { AWAY, TOO_LARGE } from './envoy-replies.ts'
import type { EnvoySettings } from './envoy-settings.ts'
import type { ProxyUpstream } from './proxy-upstreams.ts'

/** Where a decision says that a request goes. One that names nothing known goes nowhere. */
export function routes(
  upstreams: readonly ProxyUpstream[],
  { protocol, bodyBytesMax }: EnvoySettings,
): Json {
  return {
    name: 'ringfence',
    request_headers_to_remove: STRIPPED_LAST,
    virtual_hosts: [
      {
        name: 'all',
        domains: ['*'],
        routes: [
          tooLarge(bodyBytesMax),
          ...upstreams.flatMap((upstream) => [
            onSharedHost(route(upstream, protocol)),
            route(upstream, protocol),
          ]),
          NOWHERE,
        ],
      },
    ],
  }
}

type Route = {
  readonly match: { readonly prefix: string; readonly headers: readonly Json[] }
  readonly route: Json
}

function route({ key, host, base }: ProxyUpstream, protocol: EnvoySettings['protocol']): Route {
  return {
    match: {
      prefix: '/',
      headers: [{ name: 'ringfence-upstream', string_match: { exact: key } }],
    },
    route: {
      cluster: key,
      host_rewrite_literal: host,
      // Over gRPC the authorizer says the path itself.
      ...(protocol === 'http' ? { path_rewrite: `${escaped(base)}%REQ(ringfence-path)%` } : {}),
      ...(protocol === 'grpc' && base !== '' ? { prefix_rewrite: `${base}/` } : {}),
      timeout: '60s',
      retry_policy: { retry_on: 'connect-failure,reset-before-request', num_retries: 1 },
    },
  }
}

/**
 * Envoy cannot make a cookie or a reference one of a path: on a host that tenants share there are none.
 * @param whole the route for both kinds of hosts
 */
function onSharedHost(whole: Route): Json {
  const { prefix, headers } = whole.match
  const shared = { name: 'ringfence-scope', present_match: true }
  return {
    ...whole,
    match: { prefix, headers: [...headers, shared] },
    response_headers_to_remove: [
      'set-cookie',
      'location',
      'content-location',
      ...OF_THE_WHOLE_HOST,
    ],
  }
}

/** Envoy counts bodies as they come, in pieces: of what says its length none has to come. */
function tooLarge(bodyBytesMax: number): Json {
  const range = { start: bodyBytesMax + 1, end: Number.MAX_SAFE_INTEGER }
  return {
    match: { prefix: '/', headers: [{ name: 'content-length', range_match: range }] },
    direct_response: { status: 413, body: { inline_string: TOO_LARGE } },
  }
}

const NOWHERE: Json = {
  match: { prefix: '/' },
  direct_response: { status: 503, body: { inline_string: AWAY } },
  response_headers_to_add: [
    { header: { key: 'content-type', value: 'application/problem+json' } },
    { header: { key: 'cache-control', value: 'no-store' } },
  ],
}

/** In a format of Envoy's. */
const escaped = (text: string) => text.replaceAll('%', '%%')
