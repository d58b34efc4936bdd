import { z } from '@hono/zod-openapi'
import type { OperatorScope } from '../control-plane.ts'
import { PROBLEM_TYPE } from '../../http/problem.ts'
import { problemSchema } from './schemas.ts'

/** Parts of which the description of every operation is made. */

/** Refusals of any operation that needs an operator's token. */
const GUARDED = [400, 401, 403, 429, 500, 503, 504] as const
const MEANINGS = {
  400: 'The request is not valid.',
  401: 'No valid token.',
  403: 'The token lacks the scope, or this actor may not do it.',
  404: 'There is no such thing.',
  409: 'It does not fit the present state.',
  412: '`If-Match` names an older version.',
  413: 'The body is too long.',
  415: 'The body is not JSON.',
  422: 'The `Idempotency-Key` was used with another request.',
  429: 'Too many failed authentications.',
  500: 'Trouble on our side.',
  503: 'A part of the platform is away, or there is no room.',
  504: 'A part of the platform did not answer in time.',
} as const
type RefusalStatus = keyof typeof MEANINGS

function refusal(status: RefusalStatus) {
  return {
    description: MEANINGS[status],
    content: { [PROBLEM_TYPE as 'application/problem+json']: { schema: problemSchema } },
  }
}

export function refusals<const S extends RefusalStatus>(
  ...statuses: readonly S[]
): Record<S, ReturnType<typeof refusal>> {
  return Object.fromEntries(statuses.map((status) => [status, refusal(status)])) as Record<
    S,
    ReturnType<typeof refusal>
  >
}

/** Refusals of an operation behind a token, and those that are its own. */
export function guardedRefusals<const S extends RefusalStatus = never>(...own: readonly S[]) {
  return refusals<S | (typeof GUARDED)[number]>(...GUARDED, ...own)
}

/** Refusals of an operation that takes a body or an `Idempotency-Key`. */
export function changeRefusals<const S extends RefusalStatus = never>(...own: readonly S[]) {
  return refusals<S | (typeof GUARDED)[number] | 409 | 413 | 415 | 422>(
    ...GUARDED,
    409,
    413,
    415,
    422,
    ...own,
  )
}

export function json<T extends z.ZodType>(description: string, schema: T) {
  return { description, content: { 'application/json': { schema } } }
}

/** A body that must be there. */
export function body<T extends z.ZodType>(schema: T) {
  return { required: true, content: { 'application/json': { schema } } }
}

export function scoped(scope: OperatorScope) {
  return [{ operator: [scope] }]
}

export const idempotencyHeader = z.object({
  'Idempotency-Key': z.string().optional().openapi({
    description:
      'Makes a repeat safe: it gets the first answer, with `Idempotent-Replayed: true`. 1 to 255 visible ASCII characters, remembered for 24 hours.',
    minLength: 1,
    maxLength: 255,
  }),
})

export const linkHeader = {
  Link: {
    description: 'The next page (`rel="next"`), when there is one.',
    schema: { type: 'string' as const },
  },
}
export const locationHeader = {
  Location: {
    description: 'The workflow that does it.',
    schema: { type: 'string' as const },
  },
}
export const tagHeader = {
  ETag: { description: 'The tenant’s version.', schema: { type: 'string' as const } },
}
