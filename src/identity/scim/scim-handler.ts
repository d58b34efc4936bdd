import type { ServerResponse } from 'node:http'
import { DenialThrottle } from '../../audit/denial-throttle.ts'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import type { Directory } from '../directory/directory.ts'
import type { Rows } from '../identity-database.ts'
import type { RealmContext, RealmRequest } from '../provider/realm-context.ts'
import { type Answer, refusal, refusalOf, send } from './http/answer.ts'
import { readBody } from './http/read-body.ts'
import { RequestBudget } from './http/request-budget.ts'
import { route, type ScimRequest } from './http/route.ts'
import { endpointOf } from './resource/endpoint.ts'
import { groupKind } from './resource/group-kind.ts'
import { userKind } from './resource/user-kind.ts'
import { authenticateClient } from './tokens/authenticate-client.ts'
import type { ScimClient } from './tokens/scim-client.ts'
import { actAs, enterDenial } from '../entering.ts'

/** Below an issuer. */
export const SCIM_PATH = '/scim/v2'
/** Refusals that are entered one by one. */
const UNKNOWN_PER_MINUTE = 300

export interface ScimHandlerOptions {
  readonly directory: Directory
  readonly database: Rows
  /** Of each token, in this process. Default 3,000. */
  readonly requestsPerMinute?: number
  readonly log: (line: string) => void
}

/** A `RealmHandler` that needs to know less. */
export type ScimHandler = (
  context: Pick<RealmContext, 'tenant' | 'issuer'>,
  request: RealmRequest,
  response: ServerResponse,
) => Promise<boolean>

/** The SCIM 2.0 server of each realm (RFC 7643, RFC 7644). */
export function scimHandler(options: ScimHandlerOptions): ScimHandler {
  const { directory, database, log } = options
  const endpoints = [endpointOf(userKind(directory)), endpointOf(groupKind(directory))]
  const budget = new RequestBudget(options.requestsPerMinute)
  const throttle = new DenialThrottle(UNKNOWN_PER_MINUTE)
  return async ({ tenant, issuer }, request, response) => {
    const asked = below(request)
    if (asked === undefined) return false
    const base = `${issuer}${SCIM_PATH}`
    let client: ScimClient | undefined
    let answer: Answer
    try {
      client = await authenticateClient(database, tenant, request.headers.authorization)
      if (client === undefined) {
        await enterDenial(database, throttle, tenant, { action: 'scim.refused' })
        answer = unknownClient()
      } else {
        actAs({ kind: 'client', id: `scim:${client.id}` })
        const wait = await budget.take(client)
        answer =
          wait === undefined ? await route(endpoints, client, asked(), base) : tooManyRequests(wait)
      }
    } catch (error) {
      answer = refusalOf(error)
      if (answer.status >= 500) log(`scim request failed: ${troubleOf(error)}`)
    }
    if (client !== undefined) log(recordOf(client, request, answer))
    // What was not read of a body must not be taken for the next request.
    if (!request.complete) response.setHeader('connection', 'close')
    send(response, answer)
    return true
  }
}

/** The request, to be looked at when the client is known; undefined when its path is not ours. */
function below(request: RealmRequest): (() => ScimRequest) | undefined {
  const cut = request.url.indexOf('?')
  const path = cut < 0 ? request.url : request.url.slice(0, cut)
  if (path !== SCIM_PATH && !path.startsWith(`${SCIM_PATH}/`)) return undefined
  return () => ({
    method: request.method,
    path: segmentsOf(path.slice(SCIM_PATH.length)),
    query: new URLSearchParams(cut < 0 ? '' : request.url.slice(cut)),
    ifMatch: request.headers['if-match'],
    ifNoneMatch: request.headers['if-none-match'],
    body: () => readBody(request),
  })
}

function segmentsOf(path: string): readonly string[] {
  try {
    // A slash at the end is that of clients that join addresses carelessly.
    return path
      .replace(/^\/|\/$/g, '')
      .split('/')
      .map(decodeURIComponent)
  } catch {
    throw new RingfenceError('not_found', 'there is no such resource')
  }
}

function unknownClient(): Answer {
  return refusal(401, 'present a token of this realm', { 'www-authenticate': 'Bearer' })
}

function tooManyRequests(seconds: number): Answer {
  return refusal(429, 'too many requests', { 'retry-after': String(seconds) })
}

function recordOf({ tenant, id }: ScimClient, { method, url }: RealmRequest, { status }: Answer) {
  // Without its query, in which there are names and addresses.
  const path = url.replace(/\?.*$/s, '')
  return JSON.stringify({ at: new Date().toISOString(), tenant, scim: id, method, path, status })
}

function troubleOf(error: unknown): string {
  return error instanceof RingfenceError ? error.code : messageOf(error)
}
