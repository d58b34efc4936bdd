import { NGINX_PATH } from './authorizer.ts'
import { ANSWER, TO_CALLERS } from './nginx-answer.ts'
import { ORIGINAL, SAID_APART } from './nginx-question.ts'
import type { NginxSettings } from './nginx-settings.ts'
import { USAGE_FIELD } from './usage-seal.ts'

/** Where nginx asks. A caller who asks for it is answered that it is not there. */
export const AUTHORIZER_LOCATION = '/.ringfence/authorize'

/**
 * Everything that a decision that is used again can depend on, and the second by nginx's own clock in
 * which it was made: it lives no longer. The parts are told apart by a line's end, which is in none.
 */
export const KEY_PARTS = [
  '$time_iso8601',
  '$scheme',
  '$ssl_server_name',
  '$http_host',
  '$request_method',
  '$request_uri',
  '$remote_addr',
  '$http_authorization',
  '$http_dpop',
  '$http_connection',
  '$http_content_type',
  '$http_expect',
] as const

/** What no decision may be used again for, whatever the authorizer says. */
const NEVER_REMEMBERED = [
  '$http_dpop',
  '$http_content_length',
  '$http_transfer_encoding',
  '$http_upgrade',
] as const

/** The location in which nginx asks the authorizer. */
export function authorizerLocation({ cache, secretFile, certificates }: NginxSettings): string {
  return `
    location = ${AUTHORIZER_LOCATION} {
      internal;
      proxy_pass http://ringfence_authorizer${NGINX_PATH};
      proxy_pass_request_body off;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host authorizer;
      proxy_set_header Content-Length "";
      include ${secretFile};
${[...originals(certificates !== undefined)].map(([name, value]) => `      proxy_set_header ${name} ${value};`).join('\n')}
      proxy_connect_timeout 2s;
      proxy_read_timeout 10s;
      proxy_next_upstream error timeout;
      proxy_next_upstream_tries 2;
      proxy_buffer_size 32k;
      proxy_buffers 4 32k;
      proxy_busy_buffers_size 64k;
      proxy_max_temp_file_size 0;
      proxy_ignore_headers X-Accel-Redirect X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset Expires Cache-Control Set-Cookie Vary;
${cache === undefined ? '      proxy_cache off;' : remembering()}
    }`
}

/** @param isTls over HTTP/2 the coding is what nginx makes of a body of unknown length */
function originals(isTls: boolean): ReadonlyMap<string, string> {
  return new Map([
    [`${ORIGINAL}method`, '$request_method'],
    [`${ORIGINAL}uri`, '$request_uri'],
    [`${ORIGINAL}scheme`, '$scheme'],
    [`${ORIGINAL}address`, '$remote_addr'],
    [`${ORIGINAL}server-name`, '$ssl_server_name'],
    [`${ORIGINAL}request-id`, '$request_id'],
    ...SAID_APART.map((name): [string, string] => [
      ORIGINAL + name,
      `$http_${name.replaceAll('-', '_')}`,
    ]),
    ...(isTls ? [[`${ORIGINAL}transfer-encoding`, '$ringfence_coding'] as const] : []),
  ])
}

function remembering(): string {
  return `      proxy_cache ringfence_decisions;
      proxy_cache_key "${KEY_PARTS.join('\\n')}";
      proxy_cache_bypass ${NEVER_REMEMBERED.join(' ')};
      proxy_no_cache ${NEVER_REMEMBERED.join(' ')};
      proxy_cache_use_stale off;
      proxy_cache_revalidate off;`
}

/** In the location that passes requests on: that it asks first, and what it takes of the answer. */
export function asksFirst(): string {
  const taken = [
    ['context', 'ringfence_context'],
    ['forwarded', 'forwarded'],
    ['upstream', 'upstream'],
    ['path', 'path'],
    ['scope', 'scope'],
    ['status', 'status'],
    ['problem', 'problem'],
    ['usage', variable(USAGE_FIELD)],
    ...TO_CALLERS.map((name) => [variable(name), variable(ANSWER + name)]),
  ]
  return `      error_page 403 = @ringfence_refused;
      error_page 500 = @ringfence_away;
      error_page 502 504 = @ringfence_upstream_away;
      auth_request ${AUTHORIZER_LOCATION};
${taken.map(([name, field]) => `      auth_request_set $ringfence_${name} $upstream_http_${field};`).join('\n')}`
}

const variable = (name: string) => name.replaceAll('-', '_')

/** The fields of an answer that nginx sends for the authorizer. */
export function addedFields(indent: string): string {
  return [
    ...TO_CALLERS.map((name) => `add_header ${name} $ringfence_${variable(name)} always;`),
    'add_header x-request-id $request_id always;',
  ]
    .map((line) => indent + line)
    .join('\n')
}

const STATUSES = [400, 401, 404, 409, 412, 413, 415, 421, 422, 429, 500, 502, 503, 504]

/** What callers are told who are refused, and when nobody can be asked. */
export function refusals(): string {
  const problem = (code: string, title: string, status: number) =>
    JSON.stringify({ type: `urn:ringfence:error:${code}`, title, status, code })
  const away = problem('overloaded', 'nobody can be let in now: try again', 503)
  const upstream = problem('upstream_failed', 'the service cannot be reached: try again', 502)
  return `
    location @ringfence_refused {
      default_type application/problem+json;
${addedFields('      ')}
      add_header cache-control no-store always;
${STATUSES.map((status) => `      if ($ringfence_status = ${status}) { return ${status} $ringfence_problem; }`).join('\n')}
      return 403 $ringfence_problem;
    }
    location @ringfence_away {
      default_type application/problem+json;
      add_header x-request-id $request_id always;
      add_header cache-control no-store always;
      add_header retry-after 1 always;
      return 503 '${away}';
    }
    location @ringfence_upstream_away {
      default_type application/problem+json;
      add_header x-request-id $request_id always;
      add_header cache-control no-store always;
      return 502 '${upstream}';
    }`
}
