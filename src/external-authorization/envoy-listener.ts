import { envoyAccessLog } from './access-log-lines.ts'
import { socketAddress } from './envoy-clusters.ts'
import { removal, setting, STRIPPED_FIRST } from './envoy-fields.ts'
import { type Json, typed } from './envoy-json.ts'
import { localReplies } from './envoy-replies.ts'
import { routes } from './envoy-routes.ts'
import type { EnvoySettings } from './envoy-settings.ts'
import { ORIGINAL, SAID_APART } from './nginx-question.ts'
import type { ProxyUpstream } from './proxy-upstreams.ts'
import { partsOf } from './setting-forms.ts'

const MANAGER = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
const EARLY = 'envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation'
/** Of a connection, in bytes, before the other side is told to wait. */
const BUFFER = 32 * 1024

export function envoyListener(
  settings: EnvoySettings,
  hosts: readonly string[],
  upstreams: readonly ProxyUpstream[],
  asking: Json,
): Json {
  const { host, port } = partsOf(settings.listen) ?? { host: '', port: 0 }
  const isTls = settings.certificates !== undefined
  return {
    name: 'ringfence',
    address: socketAddress(host, port),
    per_connection_buffer_limit_bytes: BUFFER,
    ...(isTls ? { listener_filters: [tlsInspector()] } : {}),
    filter_chains: [
      {
        filters: [manager(settings, upstreams, asking)],
        ...(isTls ? { transport_socket_connect_timeout: '10s' } : {}),
        ...(settings.certificates === undefined
          ? {}
          : { transport_socket: tls(settings.certificates, hosts) }),
      },
    ],
  }
}

function tlsInspector(): Json {
  return {
    name: 'envoy.filters.listener.tls_inspector',
    typed_config: typed('envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector'),
  }
}

/** Of several certificates Envoy takes the one for the name in the handshake, else the first. */
function tls(directory: string, hosts: readonly string[]): Json {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: typed('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
      common_tls_context: {
        alpn_protocols: ['h2', 'http/1.1'],
        tls_params: { tls_minimum_protocol_version: 'TLSv1_2' },
        tls_certificates: ['_default', ...hosts].map((host) => ({
          certificate_chain: { filename: `${directory}/${host}/fullchain.pem` },
          private_key: { filename: `${directory}/${host}/privkey.pem` },
        })),
      },
    }),
  }
}

function manager(settings: EnvoySettings, upstreams: readonly ProxyUpstream[], asking: Json): Json {
  const isTls = settings.certificates !== undefined
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: typed(MANAGER, {
      stat_prefix: 'ringfence',
      // Over plain TCP whatever looks like HTTP/2 is refused.
      codec_type: isTls ? 'AUTO' : 'HTTP1',
      // The address is that of the connection, and no field says another one.
      use_remote_address: true,
      xff_num_trusted_hops: 0,
      skip_xff_append: true,
      internal_address_config: { unix_sockets: false, cidr_ranges: [] },
      // Over HTTP/2 a caller says a scheme of its own.
      scheme_header_transformation: { scheme_to_overwrite: isTls ? 'https' : 'http' },
      generate_request_id: false,
      server_header_transformation: 'PASS_THROUGH',
      // A path that readers might understand in two ways is refused by the authorizer, so it must see it
      // as it came: put in order here it would be another one.
      normalize_path: false,
      merge_slashes: false,
      path_with_escaped_slashes_action: 'REJECT_REQUEST',
      strip_any_host_port: false,
      stream_error_on_invalid_http_message: false,
      max_request_headers_kb: 64,
      request_headers_timeout: '10s',
      request_timeout: '300s',
      stream_idle_timeout: '60s',
      common_http_protocol_options: {
        headers_with_underscores_action: 'REJECT_REQUEST',
        max_headers_count: 100,
        idle_timeout: '60s',
      },
      http_protocol_options: {
        allow_absolute_url: false,
        accept_http_10: false,
        allow_chunked_length: false,
        enable_trailers: false,
      },
      http2_protocol_options: {
        max_concurrent_streams: 128,
        initial_stream_window_size: 65_535,
        initial_connection_window_size: 1024 * 1024,
        allow_connect: false,
        override_stream_error_on_invalid_http_message: false,
      },
      early_header_mutation_extensions: [first(settings)],
      http_filters: [asking, ...bodies(settings), ROUTER],
      route_config: routes(upstreams, settings),
      local_reply_config: localReplies(),
      ...(settings.accessLog === undefined
        ? {}
        : { access_log: [envoyAccessLog(settings.accessLog)] }),
    }),
  }
}

/** Before anybody reads a request: what no caller may say goes, and what only we say is said. */
function first({ protocol, certificates }: EnvoySettings): Json {
  const said = [
    ['address', '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%'],
    ['scheme', certificates === undefined ? 'http' : 'https'],
    ['server-name', '%REQUESTED_SERVER_NAME%'],
    ['protocol', '%PROTOCOL%'],
    ...SAID_APART.map((name) => [name, `%REQ(${name === 'host' ? ':authority' : name})%`]),
  ]
  return {
    name: 'envoy.http.early_header_mutation.header_mutation',
    typed_config: typed(EARLY, {
      mutations: [
        ...STRIPPED_FIRST.map(removal),
        ...(protocol === 'grpc'
          ? []
          : said.map(([name = '', value = '']) => setting(ORIGINAL + name, value))),
      ],
    }),
  }
}

/** Bodies are read whole, once it is decided that they may be. */
function bodies({ bodyBytesMax }: EnvoySettings): readonly Json[] {
  return [
    {
      name: 'envoy.filters.http.buffer',
      typed_config: typed('envoy.extensions.filters.http.buffer.v3.Buffer', {
        max_request_bytes: bodyBytesMax,
      }),
    },
  ]
}

const ROUTER: Json = {
  name: 'envoy.filters.http.router',
  typed_config: typed('envoy.extensions.filters.http.router.v3.Router', {
    suppress_envoy_headers: true,
  }),
}
