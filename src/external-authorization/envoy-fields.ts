import type { Json } from './envoy-json.ts'
import { ORIGINAL, SAID_APART } from './nginx-question.ts'

/**
 * Fields of requests that Envoy takes away before anybody reads them, as RE2 patterns for whole names:
 * what the gateway would take away and no check looks at, and Envoy's own orders. Those with an
 * underscore Envoy refuses.
 */
export const STRIPPED_FIRST: readonly string[] = [
  '(?:x-)?ringfence(?:-.*)?',
  '(?:.*-)?tenant.*',
  'x-scope-orgid',
  'x-user.*',
  '(?:x-)?remote-user.*',
  ...otherThan('user', '-agent'),
  'x-(?:auth|forwarded|original|rewrite|real)(?:-.*)?',
  'x-(?:http-)?method(?:-override)?',
  'forwarded',
  '(?:.*-)?(?:client|connecting)-ip',
  'x-envoy-.*',
]

/** Taken away once the authorizer has seen them, if it has not said them anew, with what Envoy adds. */
export const STRIPPED_LAST: readonly string[] = [
  ...['authorization', 'dpop', 'proxy-authorization', 'proxy-connection'],
  ...['keep-alive', 'te', 'trailer', 'upgrade'],
  ...['x-forwarded-for', 'x-forwarded-proto', 'x-envoy-internal'],
  ...['ringfence-upstream', 'ringfence-scope', 'ringfence-proxy-secret'],
  ...['address', 'scheme', 'server-name', 'protocol', ...SAID_APART].map((name) => ORIGINAL + name),
]

/** What only the gateway says to callers, whatever a service says. */
export const ANSWERS_STRIPPED: readonly string[] = [
  '(?:x-)?ringfence(?:[-_].*)?',
  'x[-_]ringfence(?:[-_].*)?',
  'x-request-id',
  'ratelimit(?:-policy)?',
  'proxy-authenticate',
  'proxy-authentication-info',
  'x-envoy-.*',
]

/** Every name that begins with `start` but `start + rest` itself: RE2 cannot look ahead. */
function otherThan(start: string, rest: string): readonly string[] {
  const shorter = rest
    .split('')
    .map((character, at) => `${start}${rest.slice(0, at)}(?:[^${character}].*)?`)
  return [...shorter, `${start}${rest}.+`]
}

export const removal = (pattern: string): Json => ({
  remove_on_match: { key_matcher: { safe_regex: { regex: pattern } } },
})

/** Sets a field, whatever there was; an empty value leaves it out. */
export const setting = (key: string, value: string): Json => ({
  append: {
    header: { key, value },
    append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
    keep_empty_value: false,
  },
})
