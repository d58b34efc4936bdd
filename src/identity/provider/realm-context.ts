import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Client, errors, ErrorOut, KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { TenantId } from '../../core/tenant.ts'
import type { RealmSettings } from './realm-settings.ts'

/** One realm as its own endpoints and pages meet it, at one version of its settings. */
export interface RealmContext {
  readonly tenant: TenantId
  /** `https://id.example.com/realms/acme`, or the realm's own `https://login.acme.example`. */
  readonly issuer: string
  readonly displayName: string
  readonly settings: RealmSettings
  readonly provider: Provider
  /** Where and how cookies of this realm are set: for no path of another realm. */
  readonly cookies: {
    /** `/realms/acme`, or `/` on the realm's own domain. */
    readonly path: string
    readonly secure: boolean
  }
  /**
   * 256 secret bits of this realm, the same in every process, for one purpose (HKDF): what one
   * purpose's key signs is nothing to another's.
   */
  deriveKey(purpose: string): Buffer
}

/**
 * A request below an issuer. `url` is the path from the issuer on, `/interaction/x?y`. Its host,
 * protocol and address headers are ours: nothing that a client sent in them is left.
 */
export type RealmRequest = IncomingMessage & {
  url: string
  readonly method: string
  /** The path of the issuer, `/realms/acme`, or empty on the realm's own domain. */
  readonly baseUrl: string
  /** Where the request comes from, by the proxies that are trusted alone. */
  readonly address: string
}

/**
 * Serves paths below an issuer that are not the provider's own: `/interaction/<uid>`, `/account`,
 * `/federation/...`, `/scim/v2/...`. It is asked before the provider, of realms that are there and
 * open alone. True when it has answered; false, having read nothing of the body, when the path is
 * not its own.
 */
export type RealmHandler = (
  context: RealmContext,
  request: RealmRequest,
  response: ServerResponse,
) => Promise<boolean>

/** A form that the provider's own endpoint takes, posted there with these fields and some more. */
export interface ProviderForm {
  readonly action: string
  readonly hidden: Readonly<Record<string, string>>
}

/**
 * What the provider's own endpoints show. Each sets `ctx.type` and `ctx.body`, and may set headers.
 */
export interface ProviderPages {
  /** Asks whether to sign out here, too: with the field `logout=yes` everywhere, without it of the client. */
  signOut(context: RealmContext, ctx: KoaContextWithOIDC, form: ProviderForm): Promise<void>
  /** After that, when the client named nowhere to go. */
  signedOut(context: RealmContext, ctx: KoaContextWithOIDC): Promise<void>
  /** Asks for a device's code, as the field `user_code`; again, with what was typed, when it is refused. */
  deviceCode(
    context: RealmContext,
    ctx: KoaContextWithOIDC,
    form: ProviderForm,
    again?: { readonly typed: string; readonly refusal: ErrorOut },
  ): Promise<void>
  /** Asks whether it is the user's own device. The field `abort=yes` refuses. */
  deviceConfirm(
    context: RealmContext,
    ctx: KoaContextWithOIDC,
    form: ProviderForm,
    client: Client,
    userCode: string,
  ): Promise<void>
  deviceDone(context: RealmContext, ctx: KoaContextWithOIDC): Promise<void>
  /** A refusal that cannot be sent to a client. */
  refused(
    context: RealmContext,
    ctx: KoaContextWithOIDC,
    refusal: ErrorOut,
    error: errors.OIDCProviderError | Error,
  ): Promise<void>
}

/** Path below an issuer at which the page of an interaction is: `/interaction/<uid>`. */
export const INTERACTION_PATH = '/interaction'
