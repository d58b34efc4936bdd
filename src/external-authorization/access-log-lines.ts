import { type Json, typed } from './envoy-json.ts'
import { USAGE_FIELD } from './usage-seal.ts'

/**
 * What proxies write of each request that was let through: a line of JSON with what the authorizer said
 * of it, and what only the proxy knows. Nothing of it is the caller's word. `proxy-line.ts` reads it.
 */

/** Directives of nginx's `http` block. Not buffered: a line is written when its request has ended. */
export function nginxAccessLog(file: string): string {
  const line = Object.entries(NGINX_LINE).map(([name, value]) => `"${name}":"${value}"`)
  return `  log_format ringfence_usage escape=json '{${line.join(',')}}';
  access_log ${file} ringfence_usage if=$ringfence_usage;`
}

/** Each value is empty where there is none. */
const NGINX_LINE = {
  proxy: 'nginx',
  usage: '$ringfence_usage',
  id: '$request_id',
  ended_s: '$msec',
  took_s: '$request_time',
  status: '$status',
  // By now that of a body that did not say its length, too.
  request_bytes: '$content_length',
  response_bytes: '$body_bytes_sent',
  // Whether it ended well: `OK` unless the caller broke it off, whether a service has answered, and how
  // long it said that its answer is.
  completion: '$request_completion',
  answered: '$upstream_header_time',
  length: '$sent_http_content_length',
} as const

const FILTER = 'envoy.filters.http.ext_authz'
const fromAuthorizer = (name: string) => `%DYNAMIC_METADATA(${FILTER}:${name})%`

const ENVOY_LINE = {
  proxy: 'envoy',
  usage: fromAuthorizer(USAGE_FIELD),
  id: fromAuthorizer('x-request-id'),
  began_s: '%START_TIME(%s.%3f)%',
  took_ms: '%DURATION%',
  status: '%RESPONSE_CODE%',
  request_bytes: '%BYTES_RECEIVED%',
  response_bytes: '%BYTES_SENT%',
  flags: '%RESPONSE_FLAGS%',
  details: '%RESPONSE_CODE_DETAILS%',
} as const

/** Of what the authorizer let through, and of nothing else. Envoy writes it out every ten seconds. */
export function envoyAccessLog(file: string): Json {
  return {
    name: 'envoy.access_loggers.file',
    filter: {
      metadata_filter: {
        matcher: {
          filter: FILTER,
          path: [{ key: USAGE_FIELD }],
          value: { present_match: true },
        },
        match_if_key_not_found: false,
      },
    },
    typed_config: typed('envoy.extensions.access_loggers.file.v3.FileAccessLog', {
      path: file,
      log_format: { json_format: ENVOY_LINE },
    }),
  }
}
