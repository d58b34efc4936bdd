import type { Pieces } from '../house/pieces.ts'
import { worseProvider } from './internals.ts'
import { mutant, type RealmMutant } from './realm-mutant.ts'

/** A method of the provider's clients: is this redirect one of those that are registered? */
type Allowed = (this: ClientLike, uri: string) => boolean

interface ClientLike {
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris: readonly string[]
}

function redirecting(same: (uri: string, registered: string) => boolean): Pick<Pieces, 'provider'> {
  return worseProvider((_internals, { context }) => {
    const prototype = context.provider.Client.prototype as unknown as {
      redirectUriAllowed: Allowed
      postLogoutRedirectUriAllowed: Allowed
    }
    prototype.redirectUriAllowed = function allowed(uri) {
      return this.redirectUris.some((one) => same(uri, one))
    }
    prototype.postLogoutRedirectUriAllowed = function allowed(uri) {
      return this.postLogoutRedirectUris.some((one) => same(uri, one))
    }
  })
}

const read = (uri: string) => (URL.canParse(uri) ? new URL(uri) : undefined)

export const CARELESS_CLIENTS: readonly RealmMutant[] = [
  mutant(
    'id-redirect-by-prefix',
    'A redirect is good that begins like a registered one',
    ['id-redirect-longer', 'id-logout-redirect'],
    redirecting((uri, one) => uri.startsWith(one)),
  ),
  mutant(
    'id-redirect-by-text',
    "A redirect is good in which the application's host is named",
    ['id-redirect-host'],
    redirecting((uri, one) => uri.includes(new URL(one).host)),
  ),
  mutant(
    'id-redirect-normalised',
    'Redirects are compared as addresses are, not character by character',
    ['id-redirect-spelling'],
    redirecting((uri, one) => read(uri)?.href === read(one)?.href),
  ),
  mutant(
    'id-redirect-by-host',
    'A redirect is good to the host of a registered one',
    ['id-redirect-port-scheme'],
    redirecting((uri, one) => read(uri)?.hostname === read(one)?.hostname),
  ),
]
