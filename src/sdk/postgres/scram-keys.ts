import { createHash, createHmac, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify(pbkdf2)

/** More would let a server keep this process busy; PostgreSQL's own default is 4096. */
const ITERATIONS_MAX = 100_000

interface Keys {
  readonly salt: string
  readonly iterations: number
  readonly client: Buffer
  readonly stored: Buffer
  readonly server: Buffer
}

const hmac = (key: Uint8Array, text: string) => createHmac('sha256', key).update(text).digest()

/**
 * The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677) for one password. Deriving the keys from
 * the password takes most of the time of an authentication and gives the same each time, as long as
 * the server keeps its verifier: they are derived once. The password must be ASCII.
 */
export class ScramKeys {
  readonly #password: string
  #keys: Keys | undefined

  constructor(password: string) {
    this.#password = password
  }

  /**
   * Answers the server's first message, without channel binding.
   * @throws Error when the message is not what the protocol says
   */
  async answer(
    clientNonce: string,
    serverFirst: string,
  ): Promise<{ readonly response: string; readonly serverSignature: string }> {
    const { r: nonce = '', s: salt = '', i = '' } = attributes(serverFirst)
    const iterations = Number(i)
    if (!nonce.startsWith(clientNonce) || nonce.length === clientNonce.length || salt === '') {
      throw new Error('SCRAM: the server did not continue this authentication')
    }
    if (!(Number.isInteger(iterations) && iterations > 0 && iterations <= ITERATIONS_MAX)) {
      throw new Error('SCRAM: the server asks for an unreasonable number of iterations')
    }
    const keys = await this.#derive(salt, iterations)
    const withoutProof = `c=biws,r=${nonce}`
    const message = `n=*,r=${clientNonce},${serverFirst},${withoutProof}`
    const signature = hmac(keys.stored, message)
    const proof = keys.client.map((byte, index) => byte ^ (signature[index] ?? 0))
    return {
      response: `${withoutProof},p=${Buffer.from(proof).toString('base64')}`,
      serverSignature: hmac(keys.server, message).toString('base64'),
    }
  }

  async #derive(salt: string, iterations: number): Promise<Keys> {
    const known = this.#keys
    if (known?.salt === salt && known.iterations === iterations) return known
    const bytes = Buffer.from(salt, 'base64')
    const salted = await derive(this.#password, bytes, iterations, 32, 'sha256')
    const client = hmac(salted, 'Client Key')
    const stored = createHash('sha256').update(client).digest()
    const server = hmac(salted, 'Server Key')
    this.#keys = { salt, iterations, client, stored, server }
    return this.#keys
  }
}

/** `r=…,s=…,i=…` as a record. */
function attributes(message: string): Readonly<Record<string, string>> {
  return Object.fromEntries(message.split(',').map((part) => [part.slice(0, 1), part.slice(2)]))
}
