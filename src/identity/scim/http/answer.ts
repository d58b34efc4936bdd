import type { ServerResponse } from 'node:http'
import { scimErrorBody, scimErrorOf } from '../scim-error.ts'

const RETRY_SECONDS = '1'

export interface Answer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export function refusal(
  status: number,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { status, body: scimErrorBody(status, detail), headers }
}

/** An error as an answer. */
export function refusalOf(error: unknown): Answer {
  const body = scimErrorOf(error)
  const status = Number(body.status)
  return { status, body, ...(status === 503 ? { headers: { 'retry-after': RETRY_SECONDS } } : {}) }
}

export function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  response.writeHead(status, {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(body === undefined ? {} : { 'content-type': 'application/scim+json; charset=utf-8' }),
    ...headers,
  })
  response.end(body === undefined ? undefined : `${JSON.stringify(body)}\n`)
}
