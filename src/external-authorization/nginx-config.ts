import type { Configuration } from '../snapshot/snapshot.ts'
import { OF_THE_WHOLE_HOST } from '../gateway/answer-scope.ts'
import { CONTEXT_HEADER } from '../tokens/tenant-context.ts'
import { nginxAccessLog } from './access-log-lines.ts'
import { addedFields, asksFirst, authorizerLocation, refusals } from './nginx-authorization.ts'
import { type NginxSettings, type NginxSettingsInput, parseSettings } from './nginx-settings.ts'
import { passedFields } from './passed-fields.ts'
import { scopedAnswers, scopedReferences } from './nginx-scope.ts'
import { checkSecret, SECRET_FIELD } from './proxy-secret.ts'
import { type ProxyUpstream, proxyUpstreams } from './proxy-upstreams.ts'
import { USAGE_FIELD } from './usage-seal.ts'

/** What only the gateway says to callers. nginx takes names, not patterns: these are those that there are. */
export const HIDDEN_FIELDS: readonly string[] = [
  ...['context', 'tenant', 'user', 'subject', 'scope', 'scopes', 'roles', 'request-id'].flatMap(
    (name) => [`ringfence-${name}`, `x-ringfence-${name}`],
  ),
  'ringfence',
  'x-ringfence',
  USAGE_FIELD,
  'x-request-id',
  'ratelimit',
  'ratelimit-policy',
  'proxy-authenticate',
  'proxy-authentication-info',
  // What holds for a whole host is said by whoever serves it.
  ...OF_THE_WHOLE_HOST,
  // Said anew, for its tenant.
  'location',
  'content-location',
]

/** Fields by which a service would tell nginx what to do: it would lead callers past the authorizer. */
const OBEYED_FIELDS =
  'X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset Expires Cache-Control Set-Cookie Vary'

/**
 * The whole configuration of an nginx (1.22 or later) that asks an authorizer about every request.
 * @throws RingfenceError `invalid_argument` for settings or fields that are not good, `invalid_manifest`
 *   for upstreams that nginx cannot be told
 */
export function nginxConfig(
  configuration: Pick<Configuration, 'platform' | 'tenants'>,
  input: NginxSettingsInput,
): string {
  const settings = parseSettings(input)
  const upstreams = proxyUpstreams(configuration.platform)
  const hosts = [...configuration.tenants()].flatMap((tenant) => tenant.hosts).sort()
  return `# Made by "ringfence nginx-config": changes are lost with the next one.
${settings.user === undefined ? '' : `user ${settings.user};\n`}worker_processes ${settings.workers};
pcre_jit on;
pid ${settings.directory}/nginx.pid;
error_log ${settings.directory}/error.log ${settings.errorLevel};
events { worker_connections 8192; }
http {
${common(settings)}
${settings.certificates === undefined ? '' : certificateMap(hosts)}
${groups(settings, upstreams)}
${traces()}${NOT_CACHED}
${scopedReferences()}
${settings.certificates === undefined ? '' : unsaidBodies()}
  server {
${listening(settings)}
    # A target with a host of its own says two hosts to two readers.
    if ($request !~ "^[A-Z]+ /") { return 400; }
${refusals()}
${authorizerLocation(settings)}
    location / {
${settings.certificates === undefined ? '' : withoutBody()}
${asksFirst()}
${passing(settings)}
    }
${settings.certificates === undefined ? '' : bodiless(settings)}
  }
}
`
}

/** The file that `secretFile` names: a secret in the configuration itself would be read by many. */
export function secretInclude(secret: string): string {
  checkSecret(secret)
  return `proxy_set_header ${SECRET_FIELD} "${secret}";\n`
}

function common({ directory, cache, bodyBytesMax, accessLog }: NginxSettings): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `  ${kind}_temp_path ${directory}/${kind};`)
    .join('\n')
  const kept =
    cache === undefined
      ? ''
      : `
  proxy_cache_path ${cache} levels=1:2 keys_zone=ringfence_decisions:32m inactive=2s max_size=256m use_temp_path=off;
  open_file_cache max=20000 inactive=3s;
  open_file_cache_valid 60s;`
  return `  server_tokens off;
${accessLog === undefined ? '  access_log off;' : nginxAccessLog(accessLog)}
  default_type application/octet-stream;
  variables_hash_max_size 2048;
${temporary}${kept}
  # Names with other characters, and with underscores, are dropped: some readers take one for a hyphen.
  ignore_invalid_headers on;
  underscores_in_headers off;
  merge_slashes off;
  large_client_header_buffers 4 16k;
  client_header_timeout 10s;
  client_body_timeout 60s;
  client_max_body_size ${bodyBytesMax};
  send_timeout 60s;
  keepalive_timeout 60s;
  keepalive_requests 100000;
  tcp_nodelay on;`
}

function certificateMap(hosts: readonly string[]): string {
  const entries = hosts.map((host) => `    "${host}" "${host}";`).join('\n')
  return `  map_hash_bucket_size 512;
  map_hash_max_size ${Math.max(2_048, hosts.length * 2)};
  # A name in a handshake is anybody's text: only these become a part of a path.
  map $ssl_server_name $ringfence_certificate {
    default "_default";
${entries}
  }`
}

function groups({ authorizer }: NginxSettings, upstreams: readonly ProxyUpstream[]): string {
  const place = typeof authorizer === 'string' ? authorizer : `unix:${authorizer.socket}`
  const groupOf = (index: number) => `ringfence_${index + 1}`
  const map = (name: string, valueOf: (upstream: ProxyUpstream, group: string) => string) => `
  map $ringfence_upstream $ringfence_${name} {
    default "";
${upstreams.map((upstream, index) => `    "${upstream.key}" "${valueOf(upstream, groupOf(index))}";`).join('\n')}
  }`
  return [
    keptGroup('ringfence_authorizer', [`${place} max_fails=0`], 64),
    ...upstreams.map(({ servers }, index) =>
      keptGroup(
        groupOf(index),
        servers.map(
          ({ host, port, weight }) =>
            `${host}:${port} ${weight === 0 ? 'down' : `weight=${weight}`}`,
        ),
        256,
      ),
    ),
    map('origin', ({ scheme, base }, group) => `${scheme}://${group}${base}`),
    map('host', ({ host }) => host),
  ].join('\n')
}

function keptGroup(name: string, servers: readonly string[], connections: number): string {
  return `  upstream ${name} {
${servers.map((server) => `    server ${server};`).join('\n')}
    keepalive ${connections};
    keepalive_requests 1000000;
    keepalive_timeout 30s;
  }`
}

/** A cache on the way to a caller would not know whose answer it is. */
const NOT_CACHED = `
  map $upstream_http_cache_control $ringfence_not_cached { default ""; "" "private, no-store"; }`

/** The caller's trace with a span of our own, or a new one. */
function traces(): string {
  return `
  map $request_id $ringfence_span { "~^([0-9a-f]{16})" $1; }
  map $http_traceparent $ringfence_traceparent {
    default "00-$request_id-$ringfence_span-00";
    "~^00-(?!0{32})(?<ringfence_trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?<ringfence_flags>[0-9a-f]{2})$" "00-$ringfence_trace-$ringfence_span-$ringfence_flags";
  }
  map $http_traceparent $ringfence_tracestate {
    default "";
    "~^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$" $http_tracestate;
  }`
}

/**
 * Over HTTP/2 a request need not say that it has a body, and nginx cannot tell before it has asked.
 * Those that usually have one are asked about as if they had; of the others none is passed on.
 */
function unsaidBodies(): string {
  return `  map "$server_protocol $http_content_length" $ringfence_unsaid { default ""; "HTTP/2.0 " 1; }
  map "$ringfence_unsaid $request_method" $ringfence_bodiless { default ""; "~^1 (?:GET|HEAD|OPTIONS)$" 1; }
  map "$ringfence_unsaid$ringfence_bodiless" $ringfence_coding { default $http_transfer_encoding; 1 chunked; }
  recursive_error_pages on;`
}

const withoutBody = () => `      if ($ringfence_bodiless) { return 418; }
      error_page 418 = @ringfence_bodiless;`

function bodiless(settings: NginxSettings): string {
  return `    location @ringfence_bodiless {
${asksFirst()}
${passing(settings)}
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
    }`
}

function listening({ listen, certificates }: NginxSettings): string {
  if (certificates === undefined) return `    listen ${listen};\n    server_name _;`
  const place = `${certificates}/$ringfence_certificate`
  return `    listen ${listen} ssl http2;
    server_name _;
    ssl_certificate ${place}/fullchain.pem;
    ssl_certificate_key ${place}/privkey.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;
    ssl_session_tickets off;`
}

function passing({ fields, authorities }: NginxSettings): string {
  const passed = passedFields(fields).map(
    (name) => `      proxy_set_header ${name} $http_${name.replaceAll('-', '_')};`,
  )
  return `      proxy_pass $ringfence_origin$ringfence_path;
      proxy_http_version 1.1;
      # No field is passed on but these, each once.
      proxy_pass_request_headers off;
      proxy_set_header Connection "";
      proxy_set_header Host $ringfence_host;
      proxy_set_header ${CONTEXT_HEADER} $ringfence_context;
      proxy_set_header x-request-id $request_id;
      proxy_set_header forwarded $ringfence_forwarded;
      proxy_set_header traceparent $ringfence_traceparent;
      proxy_set_header tracestate $ringfence_tracestate;
${passed.join('\n')}
      proxy_request_buffering on;
      proxy_buffering off;
      proxy_buffer_size 32k;
      proxy_buffers 8 32k;
      proxy_busy_buffers_size 64k;
      proxy_redirect off;
      proxy_intercept_errors off;
      proxy_next_upstream error timeout;
      proxy_next_upstream_tries 2;
      proxy_connect_timeout 2s;
      proxy_read_timeout 60s;
      proxy_ignore_headers ${OBEYED_FIELDS};
      proxy_ssl_verify on;
      proxy_ssl_verify_depth 3;
      proxy_ssl_trusted_certificate ${authorities};
      proxy_ssl_server_name on;
      proxy_ssl_name $ringfence_host;
${HIDDEN_FIELDS.map((name) => `      proxy_hide_header ${name};`).join('\n')}
${addedFields('      ')}
      add_header cache-control $ringfence_not_cached always;
${scopedAnswers('      ')}`
}
