import type { Configuration } from 'oidc-provider'
import type { RealmSettings } from './realm-settings.ts'

const CODE_SECONDS = 60
const DEVICE_CODE_SECONDS = 600
const INTERACTION_SECONDS = 1_800
const ID_TOKEN_SECONDS = 300

/** How long what the provider makes is good for, in seconds. */
export function lifetimes(settings: RealmSettings): NonNullable<Configuration['ttl']> {
  const { accessTokenSeconds, refreshTokenSeconds, session } = settings
  return {
    AccessToken: accessTokenSeconds,
    ClientCredentials: accessTokenSeconds,
    AuthorizationCode: CODE_SECONDS,
    DeviceCode: DEVICE_CODE_SECONDS,
    Interaction: INTERACTION_SECONDS,
    IdToken: ID_TOKEN_SECONDS,
    Grant: Math.max(refreshTokenSeconds, session.seconds),
    // However often it is rotated, its family ends when the first of it would have.
    RefreshToken: (_ctx, token) => left(token.iiat, refreshTokenSeconds, refreshTokenSeconds),
    Session: (_ctx, { loginTs }) => left(loginTs, session.seconds, session.idleSeconds),
  }
}

/** What is left of a life, and no more than `most`. One second at least: zero would be for ever. */
function left(began: number | undefined, seconds: number, most: number): number {
  const now = Math.floor(Date.now() / 1000)
  return Math.max(1, Math.min(most, (began ?? now) + seconds - now))
}
