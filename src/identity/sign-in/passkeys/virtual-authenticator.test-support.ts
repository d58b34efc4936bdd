import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import type { PasskeyOptions } from '../sign-in.ts'

const USER_PRESENT = 0x01
const USER_VERIFIED = 0x04
const ATTESTED = 0x40

export interface Ceremony {
  readonly origin: string
  /** What is tried differently from what a browser would do. */
  readonly userVerified?: boolean
  readonly rpId?: string
  readonly counter?: number
  readonly userHandle?: string | null
  readonly challenge?: string
}

/** An authenticator with one passkey, made of a P-256 key (WebAuthn Level 3, section 6). */
export class VirtualAuthenticator {
  readonly #privateKey: KeyObject
  readonly #cose: Buffer
  readonly id = randomBytes(16)
  #rpId = ''
  #handle = ''
  counter = 0

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
    this.#privateKey = privateKey
    // {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}
    this.#cose = Buffer.concat([
      Buffer.from('a5010203262001215820', 'hex'),
      Buffer.from(x, 'base64url'),
      Buffer.from('225820', 'hex'),
      Buffer.from(y, 'base64url'),
    ])
  }

  register(options: PasskeyOptions, ceremony: Ceremony): object {
    const { challenge, rp, user } = options as {
      challenge: string
      rp: { id: string }
      user: { id: string }
    }
    this.#rpId = rp.id
    this.#handle = user.id
    const length = Buffer.alloc(2)
    length.writeUInt16BE(this.id.length)
    const attested = Buffer.concat([Buffer.alloc(16), length, this.id, this.#cose])
    const authData = this.#authData(ceremony, ATTESTED, attested)
    // {"fmt": "none", "attStmt": {}, "authData": bytes}
    const attestationObject = Buffer.concat([
      Buffer.from('a363666d74646e6f6e656761747453746d74a068617574684461746159', 'hex'),
      uint16(authData.length),
      authData,
    ])
    return {
      ...this.#credential(),
      response: {
        clientDataJSON: clientData('webauthn.create', ceremony, challenge),
        attestationObject: attestationObject.toString('base64url'),
        transports: ['internal'],
      },
    }
  }

  signIn(options: PasskeyOptions, ceremony: Ceremony): object {
    const { challenge } = options as { challenge: string }
    const clientDataJSON = clientData('webauthn.get', ceremony, challenge)
    const authData = this.#authData(ceremony, 0, Buffer.alloc(0))
    const hash = createHash('sha256').update(Buffer.from(clientDataJSON, 'base64url')).digest()
    const signature = sign('sha256', Buffer.concat([authData, hash]), this.#privateKey)
    const { userHandle = this.#handle } = ceremony
    return {
      ...this.#credential(),
      response: {
        clientDataJSON,
        authenticatorData: authData.toString('base64url'),
        signature: signature.toString('base64url'),
        userHandle,
      },
    }
  }

  #authData(ceremony: Ceremony, flags: number, more: Buffer): Buffer {
    const verified = ceremony.userVerified === false ? 0 : USER_VERIFIED
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(ceremony.counter ?? this.counter)
    return Buffer.concat([
      createHash('sha256')
        .update(ceremony.rpId ?? this.#rpId)
        .digest(),
      Buffer.of(USER_PRESENT | verified | flags),
      counter,
      more,
    ])
  }

  #credential() {
    const id = this.id.toString('base64url')
    return { id, rawId: id, type: 'public-key', clientExtensionResults: {} }
  }
}

function clientData(type: string, { origin, challenge }: Ceremony, asked: string): string {
  const data = { type, challenge: challenge ?? asked, origin, crossOrigin: false }
  return Buffer.from(JSON.stringify(data)).toString('base64url')
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}
