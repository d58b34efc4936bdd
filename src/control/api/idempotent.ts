import { createHash } from 'node:crypto'
import { createMiddleware } from 'hono/factory'
import type { StoredAnswer } from '../control-plane.ts'
import { bearerToken } from './authenticate.ts'
import type { ApiContext, ApiEnvironment, ApiParts } from './environment.ts'
import { Refusal } from './refusal.ts'
import { seal, unseal } from './sealed-answer.ts'

/** Visible ASCII, with or without the quotes that the draft of the header asks for. */
const KEY = /^[\x21-\x7e]{1,255}$/
const KEPT_HEADERS = ['content-type', 'location', 'etag'] as const

/**
 * Honours `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): the change is made once, and
 * a repeat gets the first answer. Refusals are not remembered: they changed nothing. It stands after
 * authentication, since keys are the actor's own. `secret`: the answer is remembered sealed.
 */
export function idempotent(
  parts: ApiParts,
  { secret = false }: { readonly secret?: boolean } = {},
) {
  return createMiddleware<ApiEnvironment>(async (context, next) => {
    const key = keyOf(context)
    if (key === undefined) return next()
    const token = bearerToken(context) ?? ''
    const answer = await parts.plane.idempotency.once(
      context.get('actor'),
      key,
      await fingerprint(context),
      async () => {
        await next()
        if (context.error !== undefined) throw context.error
        const made = await storedOf(context.res)
        return secret ? { ...made, body: seal(made.body, token, key) } : made
      },
    )
    if (!answer.repeated) return
    return new Response(secret ? unseal(answer.body, token, key) : answer.body, {
      status: answer.status,
      headers: { ...answer.headers, 'idempotent-replayed': 'true' },
    })
  })
}

function keyOf(context: ApiContext): string | undefined {
  const key = context.req.header('idempotency-key')
  if (key === undefined || KEY.test(key)) return key
  const detail = '1 to 255 visible ASCII characters'
  throw new Refusal('invalid_argument', `header Idempotency-Key: ${detail}`, {
    errors: [{ in: 'header', pointer: '#/Idempotency-Key', detail }],
  })
}

/** One line that two requests share only if they ask for the same. */
async function fingerprint(context: ApiContext): Promise<string> {
  const { pathname, search } = new URL(context.req.url)
  const type = context.req.header('content-type') ?? ''
  const text = [context.req.method, `${pathname}${search}`, type, await context.req.text()]
  return createHash('sha256').update(JSON.stringify(text)).digest('hex')
}

async function storedOf(response: Response): Promise<StoredAnswer> {
  const kept = KEPT_HEADERS.flatMap((name) => {
    const value = response.headers.get(name)
    return value === null ? [] : [[name, value] as const]
  })
  return {
    status: response.status,
    body: await response.clone().text(),
    headers: Object.fromEntries(kept),
  }
}
