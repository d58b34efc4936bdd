import type { JWK } from 'jose'
import type { TenantId } from '../../../core/tenant.ts'
import type { ConnectionId } from './connection-id.ts'
import type { OidcConfig, SamlConfig } from './connection-config.ts'

interface Common {
  readonly tenant: TenantId
  readonly id: ConnectionId
  readonly displayName: string
  readonly enabled: boolean
  /** Goes up with every change. */
  readonly version: number
}

/** One identity provider of one realm, as it is configured. */
export type Connection = Common &
  (
    | { readonly kind: 'oidc'; readonly config: OidcConfig }
    | {
        readonly kind: 'saml'
        readonly config: SamlConfig
        readonly certificates: ServiceProviderCertificates
      }
  )

/** Certificates in PEM of the keys that we sign requests with, and that assertions are encrypted to. */
export interface ServiceProviderCertificates {
  readonly signing: string
  readonly encryption: string
}

/** What a connection can do only with its secrets. */
export type ConnectionSecrets =
  | { readonly kind: 'oidc'; readonly clientSecret?: string; readonly clientKey?: JWK }
  | { readonly kind: 'saml'; readonly signingKey: JWK; readonly encryptionKey: JWK }

/** A connection that may be used now: enabled, and with a provider that the realm allows. */
export type UsableConnection = Connection & { readonly secrets: ConnectionSecrets }

/** The provider's own name: the issuer, or the entity id. */
export function sourceOf(connection: Connection): string {
  return connection.kind === 'oidc' ? connection.config.issuer : connection.config.entityId
}

/** What the pages of a realm show of a connection. */
export interface ConnectionSummary {
  readonly id: ConnectionId
  readonly kind: Connection['kind']
  readonly displayName: string
}
