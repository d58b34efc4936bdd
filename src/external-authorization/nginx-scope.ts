const REFERENCES = ['location', 'content-location'] as const

const variable = (name: string) => name.replaceAll('-', '_')

/**
 * References as the gateway gives them: on a host that tenants share `$ringfence_scope` is the path
 * below which the service is there, and none leads out of it. One that readers would take for different
 * places is left out. The names of captures are good once in a configuration.
 */
export function scopedReferences(): string {
  return REFERENCES.map((name, index) => {
    const [scope, path] = [`ringfence_scope_${index}`, `ringfence_rest_${index}`]
    // Most answers have none: for them no pattern is tried.
    return `
  map $upstream_http_${variable(name)} $ringfence_${variable(name)} {
    default $ringfence_scoped_${variable(name)};
    "" "";
  }
  map "$ringfence_scope $upstream_http_${variable(name)}" $ringfence_scoped_${variable(name)} {
    default $upstream_http_${variable(name)};
    "~^/[^ ]+ [^?#]*[\\\\\\\\\\t]" "";
    "~*^/[^ ]+ (?:[^?#]*/)?(?:\\.|%2e){2}(?:[/?#]|$)" "";
    "~*^/[^ ]+  *https?:(?!//)" "";
    "~^(?<${scope}_same>/[^ ]+) (?<${path}_same>\\k<${scope}_same>(?:[/?#].*)?)$" $${path}_same;
    "~^(?<${scope}>/[^ ]+) (?<${path}>/(?!/).*)$" $${scope}$${path};
  }`
  }).join('')
}

/** In the location that passes requests on: what its answers say of hosts and paths. */
export function scopedAnswers(indent: string): string {
  return [
    ...REFERENCES.map((name) => `add_header ${name} $ringfence_${variable(name)} always;`),
    'proxy_cookie_domain ~.* "";',
    'proxy_cookie_path ~^(?<ringfence_cookie>/.*)$ $ringfence_scope$ringfence_cookie;',
  ]
    .map((line) => indent + line)
    .join('\n')
}
