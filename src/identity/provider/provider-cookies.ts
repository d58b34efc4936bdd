import type { RealmContext } from './realm-context.ts'

/** Names that browsers themselves hold to: only over https, and `__Host-` for this host alone. */
function prefixOf({ path, secure }: RealmContext['cookies']): string {
  if (!secure) return ''
  return path === '/' ? '__Host-' : '__Secure-'
}

/** The provider's cookies in one realm: signed with the realm's own key, and sent to no other realm. */
export function providerCookies({
  cookies,
  deriveKey,
}: Pick<RealmContext, 'cookies' | 'deriveKey'>) {
  const prefix = prefixOf(cookies)
  const plain = { httpOnly: true, sameSite: 'lax', secure: cookies.secure, signed: true } as const
  return {
    names: {
      session: `${prefix}rf_session`,
      // Their paths are those of single interactions, so that they cannot be of a host.
      interaction: `${cookies.secure ? '__Secure-' : ''}rf_interaction`,
      resume: `${cookies.secure ? '__Secure-' : ''}rf_resume`,
    },
    long: { ...plain, path: cookies.path },
    short: plain,
    keys: [deriveKey('cookies').toString('base64url')],
  }
}
