import { RingfenceError } from '../../core/errors.ts'
import type { PublicJwk } from '../../tokens/signing-key.ts'
import { KeySet } from '../../tokens/verify-token.ts'
import { type ClientDetails, type ClientDetailsInput, clientDetailsSchema } from './client-spec.ts'
import type { ClientAuthMethod } from './realm-settings.ts'

/** @throws RingfenceError `invalid_argument` */
export function parseDetails(input: ClientDetailsInput): ClientDetails {
  const result = clientDetailsSchema.safeParse(input)
  if (!result.success) {
    const issue = result.error.issues[0]
    throw new RingfenceError(
      'invalid_argument',
      `${issue?.path.join('.') ?? 'the client'}: ${issue?.message ?? 'invalid'}`,
    )
  }
  const { grantTypes, redirectUris } = result.data
  if (grantTypes.includes('authorization_code') !== redirectUris.length > 0) {
    throw new RingfenceError(
      'invalid_argument',
      'a client with the authorization code grant has redirect URIs, and no other has',
    )
  }
  return result.data
}

/** How the client authenticates. @throws RingfenceError `invalid_argument` for keys without use, for a method without its keys */
export function methodOf(
  { authMethod, grantTypes }: ClientDetails,
  keys: readonly PublicJwk[] | undefined,
): ClientAuthMethod {
  // Refuses what could not be verified with later.
  const known = keys === undefined ? undefined : new KeySet(keys)
  const method = authMethod ?? (known === undefined ? 'client_secret_basic' : 'private_key_jwt')
  if ((method === 'private_key_jwt') !== (known !== undefined)) {
    throw new RingfenceError('invalid_argument', 'keys go with private_key_jwt, and it with keys')
  }
  if (method === 'none' && grantTypes.includes('client_credentials')) {
    throw new RingfenceError('invalid_argument', 'a public client has no credentials to come with')
  }
  return method
}
