import { TO_CALLERS } from './nginx-answer.ts'
import { AUTHORIZER } from './envoy-clusters.ts'
import { type Json, typed } from './envoy-json.ts'
import type { EnvoySettings } from './envoy-settings.ts'
import { USAGE_FIELD } from './usage-seal.ts'

/** What the authorizer's path begins with where Envoy asks over plain HTTP. */
export const ENVOY_PATH = '/envoy'
const TIMEOUT = '10s'

/** Fields of the authorizer's answer over plain HTTP that go on. */
export const TO_SERVICES = [
  'ringfence-context',
  'ringfence-upstream',
  'ringfence-path',
  'ringfence-scope',
  'x-request-id',
  'forwarded',
  'traceparent',
  'tracestate',
] as const

/** The filter that asks. Without an answer, or with one that cannot be followed, nobody passes. */
export function asking({ protocol }: EnvoySettings): Json {
  return {
    name: 'envoy.filters.http.ext_authz',
    typed_config: typed('envoy.extensions.filters.http.ext_authz.v3.ExtAuthz', {
      ...(protocol === 'grpc' ? byGrpc() : byHttp()),
      transport_api_version: 'V3',
      failure_mode_allow: false,
      status_on_error: { code: 'ServiceUnavailable' },
      validate_mutations: true,
      clear_route_cache: true,
    }),
  }
}

function byGrpc() {
  return {
    grpc_service: {
      envoy_grpc: { cluster_name: AUTHORIZER },
      timeout: TIMEOUT,
    },
    include_tls_session: true,
    // Two fields of one name are not to look like one.
    encode_raw_headers: true,
  }
}

function byHttp() {
  return {
    http_service: {
      server_uri: { uri: 'http://authorizer', cluster: AUTHORIZER, timeout: TIMEOUT },
      path_prefix: ENVOY_PATH,
      authorization_response: {
        allowed_upstream_headers: exactly(TO_SERVICES),
        allowed_client_headers: exactly([
          ...TO_CALLERS,
          'content-type',
          'cache-control',
          'x-request-id',
        ]),
        allowed_client_headers_on_success: exactly([...TO_CALLERS, 'x-request-id']),
        dynamic_metadata_from_headers: exactly([USAGE_FIELD, 'x-request-id']),
      },
    },
    allowed_headers: { patterns: [{ safe_regex: { regex: '[a-z0-9].*' } }] },
    // They are for this hop, and said apart.
    disallowed_headers: exactly(['connection', 'transfer-encoding', 'te', 'upgrade', 'expect']),
  }
}

function exactly(names: readonly string[]): Json {
  return { patterns: names.map((exact) => ({ exact })) }
}
