import { RingfenceError } from '../../../core/errors.ts'
import type { FederatedAccounts } from '../accounts/federated-accounts.ts'
import type { UsableConnection } from '../connection/connection.ts'
import type { ExternalUser } from '../external-user.ts'
import type { OidcFlow } from '../oidc/oidc-flow.ts'
import type { RealmContext } from '../../provider/realm-context.ts'
import { demand } from '../refusal.ts'
import type { SamlFlow } from '../saml/saml-flow.ts'
import type { Outcome, RequestKey, RequestStore, SentRequest } from './request-store.ts'

type Realm = Pick<RealmContext, 'tenant' | 'issuer'>
type Of<Kind> = Extract<UsableConnection, { kind: Kind }>

export interface JourneyOptions {
  readonly requests: RequestStore
  readonly accounts: FederatedAccounts
  readonly oidc: OidcFlow
  readonly saml: SamlFlow
}

/** With what, and where, the browser goes on after its answer was good. */
export interface Ticket {
  readonly ticket: string
  readonly interaction: string
}

/** The way of one sign-in: out to the provider, back with an answer, and to a user of the realm. */
export class SignInJourney {
  readonly #options: JourneyOptions

  constructor(options: JourneyOptions) {
    this.#options = options
  }

  /** Enters the request and returns where the browser goes. @throws FederationRefusal, `rate_limited` */
  async begin(
    realm: Realm,
    connection: UsableConnection,
    key: RequestKey,
    interaction: string,
  ): Promise<string> {
    const { oidc, saml, requests } = this.#options
    const nothing = { nonce: undefined, codeVerifier: undefined, messageId: undefined }
    const { location, ...sent } =
      connection.kind === 'oidc'
        ? await oidc.begin(realm, connection, key.state)
        : await saml.begin(realm, connection, key.state)
    await requests.begin(realm.tenant, connection.id, key, { ...nothing, ...sent, interaction })
    return location
  }

  /** @throws FederationRefusal */
  async answeredByOidc(
    realm: Realm,
    connection: Of<'oidc'>,
    key: RequestKey,
    answer: URLSearchParams,
  ): Promise<Ticket> {
    const sent = await this.#taken(realm, connection, key)
    const external = await this.#options.oidc.complete(realm, connection, answer, key.state, sent)
    return this.#succeeded(realm, connection, key, sent, external)
  }

  /** @throws FederationRefusal */
  async answeredBySaml(
    realm: Realm,
    connection: Of<'saml'>,
    key: RequestKey,
    samlResponse: string,
  ): Promise<Ticket> {
    const sent = await this.#taken(realm, connection, key)
    const { messageId } = sent
    if (messageId === undefined) throw new RingfenceError('internal', 'a request without its id')
    const external = await this.#options.saml.complete(realm, connection, samlResponse, messageId)
    return this.#succeeded(realm, connection, key, sent, external)
  }

  /**
   * A response that nobody asked for. It signs nobody in: where the connection allows it, the browser
   * is sent to where an ordinary sign-in begins.
   * @throws FederationRefusal
   */
  async unsolicited(realm: Realm, connection: Of<'saml'>, samlResponse: string): Promise<string> {
    const { idpInitiated } = connection.config
    demand(idpInitiated !== undefined, 'unsolicited', 'a response to no request of this browser')
    await this.#options.saml.complete(realm, connection, samlResponse, undefined)
    return idpInitiated.startUrl
  }

  async #taken({ tenant }: Realm, { id }: UsableConnection, key: RequestKey): Promise<SentRequest> {
    const sent = await this.#options.requests.take(tenant, id, key)
    demand(sent !== undefined, 'request_unknown', 'an answer to no request of this browser')
    return sent
  }

  async #succeeded(
    { tenant }: Realm,
    connection: UsableConnection,
    key: RequestKey,
    { interaction }: SentRequest,
    external: ExternalUser,
  ): Promise<Ticket> {
    const { subject, isNew } = await this.#options.accounts.signIn(connection, external)
    const amr = connection.config.trustFactors ? external.amr : []
    const outcome: Outcome = { subject, isNew, amr }
    const ticket = await this.#options.requests.succeed(tenant, key, outcome)
    return { ticket, interaction }
  }
}
