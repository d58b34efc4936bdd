import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { DatabaseError } from 'pg'
import { z } from 'zod'
import { problemOf as refusalOf, RingfenceError } from '../../../src/sdk/index.ts'

/** An answer that says what went wrong, as RFC 9457 has it. */
interface Problem {
  readonly status: number
  readonly title: string
  /** For the caller. Never from the database: its words may quote data. */
  readonly detail?: string
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[]
}

/** SQLSTATE to status. What is not here is our own fault: 500. */
const DATABASE_STATUS: Readonly<Record<string, number>> = {
  '22001': 422,
  '22003': 422,
  '22007': 400,
  '22008': 400,
  '22P02': 400,
  '22021': 400,
  '22P05': 422,
  '23502': 422,
  '23503': 409,
  '23505': 409,
  '23514': 422,
  '42501': 403,
  '53200': 503,
  '53300': 503,
  '57014': 504,
  '57P01': 503,
  '57P03': 503,
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  413: 'Content Too Large',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** Answers a request that failed; `thrown` is not shown. */
export function problemResponse(c: Context, thrown: unknown): Response {
  const { status, ...rest } = problemOf(thrown)
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' }
  if (status === 429 || status === 503) headers['retry-after'] = '1'
  const body = JSON.stringify({ type: 'about:blank', status, ...rest })
  return c.body(body, status as ContentfulStatusCode, headers)
}

/** What the log says of a failure: a class, code or SQLSTATE, never a message, which may quote data. */
export function failureCode(thrown: unknown): string {
  if (thrown instanceof DatabaseError) return thrown.code ?? 'database'
  if (thrown instanceof HTTPException) return String(thrown.status)
  if (thrown instanceof RingfenceError) return thrown.code
  return thrown instanceof Error ? thrown.constructor.name : typeof thrown
}

function problemOf(thrown: unknown): Problem {
  if (thrown instanceof z.ZodError) return { ...titled(422), errors: thrown.issues.map(fieldError) }
  if (thrown instanceof RingfenceError) return titled(refusalOf(thrown).status)
  if (thrown instanceof HTTPException) return titled(thrown.status)
  if (thrown instanceof DatabaseError) {
    // A FATAL error ended the connection, or refused it: the caller may try again.
    const code = thrown.severity === 'FATAL' ? '57P01' : thrown.code
    return titled(DATABASE_STATUS[code ?? ''] ?? 500)
  }
  if (thrown instanceof Error && isConnectionFailure(thrown)) return titled(503)
  return titled(500)
}

function titled(status: number): Problem {
  return { status, title: TITLES[status] ?? 'Error' }
}

function fieldError({ path, message }: z.core.$ZodIssue) {
  return { pointer: `/${path.join('/')}`, detail: message }
}

/** What `pg` throws, without a class of its own, when a connection cannot be had or was lost. */
function isConnectionFailure(error: Error): boolean {
  return (
    ('code' in error && /^(ECONN|ENOENT|EPIPE|EACCES|ETIMEDOUT)/.test(String(error.code))) ||
    /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout)/.test(
      error.message,
    )
  )
}
