import { type Json, typed } from './envoy-json.ts'

const problem = (code: string, title: string, status: number) =>
  JSON.stringify({ type: `urn:ringfence:error:${code}`, title, status, code })

/** What callers are told when nobody can be asked, or a decision cannot be followed. */
export const AWAY = problem('overloaded', 'nobody can be let in now: try again', 503)
export const TOO_LARGE = problem('too_large', 'the body is too large', 413)
const UPSTREAM_AWAY = problem('upstream_failed', 'the service cannot be reached: try again', 502)

/** What Envoy answers by itself, in the gateway's form. What the authorizer says stays as it is. */
export function localReplies(): Json {
  return {
    mappers: [
      {
        filter: {
          extension_filter: {
            name: 'envoy.access_loggers.extension_filters.cel',
            typed_config: typed('envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter', {
              expression: 'response.code_details.startsWith("ext_authz_error")',
            }),
          },
        },
        ...reply(503, AWAY),
      },
      {
        filter: {
          status_code_filter: {
            comparison: {
              op: 'EQ',
              value: { default_value: 413, runtime_key: 'ringfence.too_large' },
            },
          },
        },
        ...reply(413, TOO_LARGE),
      },
      {
        filter: {
          response_flag_filter: { flags: ['UF', 'UC', 'UH', 'URX', 'UT', 'UR', 'UO', 'UPE'] },
        },
        ...reply(502, UPSTREAM_AWAY),
      },
    ],
  }
}

function reply(status: number, text: string) {
  return {
    status_code: status,
    body: { inline_string: text },
    body_format_override: {
      text_format_source: { inline_string: '%LOCAL_REPLY_BODY%' },
      content_type: 'application/problem+json',
    },
    headers_to_add: [
      {
        header: { key: 'cache-control', value: 'no-store' },
        append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
      },
    ],
  }
}
