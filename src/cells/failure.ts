import { z } from 'zod'
import { ERROR_CODES, messageOf, RingfenceError } from '../core/errors.ts'
import { problemOf } from '../http/problem.ts'

/** A refusal on its way between two processes of the platform, which tell each other the details. */
const failure = z.object({
  code: z.enum(ERROR_CODES),
  message: z.string(),
  detail: z.string().optional(),
})
export type Failure = z.output<typeof failure>

/** What is told of an error. What nobody expected keeps its words for the host's own log. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof RingfenceError)) {
    return { code: 'internal', message: 'the cell host failed; its log says why' }
  }
  const { code, detail } = error
  return { code, message: messageOf(error), ...(detail === undefined ? {} : { detail }) }
}

export function failureResponse(error: unknown): Response {
  return Response.json(failureOf(error), {
    status: problemOf(error).status,
    headers: { 'cache-control': 'no-store' },
  })
}

/** The refusal as it was thrown on the other side. */
export function errorFrom(text: string): RingfenceError {
  const read = failure.safeParse(fromJson(text))
  if (!read.success) {
    return new RingfenceError(
      'engine_unavailable',
      'the cell host gave no answer that it could give',
    )
  }
  const { code, message, detail } = read.data
  return new RingfenceError(code, message, detail === undefined ? {} : { detail })
}

/** Undefined for what is no JSON. */
export function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
