import { createMiddleware } from 'hono/factory'
import { RingfenceError } from '../../core/errors.ts'
import type { Actor, OperatorScope } from '../control-plane.ts'
import { TWO_FACTORS } from '../operators/operators-realm.ts'
import type { ApiContext, ApiEnvironment, ApiParts } from './environment.ts'
import { Refusal } from './refusal.ts'

const CHALLENGE = 'Bearer realm="ringfence"'
/** RFC 6750, section 2.1: `b64token`. */
const BEARER = /^bearer +([A-Za-z0-9._~+/-]{1,4096}=*)$/i

/** Lets a caller pass who presents an operator's token with this scope (RFC 6750). */
export function authenticated(parts: ApiParts, scope: OperatorScope) {
  return createMiddleware<ApiEnvironment>(async (context, next) => {
    context.set('actor', await authenticateOperator(parts, context, scope))
    await next()
  })
}

/** Lets any operator pass, whatever it may do. */
export function authenticatedAnyhow(parts: ApiParts) {
  return createMiddleware<ApiEnvironment>(async (context, next) => {
    context.set('actor', await whoAsks(parts, context))
    await next()
  })
}

/** @throws Refusal `not_authenticated` (401), `forbidden` (403), `rate_limited` (429) */
export async function authenticateOperator(
  parts: ApiParts,
  context: ApiContext,
  scope: OperatorScope,
): Promise<Actor> {
  const actor = await whoAsks(parts, context)
  if (actor.scopes.includes(scope)) return actor
  await enterRefusal(parts, context, `without the scope ${scope}`, actor)
  if (actor.signedIn?.beyond.includes(scope) === true) throw oneFactorOnly()
  throw new Refusal('forbidden', `this needs the scope ${scope}`, {
    headers: {
      'www-authenticate': `${CHALLENGE}, error="insufficient_scope", scope="${scope}"`,
    },
  })
}

async function whoAsks(parts: ApiParts, context: ApiContext): Promise<Actor> {
  const token = bearerToken(context)
  if (token === undefined) {
    // Costs nothing to refuse and guesses nothing: it is not counted.
    throw new Refusal(
      'not_authenticated',
      'present an operator’s token (Authorization: Bearer …)',
      {
        headers: { 'www-authenticate': CHALLENGE },
      },
    )
  }
  return countingFailures(parts, context, token, () =>
    parts.plane.operators.authenticate(token, context.get('requestId')),
  )
}

/** RFC 9470: the same person, signed in with two factors, would be let pass. */
function oneFactorOnly(): Refusal {
  return new Refusal('not_authenticated', 'this needs a sign-in with two factors', {
    headers: {
      'www-authenticate': `${CHALLENGE}, error="insufficient_user_authentication", acr_values="${TWO_FACTORS}"`,
    },
  })
}

/** Whether the caller, who was let pass, would be let pass now: for answers that take long. */
export function mayGoOn(
  { plane }: ApiParts,
  context: ApiContext,
  scope: OperatorScope,
): () => Promise<boolean> {
  const token = bearerToken(context) ?? ''
  const requestId = context.get('requestId')
  return async () => {
    try {
      return (await plane.operators.authenticate(token, requestId)).scopes.includes(scope)
    } catch (error) {
      if (isRefusal(error)) return false
      throw error
    }
  }
}

/** The presented token; undefined without one, and for what is not one. */
export function bearerToken(context: ApiContext): string | undefined {
  return BEARER.exec(context.req.header('authorization') ?? '')?.[1]
}

/**
 * Tries `authenticate` with a credential, unless its address failed too often of late. Every failure
 * looks the same, whatever was wrong.
 */
export async function countingFailures<T>(
  parts: ApiParts,
  context: ApiContext,
  credential: string,
  authenticate: () => Promise<T>,
): Promise<T> {
  const { failed } = parts
  const seconds = await failed.mustWait(context, credential)
  if (seconds !== undefined) {
    throw new Refusal('rate_limited', 'too many failed authentications from this address', {
      headers: failed.waitHeaders(seconds),
    })
  }
  try {
    const actor = await authenticate()
    failed.forgive(credential)
    return actor
  } catch (error) {
    if (!isRefusal(error)) throw error
    await enterRefusal(parts, context, 'not a valid credential', undefined)
    throw new Refusal('not_authenticated', 'the credential is not valid', {
      headers: {
        'www-authenticate': `${CHALLENGE}, error="invalid_token"`,
        ...(await failed.enter(context)),
      },
      cause: error,
    })
  }
}

async function enterRefusal(
  { plane, failed }: ApiParts,
  context: ApiContext,
  reason: string,
  by: Actor | undefined,
): Promise<void> {
  const requestId = context.get('requestId')
  await plane.refusals.enter({ by, requestId, address: failed.address(context), reason })
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof RingfenceError &&
    (error.code === 'not_authenticated' || error.code === 'invalid_token')
  )
}
