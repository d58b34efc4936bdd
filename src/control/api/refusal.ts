import { HTTPException } from 'hono/http-exception'
import type { ZodError } from 'zod'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { PROBLEM_TYPE, problemOf } from '../../http/problem.ts'
import { ApprovalRequired } from '../operators/approval-required.ts'
import type { ApiContext } from './environment.ts'
import type { WireProblem } from './schemas.ts'

export type FieldErrors = NonNullable<WireProblem['errors']>

/** A refusal with headers of its own, or with the fields that were wrong. */
export class Refusal extends RingfenceError {
  readonly headers: Readonly<Record<string, string>>
  readonly errors: FieldErrors | undefined

  constructor(
    code: RingfenceError['code'],
    message: string,
    more: {
      readonly headers?: Readonly<Record<string, string>>
      readonly errors?: FieldErrors
      readonly cause?: unknown
    } = {},
  ) {
    super(code, message, more.cause === undefined ? {} : { cause: more.cause })
    this.headers = more.headers ?? {}
    this.errors = more.errors
  }
}

/** The part of a request that a schema is for, in Hono's words. */
const PARTS = { json: 'body', query: 'query', param: 'path', header: 'header' } as const
const ERRORS_MAX = 20

/** A request that does not fit its schema, field by field. Values are not repeated. */
export function misfit(target: string, error: ZodError): Refusal {
  const part = Object.hasOwn(PARTS, target) ? PARTS[target as keyof typeof PARTS] : 'body'
  const errors = error.issues.slice(0, ERRORS_MAX).map((issue) => ({
    in: part,
    pointer: `#${issue.path.map((step) => `/${escapeStep(String(step))}`).join('')}`,
    detail: issue.message.slice(0, 500),
  }))
  const tenant = part === 'path' && error.issues.some(({ path }) => path[0] === 'tenant')
  const first = errors[0]
  return new Refusal(
    tenant ? 'invalid_tenant_id' : 'invalid_argument',
    first === undefined
      ? 'the request is not valid'
      : `${first.in} ${first.pointer}: ${first.detail}`,
    { errors },
  )
}

/** RFC 6901, section 3. */
function escapeStep(step: string): string {
  return step.replaceAll('~', '~0').replaceAll('/', '~1').slice(0, 100)
}

/** What a caller may try again in a moment, unlike a region without room. */
const TRANSIENT = new Set<RingfenceError['code']>([
  'engine_unavailable',
  'overloaded',
  'snapshot_stale',
])
const RETRY_AFTER_SECONDS = '1'

/** Any error as a problem document. What is not a refusal is logged, and told to nobody. */
export function refuse(
  thrown: unknown,
  context: ApiContext,
  log: ((line: string) => void) | undefined,
): Response {
  const requestId = context.get('requestId')
  const error = thrown instanceof HTTPException ? ofHono(thrown) : thrown
  const problem = problemOf(error, requestId)
  if (problem.status >= 500) log?.(describe(error, requestId))
  const more = error instanceof Refusal ? error : undefined
  return new Response(
    `${JSON.stringify({ ...problem, ...(more?.errors ? { errors: more.errors } : {}) })}\n`,
    {
      status: problem.status,
      headers: {
        'content-type': PROBLEM_TYPE,
        ...(TRANSIENT.has(problem.code) ? { 'retry-after': RETRY_AFTER_SECONDS } : {}),
        ...(error instanceof ApprovalRequired
          ? { location: `/v1/approvals/${error.approval}` }
          : {}),
        ...more?.headers,
      },
    },
  )
}

function ofHono(error: HTTPException): RingfenceError {
  if (error.status === 415) {
    return new RingfenceError('unsupported_media_type', 'send the body as application/json')
  }
  if (error.status === 400) {
    return new RingfenceError('invalid_argument', 'the body is not well-formed JSON')
  }
  return new RingfenceError('internal', 'an unexpected answer of the framework', { cause: error })
}

function describe(error: unknown, requestId: string): string {
  const code = error instanceof RingfenceError ? error.code : 'internal'
  const detail = error instanceof RingfenceError ? error.detail : undefined
  return `request ${requestId}: ${code}: ${messageOf(error)}${detail === undefined ? '' : ` (${detail})`}`
}
