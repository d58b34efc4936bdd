/** What a page needs beyond the least. */
export interface PageNeeds {
  /** It loads our script. Pages without passkeys load none. */
  readonly script?: boolean
  /** Where a form of it ends besides ourselves: browsers follow `form-action` through redirects. */
  readonly formTargets?: readonly string[]
}

/** WebAuthn for ourselves, and no other power of the browser. */
const PERMISSIONS = [
  'publickey-credentials-get=(self)',
  'publickey-credentials-create=(self)',
  ...[
    'accelerometer',
    'autoplay',
    'camera',
    'display-capture',
    'geolocation',
    'gyroscope',
    'magnetometer',
    'microphone',
    'midi',
    'payment',
    'usb',
  ].map((power) => `${power}=()`),
].join(', ')

/** Headers of everything that we serve to a browser, pages and their files. */
const ALWAYS = {
  'x-content-type-options': 'nosniff',
  // The address of a page may hold a link's secret: no other site is told where its visitor was.
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': PERMISSIONS,
} as const

/** Headers of a page. It is kept by nobody, framed by nobody, and fetches only from its own origin. */
export function pageHeaders(needs: PageNeeds = {}): Record<string, string> {
  return {
    ...ALWAYS,
    'content-security-policy': contentSecurityPolicy(needs),
    'cache-control': 'no-store',
    'content-type': 'text/html; charset=utf-8',
    // For browsers that know no frame-ancestors.
    'x-frame-options': 'DENY',
  }
}

/** Headers of a file whose address names its content. */
export function assetHeaders(type: string): Record<string, string> {
  return {
    ...ALWAYS,
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
    'cache-control': 'public, max-age=31536000, immutable',
    'content-type': type,
  }
}

function contentSecurityPolicy({ script, formTargets = [] }: PageNeeds): string {
  return [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    ...(script === true ? ["script-src 'self'"] : []),
    ['form-action', "'self'", ...formTargets].join(' '),
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
}

const SCHEME = /^[a-z][a-z0-9+.-]*:$/

/**
 * The source expression for where a form may end. Undefined for what is no address: then the
 * browser stops there.
 */
export function formTarget(uri: string | undefined): string | undefined {
  if (uri === undefined || !URL.canParse(uri)) return undefined
  const { protocol, origin, hostname } = new URL(uri)
  if (protocol !== 'https:' && protocol !== 'http:') {
    // An app of its own on a telephone: `com.example.app:/signed-in`.
    const harmful = ['javascript:', 'data:', 'blob:', 'filesystem:'].includes(protocol)
    return SCHEME.test(protocol) && !harmful ? protocol : undefined
  }
  // CSP knows no IPv6 addresses. Only loopback can be meant: registration lets in no other.
  return hostname.startsWith('[') ? protocol : origin
}
