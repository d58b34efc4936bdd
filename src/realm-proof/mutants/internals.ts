import type { Provider } from 'oidc-provider'
import type { RealmProvider } from '../../identity/provider/realm-provider.ts'
import type { Pieces } from '../house/pieces.ts'

type Settings = Record<string, unknown>
/** The part of a provider's insides that careless configurations differ in. */
export interface Internals {
  readonly configuration: Settings & {
    readonly pkce: { required: () => boolean }
    readonly formats: { readonly customizers: { jwt: JwtCustomizer } }
    readonly features: Readonly<Record<string, Settings>>
    readonly cookies: { readonly long: Settings; readonly short: Settings }
    rotateRefreshToken: unknown
    readonly responseTypes: unknown
  }
}

export type JwtCustomizer = (
  ctx: { readonly oidc: { readonly body?: Readonly<Record<string, unknown>> } },
  token: unknown,
  jwt: { payload: Record<string, unknown> },
) => Promise<void>

/** The library says how it is set up to itself alone: by a file that is no part of its interface. */
const CACHE: string = 'oidc-provider/lib/helpers/weak_cache.js'
const { get } = (await import(CACHE)) as { get: (provider: Provider) => Internals }

/** A realm's provider that is set up in another way. */
export function worseProvider(
  worsen: (internals: Internals, provider: RealmProvider) => void,
): Pick<Pieces, 'provider'> {
  return { provider: (made) => worsen(get(made.context.provider), made) }
}
