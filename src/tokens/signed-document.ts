import { compactVerify } from 'jose'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { parseStrictJson } from '../core/strict-json.ts'
import type { SigningKey } from './signing-key.ts'
import type { KeySet } from './verify-token.ts'

/** A document of our own processes, signed as a compact JWS (RFC 7515) with EdDSA. */
export async function signDocument(
  key: SigningKey,
  typ: string,
  document: Readonly<Record<string, unknown>>,
): Promise<string> {
  if (key.publicJwk.alg !== 'EdDSA') {
    throw new RingfenceError('invalid_argument', 'documents are signed with an EdDSA key')
  }
  return key.sign(typ, document)
}

/**
 * What a signed document of one type says. Who signed and that it is whole is all that is checked.
 * @throws RingfenceError `invalid_token`, with the reason in the private detail only
 */
export async function openDocument(text: string, keys: KeySet, typ: string): Promise<unknown> {
  try {
    const { payload, protectedHeader } = await compactVerify(
      text,
      ({ kid, alg }) => keys.find(kid, alg),
      { algorithms: ['EdDSA'] },
    )
    // Exactly: RFC 7515 lets readers add `application/`, which makes two spellings of one type.
    if (protectedHeader.typ !== typ) throw new TypeError('of another type')
    return parseStrictJson(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  } catch (error) {
    throw new RingfenceError('invalid_token', 'the document is not signed by this platform', {
      detail: messageOf(error),
      cause: error,
    })
  }
}
