import { createHash } from 'node:crypto'
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'
import type { Subject } from '../../../core/names.ts'
import type { TenantId } from '../../../core/tenant.ts'
import type { IdentityDatabase } from '../../identity-database.ts'
import type { SignInRealm } from '../sign-in-realm.ts'
import type { PasskeyOptions } from '../sign-in.ts'
import { Challenges } from './challenges.ts'
import { challengeOf, readAuthentication, readRegistration } from './passkey-response.ts'
import { PasskeyStore, type StoredPasskey } from './passkey-store.ts'

const TIMEOUT_MS = 300_000
/** EdDSA, ES256, RS256: what authenticators make. */
const ALGORITHMS = [-8, -7, -257]

/** Who a passkey is made for. */
export interface PasskeyUser {
  readonly subject: Subject
  /** What the browser shows when it asks which one to use. */
  readonly name: string
  readonly displayName: string
}

/**
 * The ceremonies of WebAuthn. A passkey is for the issuer's host; it is found without a name, and its
 * owner is verified by it (PIN, finger, face): it is two factors in one.
 */
export class PasskeyCeremonies {
  readonly #database: IdentityDatabase
  readonly #challenges = new Challenges()
  readonly store = new PasskeyStore()

  constructor(database: IdentityDatabase) {
    this.#database = database
  }

  /** @param holder who may answer: an attempt or a user, by a name that no other has */
  async registrationOptions(
    tenant: TenantId,
    realm: SignInRealm,
    holder: string,
    user: PasskeyUser,
  ): Promise<PasskeyOptions> {
    const had = await this.store.named(this.#database, tenant, user.subject)
    const options = await generateRegistrationOptions({
      rpName: realm.displayName,
      rpID: hostOf(realm),
      userName: user.name,
      userDisplayName: user.displayName,
      userID: new Uint8Array(handleOf(tenant, user.subject)),
      timeout: TIMEOUT_MS,
      attestationType: 'none',
      excludeCredentials: [...had],
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      supportedAlgorithmIDs: ALGORITHMS,
    })
    await this.#keep(tenant, holder, 'register', options.challenge)
    return { ...options }
  }

  /** The passkey that was made, or undefined. It is not entered yet. */
  async registered(
    tenant: TenantId,
    realm: SignInRealm,
    holder: string,
    subject: Subject,
    value: unknown,
  ): Promise<StoredPasskey | undefined> {
    const response = readRegistration(value)
    if (response === undefined) return undefined
    const challenge = challengeOf(response.response.clientDataJSON)
    if (!(await this.#taken(tenant, holder, 'register', challenge))) return undefined
    try {
      const { verified, registrationInfo } = await verifyRegistrationResponse({
        response,
        expectedChallenge: String(challenge),
        expectedOrigin: originOf(realm),
        expectedRPID: hostOf(realm),
        requireUserVerification: true,
        supportedAlgorithmIDs: ALGORITHMS,
      })
      if (!verified) return undefined
      const { credential, credentialDeviceType } = registrationInfo
      return {
        id: credential.id,
        subject,
        publicKey: credential.publicKey,
        counter: credential.counter,
        transports: credential.transports ?? [],
        synced: credentialDeviceType === 'multiDevice',
      }
    } catch {
      // The library says by throwing what does not hold.
      return undefined
    }
  }

  /** @param subject whose passkeys; undefined: whatever the browser has for this host */
  async signInOptions(
    tenant: TenantId,
    realm: SignInRealm,
    holder: string,
    subject: Subject | undefined,
  ): Promise<PasskeyOptions> {
    const allowed =
      subject === undefined ? [] : await this.store.named(this.#database, tenant, subject)
    const options = await generateAuthenticationOptions({
      rpID: hostOf(realm),
      timeout: TIMEOUT_MS,
      userVerification: 'required',
      allowCredentials: [...allowed],
    })
    await this.#keep(tenant, holder, 'sign_in', options.challenge)
    return { ...options }
  }

  /** Whose passkey answered, or undefined. */
  async signedIn(
    tenant: TenantId,
    realm: SignInRealm,
    holder: string,
    value: unknown,
  ): Promise<StoredPasskey | undefined> {
    const response = readAuthentication(value)
    if (response === undefined) return undefined
    const challenge = challengeOf(response.response.clientDataJSON)
    if (!(await this.#taken(tenant, holder, 'sign_in', challenge))) return undefined
    const passkey = await this.store.find(this.#database, tenant, response.id)
    if (passkey === undefined) return undefined
    const handle = handleOf(tenant, passkey.subject).toString('base64url')
    if ((response.response.userHandle ?? handle) !== handle) return undefined
    try {
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response,
        expectedChallenge: String(challenge),
        expectedOrigin: originOf(realm),
        expectedRPID: hostOf(realm),
        requireUserVerification: true,
        credential: { ...passkey, transports: [...passkey.transports] },
      })
      const { newCounter } = authenticationInfo
      if (!verified) return undefined
      const counted = await this.store.used(this.#database, tenant, passkey.id, newCounter)
      return counted ? passkey : undefined
    } catch {
      return undefined
    }
  }

  #keep(tenant: TenantId, holder: string, purpose: 'register' | 'sign_in', challenge: string) {
    return this.#database.transaction((rows) =>
      this.#challenges.keep(rows, tenant, holder, purpose, challenge),
    )
  }

  async #taken(
    tenant: TenantId,
    holder: string,
    purpose: 'register' | 'sign_in',
    challenge: string | undefined,
  ): Promise<boolean> {
    if (challenge === undefined) return false
    return this.#challenges.take(this.#database, tenant, holder, purpose, challenge)
  }
}

const originOf = ({ issuer }: SignInRealm) => new URL(issuer).origin
const hostOf = ({ issuer }: SignInRealm) => new URL(issuer).hostname

/** The user's handle: it says nothing of the user to whoever reads the authenticator. */
function handleOf(tenant: TenantId, subject: Subject): Buffer {
  return createHash('sha256')
    .update(JSON.stringify(['ringfence user handle', tenant, subject]))
    .digest()
}
