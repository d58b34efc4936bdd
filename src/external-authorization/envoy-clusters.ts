import { isIP } from 'node:net'
import { ANSWERS_STRIPPED, removal } from './envoy-fields.ts'
import { type Json, typed } from './envoy-json.ts'
import type { EnvoySettings } from './envoy-settings.ts'
import type { ProxyUpstream } from './proxy-upstreams.ts'
import { checkSecret, SECRET_FIELD } from './proxy-secret.ts'
import { partsOf } from './setting-forms.ts'

export const AUTHORIZER = 'ringfence_authorizer'
const PROTOCOLS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
/** Node's servers let go of a connection that nothing came by for 5 s. */
const IDLE = '4s'
/** A service slower than others is no reason to refuse: the gateway's limits are what counts. */
const MANY = 100_000

export function authorizerCluster({ authorizer, protocol, secretFile }: EnvoySettings): Json {
  const isSocket = typeof authorizer !== 'string'
  const place = isSocket ? undefined : partsOf(authorizer)
  const address: Json =
    place === undefined
      ? { pipe: { path: isSocket ? authorizer.socket : '' } }
      : socketAddress(place.host, place.port)
  const version: Json = protocol === 'grpc' ? { http2_protocol_options: {} } : HTTP1
  return {
    name: AUTHORIZER,
    type: isSocket || isIP(place?.host ?? '') !== 0 ? 'STATIC' : 'STRICT_DNS',
    connect_timeout: '2s',
    typed_extension_protocol_options: protocols(version, '30s', [presents(secretFile), CODEC]),
    circuit_breakers: thresholds(),
    load_assignment: endpoints(AUTHORIZER, [{ endpoint: { address } }]),
  }
}

export function upstreamCluster(upstream: ProxyUpstream, { authorities }: EnvoySettings): Json {
  const { key, scheme, servers } = upstream
  const used = servers.filter(({ weight }) => weight > 0)
  return {
    name: key,
    type: used.every(({ isAddress }) => isAddress) ? 'STATIC' : 'STRICT_DNS',
    connect_timeout: '2s',
    typed_extension_protocol_options: protocols(HTTP1, IDLE, [ANSWERS, CODEC]),
    circuit_breakers: thresholds(),
    load_assignment: endpoints(
      key,
      used.map(({ host, port, weight }) => ({
        endpoint: { address: socketAddress(host, port) },
        load_balancing_weight: weight,
      })),
    ),
    ...(scheme === 'http' ? {} : { transport_socket: tls(upstream, authorities) }),
  }
}

const HTTP1: Json = { http_protocol_options: {} }

function protocols(version: Json, idle: string, filters: readonly Json[] = []): Json {
  return {
    [PROTOCOLS]: typed(PROTOCOLS, {
      explicit_http_config: version,
      common_http_protocol_options: { idle_timeout: idle },
      ...(filters.length === 0 ? {} : { http_filters: filters }),
    }),
  }
}

const SECRET_NAME = 'ringfence_proxy_secret'
const SECRET_MESSAGE = 'envoy.extensions.transport_sockets.tls.v3.Secret'

/** Says the secret with each question. While it cannot be read none is asked. */
function presents(secretFile: string): Json {
  return {
    name: 'envoy.filters.http.credential_injector',
    typed_config: typed('envoy.extensions.filters.http.credential_injector.v3.CredentialInjector', {
      overwrite: true,
      allow_request_without_credential: false,
      credential: {
        name: 'envoy.http.injected_credentials.generic',
        typed_config: typed('envoy.extensions.http.injected_credentials.generic.v3.Generic', {
          header: SECRET_FIELD,
          credential: {
            name: SECRET_NAME,
            sds_config: {
              path_config_source: { path: secretFile },
              resource_api_version: 'V3',
            },
          },
        }),
      },
    }),
  }
}

/** On the way back, before what the authorizer says to callers is put in. */
const ANSWERS: Json = {
  name: 'envoy.filters.http.header_mutation',
  typed_config: typed('envoy.extensions.filters.http.header_mutation.v3.HeaderMutation', {
    mutations: {
      // The route has read it by now.
      request_mutations: [{ remove: 'ringfence-path' }],
      response_mutations: [
        ...ANSWERS_STRIPPED.map(removal),
        {
          append: {
            header: { key: 'cache-control', value: 'private, no-store' },
            append_action: 'ADD_IF_ABSENT',
          },
        },
      ],
    },
  }),
}

const CODEC: Json = {
  name: 'envoy.filters.http.upstream_codec',
  typed_config: typed('envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec'),
}

/** The file that `secretFile` names: a secret in the configuration itself would be read by many. */
export function envoySecret(secret: string): string {
  checkSecret(secret)
  const resource = typed(SECRET_MESSAGE, {
    name: SECRET_NAME,
    generic_secret: { secret: { inline_string: secret } },
  })
  return `${JSON.stringify({ resources: [resource] })}\n`
}

function thresholds(): Json {
  const limits = ['max_connections', 'max_pending_requests', 'max_requests', 'max_retries']
  return { thresholds: [Object.fromEntries(limits.map((name) => [name, MANY]))] }
}

function endpoints(name: string, list: readonly Json[]): Json {
  return { cluster_name: name, endpoints: [{ lb_endpoints: list }] }
}

export function socketAddress(host: string, port: number): Json {
  return { socket_address: { address: host.replace(/^\[|\]$/g, ''), port_value: port } }
}

/** A service is believed to be who its URL says, by its certificate. */
function tls({ host, servers }: ProxyUpstream, authorities: string): Json {
  const name = host.replace(/:\d+$/, '')
  const isAddress = servers.some((server) => server.isAddress)
  const type = isAddress ? 'IP_ADDRESS' : 'DNS'
  const exact = name.replace(/^\[|\]$/g, '')
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: typed('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
      ...(isAddress ? {} : { sni: name }),
      common_tls_context: {
        tls_params: { tls_minimum_protocol_version: 'TLSv1_2' },
        validation_context: {
          trusted_ca: { filename: authorities },
          match_typed_subject_alt_names: [{ san_type: type, matcher: { exact } }],
        },
      },
    }),
  }
}
