import type { RealmContext } from '../../provider/realm-context.ts'
import type { GuardedFetch } from '../outbound/guarded-fetch.ts'
import { EXTERNAL_SUBJECT_CHARACTERS_MAX, type ExternalUser } from '../external-user.ts'
import { demand } from '../refusal.ts'
import type { Assertion } from './assertion.ts'
import { SamlProviderSource } from './provider-source.ts'
import { TRANSIENT, TWO_FACTOR_CONTEXTS, UNSPECIFIED } from './saml-names.ts'
import {
  ASSERTION_SECONDS_MAX,
  newMessageId,
  serviceProvider,
  type UsableSamlConnection,
} from './service-provider.ts'
import type { UsedAssertions } from './used-assertions.ts'
import { verifyResponse } from './verify-response.ts'

type Realm = Pick<RealmContext, 'issuer'>

/** Signing in by SAML 2.0: the Web Browser SSO profile, redirect out and POST back. */
export class SamlFlow {
  readonly #fetch: GuardedFetch
  readonly #providers: SamlProviderSource
  readonly #used: UsedAssertions

  constructor(fetch: GuardedFetch, used: UsedAssertions) {
    this.#fetch = fetch
    this.#providers = new SamlProviderSource(fetch)
    this.#used = used
  }

  /** Where to send the browser, with a signed request. @throws FederationRefusal, RingfenceError `invalid_url` */
  async begin(realm: Realm, connection: UsableSamlConnection, relayState: string) {
    const provider = await this.#providers.of(connection)
    this.#fetch.check(provider.ssoUrl)
    const messageId = newMessageId()
    const saml = serviceProvider(realm, connection, provider, messageId)
    const location = await saml.getAuthorizeUrlAsync(relayState, undefined, {})
    return { location, messageId } as const
  }

  /**
   * Who the response names, once.
   * @param messageId our request's id, or undefined for a response that nobody asked for
   * @throws FederationRefusal
   */
  async complete(
    realm: Realm,
    connection: UsableSamlConnection,
    samlResponse: string,
    messageId: string | undefined,
  ): Promise<ExternalUser> {
    const provider = await this.#providers.of(connection)
    const assertion = await verifyResponse(realm, connection, provider, samlResponse, { messageId })
    demand(
      await this.#used.use(connection, assertion.id, usableUntil(assertion, connection)),
      'replayed',
      'the assertion was handed in before',
    )
    return externalUser(assertion, connection.config)
  }
}

/** Who an assertion names, as the connection's config says it. @throws FederationRefusal `subject_missing` */
export function externalUser(
  assertion: Assertion,
  config: UsableSamlConnection['config'],
): ExternalUser {
  const subject =
    'nameId' in config.subject
      ? namedBy(assertion, config.subject.nameId)
      : attributeOf(assertion, config.subject.attribute)
  demand(
    subject !== undefined && subject !== '' && subject.length <= EXTERNAL_SUBJECT_CHARACTERS_MAX,
    'subject_missing',
    'nothing that names the person for good',
  )
  const mfa = assertion.contexts.some((context) => TWO_FACTOR_CONTEXTS.includes(context))
  return {
    source: assertion.issuer,
    subject,
    claims: assertion.attributes,
    amr: mfa ? ['mfa'] : [],
  }
}

/** A name of another format may be another person's, and a transient one is somebody else's tomorrow. */
function namedBy({ nameId }: Assertion, wanted: string): string | undefined {
  if (nameId === undefined || wanted === TRANSIENT) return undefined
  return (nameId.format ?? UNSPECIFIED) === wanted ? nameId.value : undefined
}

function attributeOf({ attributes }: Assertion, name: string): string | undefined {
  const values = Object.hasOwn(attributes, name) ? (attributes[name] ?? []) : []
  return values.length === 1 ? values[0]?.trim() : undefined
}

/** After this no assertion of the same id passes: it would be too old, with any clock we allow. */
function usableUntil(assertion: Assertion, { config }: UsableSamlConnection): Date {
  const tooOld = assertion.issuedAt.getTime() + ASSERTION_SECONDS_MAX * 1000
  const end = Math.min(tooOld, assertion.confirmableUntil.getTime())
  return new Date(end + (config.clockSkewSeconds + 60) * 1000)
}
