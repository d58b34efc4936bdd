import type { ContextSigner, SaidContext, SignedContext } from '../../gateway/signed-contexts.ts'
import type { TokenKey } from '../../gateway/token-key.ts'
import type { SigningKey } from '../../tokens/signing-key.ts'
import { signContextNow } from '../../tokens/tenant-context.ts'
import { type FrontDoorMutant, mutant } from './front-door-mutant.ts'

type KeyOf = (said: SaidContext, token: TokenKey) => string

/** Gives whoever comes with a key the context that was signed for it first. */
class CarelessContexts implements ContextSigner {
  readonly #key: SigningKey
  readonly #keyOf: KeyOf
  readonly #kept = new Map<string, SignedContext>()

  constructor(key: SigningKey, keyOf: KeyOf) {
    this.#key = key
    this.#keyOf = keyOf
  }

  sign(said: SaidContext, requestId: string, token: TokenKey): SignedContext {
    const key = this.#keyOf(said, token)
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept
    const signed = { text: signContextNow(this.#key, { ...said, requestId }, 60), requestId }
    this.#kept.set(key, signed)
    return signed
  }
}

function kept(
  id: string,
  title: string,
  noticedBy: readonly string[],
  keyOf: KeyOf,
): FrontDoorMutant {
  return mutant(id, title, noticedBy, ({ openGateway }) => ({
    openGateway: (options) =>
      openGateway({ ...options, contexts: new CarelessContexts(options.contextKey, keyOf) }),
  }))
}

/** What decides whether a context that was signed a moment ago is the right one. */
export const SIGNED_CONTEXT_MUTANTS: readonly FrontDoorMutant[] = [
  kept(
    'fd-contexts-by-name',
    'Contexts kept by the name of the user',
    ['fd-context-of-namesake'],
    ({ subject, service }) => `${subject} ${service}`,
  ),
  kept(
    'fd-contexts-by-user',
    'Contexts kept by tenant and user, and not by what the token may',
    ['fd-context-of-wider-token'],
    ({ tenant, subject, service }) => `${tenant} ${subject} ${service}`,
  ),
  kept(
    'fd-contexts-by-token',
    'Contexts kept by the token, which says what was so when it was issued',
    ['fd-context-from-before-pause'],
    ({ service }, token) => `${token} ${service}`,
  ),
  kept(
    'fd-contexts-any-service',
    'Contexts kept by token and scopes, for whichever service came first',
    ['fd-context-of-other-service'],
    ({ scopes }, token) => `${token} ${scopes.join(' ')}`,
  ),
]
