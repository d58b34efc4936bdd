/** A request target (RFC 9112, section 3.2) that says one thing to every reader. */
export interface Target {
  /** Begins with `/`. Percent-encodings of unreserved characters are decoded (RFC 3986, 6.2.2.2). */
  readonly path: string
  /** With its `?`, or empty. */
  readonly query: string
}

const ORIGIN_FORM = /^\/[^?#]*(?:\?[^#]*)?$/
const PATH = /^[\w\-.~!$&'()*+,;=:@%/]*$/
const QUERY = /^[\w\-.~!$&'()*+,;=:@%/?[\]{}|^"`<>\\]*$/
const ESCAPE = /%([0-9a-fA-F]{2})/g
const UNRESERVED = /^[\w\-.~]$/
const BAD_ESCAPE = /%(?![0-9a-fA-F]{2})/
/** A slash, backslash, NUL or control character in disguise, once or twice encoded, and `%2e` twice. */
const DISGUISE = /%(?:25)*(?:2f|5c|[01][0-9a-f]|7f)|%25(?:25)*2e/i
const DOT_SEGMENT = /(?:^|\/)\.{1,2}(?=\/|;|$)/

/**
 * Reads the target of a request. Undefined for one that two readers might understand in two ways:
 * another form than origin-form, dot segments, empty segments, encoded slashes, broken encodings.
 */
export function parseTarget(target: string): Target | undefined {
  if (!ORIGIN_FORM.test(target)) return undefined
  const { path, query } = looseTarget(target)
  if (!PATH.test(path) || !QUERY.test(query)) return undefined
  // Most paths have nothing that these look for: to see that is quicker than to look.
  if (path.includes('%') && (BAD_ESCAPE.test(path) || DISGUISE.test(path))) return undefined
  if (path.includes('//')) return undefined
  if (path.includes('/.') && DOT_SEGMENT.test(path)) return undefined
  return { path, query }
}

/** What a careless reader would take the target for. Only a gateway without its checks goes on with it. */
export function looseTarget(target: string): Target {
  const rest = target.startsWith('/')
    ? target
    : target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')
  const at = rest.indexOf('?')
  const path = at === -1 ? rest : rest.slice(0, at)
  return {
    path: unescaped(path.startsWith('/') ? path : `/${path}`),
    query: at === -1 ? '' : rest.slice(at),
  }
}

function unescaped(path: string): string {
  if (!path.includes('%')) return path
  return path.replaceAll(ESCAPE, (escape, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16))
    return UNRESERVED.test(character) ? character : escape
  })
}

const TENANT_PATH = /^\/t\/([^/]*)(\/.*)?$/

/** The tenant that a path names, as it stands there, and the path without it. */
export function splitTenant(path: string): {
  readonly name: string | undefined
  readonly rest: string
} {
  const match = path.startsWith('/t/') ? TENANT_PATH.exec(path) : null
  return match === null
    ? { name: undefined, rest: path }
    : { name: match[1] ?? '', rest: match[2] ?? '/' }
}
