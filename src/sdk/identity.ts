import { readFile } from 'node:fs/promises'
import type { JWK } from 'jose'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { ClientId } from '../core/names.ts'
import { signClientAssertion } from '../tokens/client-assertion.ts'
import { SigningKey } from '../tokens/signing-key.ts'

/** This workload's own identity. It opens nothing by itself: it says who exchanges a context. */
export class WorkloadIdentity {
  readonly client: ClientId
  readonly #source: JWK | string
  #key: Promise<SigningKey> | undefined

  /** `key` is a private JWK, or the path of a file that holds one. */
  constructor(client: ClientId, key: JWK | string) {
    this.client = client
    this.#source = key
  }

  /**
   * A fresh proof for one audience, good once (RFC 7523).
   * @throws RingfenceError `invalid_argument` when the key cannot be read
   */
  async assertion(audience: string): Promise<string> {
    this.#key ??= readKey(this.#source)
    try {
      return await signClientAssertion(await this.#key, this.client, audience)
    } catch (error) {
      // The file may be there the next time.
      this.#key = undefined
      throw error
    }
  }
}

async function readKey(source: JWK | string): Promise<SigningKey> {
  if (typeof source !== 'string') return SigningKey.fromJwk(source)
  let jwk: unknown
  try {
    jwk = JSON.parse(await readFile(source, 'utf8'))
  } catch (error) {
    // A parser's message would quote the key.
    const detail = error instanceof SyntaxError ? 'it is not JSON' : messageOf(error)
    throw new RingfenceError('invalid_argument', "the workload's key cannot be read", { detail })
  }
  if (typeof jwk !== 'object' || jwk === null) {
    throw new RingfenceError('invalid_argument', "the workload's key is not a JWK")
  }
  return SigningKey.fromJwk(jwk)
}
