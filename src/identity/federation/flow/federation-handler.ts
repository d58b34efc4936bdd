import type { ServerResponse } from 'node:http'
import { errors } from 'oidc-provider'
import { DenialThrottle } from '../../../audit/denial-throttle.ts'
import { messageOf, RingfenceError } from '../../../core/errors.ts'
import type { Subject } from '../../../core/names.ts'
import { problemOf } from '../../../http/problem.ts'
import { looks, pathOf } from '../../pages/look/looks.ts'
import { redirect, sendPage } from '../../pages/respond.ts'
import { errorPage } from '../../pages/views/error.ts'
import type { RealmContext, RealmHandler, RealmRequest } from '../../provider/realm-context.ts'
import type { Connection, UsableConnection } from '../connection/connection.ts'
import { type ConnectionId, parseConnectionId } from '../connection/connection-id.ts'
import type { ConnectionStore } from '../connection/connection-store.ts'
import { demand, FederationRefusal } from '../refusal.ts'
import { serviceProviderMetadata } from '../saml/service-provider-metadata.ts'
import { readAcsForm } from './acs-form.ts'
import { beginsAt } from './begins-at.ts'
import { type CookiePlace, clearBinding, readBinding, setBinding } from './binding-cookie.ts'
import type { RequestKey, RequestStore } from './request-store.ts'
import { isSecretValue, newSecretValue } from './secret-value.ts'
import type { SignInJourney, Ticket } from './sign-in-journey.ts'
import { enterDenial } from '../../entering.ts'
import type { IdentityDatabase } from '../../identity-database.ts'

/** Where a provider's answers go. */
const OUTER_PATH = /^\/federation\/([a-z0-9-]{1,40})\/(callback|acs|metadata)$/
/** Below the interaction: its cookie is sent nowhere else. */
const INNER_PATH = /^\/interaction\/([\w-]{1,100})\/federation\/([a-z0-9-]{1,40})(\/finish)?$/
const METHODS = {
  start: 'GET',
  callback: 'GET',
  acs: 'POST',
  metadata: 'GET',
  finish: 'GET',
} as const
type Endpoint = keyof typeof METHODS

/** A sign-in through a provider that succeeded, for the interaction in which it began. */
export interface SignedInFrom {
  /** The interaction's uid. */
  readonly interaction: string
  readonly subject: Subject
  readonly connection: ConnectionId
  readonly kind: Connection['kind']
  /** The user was made just now. */
  readonly isNew: boolean
  /** Methods of RFC 8176, if the connection trusts the provider in that; else none. */
  readonly amr: readonly string[]
}

/** Refusals of one process that are entered one by one. */
const REFUSED_PER_MINUTE = 300

export interface FederationHandlerOptions {
  readonly database: IdentityDatabase
  readonly connections: ConnectionStore
  readonly requests: RequestStore
  readonly journey: SignInJourney
  /** Goes on with the interaction, and answers the request. */
  readonly finished: (
    context: RealmContext,
    request: RealmRequest,
    response: ServerResponse,
    signedIn: SignedInFrom,
  ) => Promise<void>
  /** The uid of the interaction whose cookie came with the request. Default: as the provider reads it. */
  readonly interaction?: (
    context: RealmContext,
    request: RealmRequest,
    response: ServerResponse,
  ) => Promise<string | undefined>
  readonly log: (line: string) => void
}

/** One request to a connection's endpoint. */
interface Visit {
  readonly context: RealmContext
  readonly request: RealmRequest
  readonly response: ServerResponse
  readonly connection: UsableConnection
  readonly query: URLSearchParams
  /** The interaction in the path, if there is one. */
  readonly uid: string | undefined
}

/**
 * Serves `/federation/<connection>/(callback|acs|metadata)` of realms, and the beginning and end of a
 * sign-in at `/interaction/<uid>/federation/<connection>`: mount it before the pages of interactions.
 * A connection that there is not, or that cannot be used, or of another kind, is as any path that
 * there is not.
 */
export function federationHandler(options: FederationHandlerOptions): RealmHandler {
  const endpoints: Readonly<Record<Endpoint, (visit: Visit) => Promise<boolean>>> = {
    start: (visit) => start(visit, options),
    callback: (visit) => callback(visit, options),
    acs: (visit) => acs(visit, options),
    metadata: (visit) => metadata(visit),
    finish: (visit) => finish(visit, options),
  }
  const throttle = new DenialThrottle(REFUSED_PER_MINUTE)
  return async (context, request, response) => {
    const [path = '', query = ''] = request.url.split(/\?(.*)/s)
    const place = placeOf(path)
    if (place === undefined || request.method !== METHODS[place.endpoint]) return false
    const connection = await usable(options.connections, context, place.id)
    if (connection === undefined) return false
    const { uid } = place
    const visit = { context, request, response, connection, query: new URLSearchParams(query), uid }
    try {
      return await endpoints[place.endpoint](visit)
    } catch (error) {
      const reason = error instanceof FederationRefusal ? error.reason : 'failed'
      await enterDenial(options.database, throttle, context.tenant, {
        action: 'federation.refused',
        object: { type: 'connection', id: connection.id },
        reason,
      })
      refuse(visit, error, options.log)
      return true
    }
  }
}

interface Place {
  readonly endpoint: Endpoint
  readonly id: string
  readonly uid: string | undefined
}

function placeOf(path: string): Place | undefined {
  const [, id, name] = OUTER_PATH.exec(path) ?? []
  if (id !== undefined) return { endpoint: name as Endpoint, id, uid: undefined }
  const [, uid, inner, finish] = INNER_PATH.exec(path) ?? []
  if (inner === undefined) return undefined
  return { endpoint: finish === undefined ? 'start' : 'finish', id: inner, uid }
}

async function usable(
  connections: ConnectionStore,
  { tenant }: RealmContext,
  id: string,
): Promise<UsableConnection | undefined> {
  let parsed: ConnectionId
  try {
    parsed = parseConnectionId(id)
  } catch {
    return undefined
  }
  return connections.usable(tenant, parsed)
}

async function start(visit: Visit, options: FederationHandlerOptions): Promise<boolean> {
  const { context, response, connection } = visit
  const interaction = await running(visit, options)
  demand(
    interaction !== undefined,
    'request_unknown',
    'a start outside of an interaction of this browser',
  )
  const key: RequestKey = { state: newSecretValue(), binding: newSecretValue() }
  const location = await options.journey.begin(context, connection, key, interaction)
  setBinding(response, context, answersAt(visit), key)
  redirect(response, location)
  return true
}

async function callback(visit: Visit, { journey }: FederationHandlerOptions): Promise<boolean> {
  const { context, connection, query } = visit
  if (connection.kind !== 'oidc') return false
  const key = keyOf(visit, one(query, 'state'))
  demand(key !== undefined, 'request_unknown', 'an answer without the cookie of its request')
  goOn(visit, key, await journey.answeredByOidc(context, connection, key, query))
  return true
}

async function acs(visit: Visit, { journey }: FederationHandlerOptions): Promise<boolean> {
  const { context, request, response, connection } = visit
  if (connection.kind !== 'saml') return false
  const { samlResponse, relayState } = await readAcsForm(request)
  const key = keyOf(visit, relayState)
  if (key === undefined) {
    redirect(response, await journey.unsolicited(context, connection, samlResponse))
  } else {
    goOn(visit, key, await journey.answeredBySaml(context, connection, key, samlResponse))
  }
  return true
}

/**
 * A redirect to ourselves first: a form posted from the provider's site brings none of the cookies
 * that belong to the interaction.
 */
function goOn(visit: Visit, { state, binding }: RequestKey, { ticket, interaction }: Ticket): void {
  const { context, response } = visit
  const path = endsAt(visit, interaction)
  clearBinding(response, context, answersAt(visit), state)
  setBinding(response, context, { path, crossSite: false }, { state: ticket, binding })
  redirect(response, `${path}?ticket=${ticket}`)
}

/** A SAML provider answers by a form that its page posts, an OpenID provider by a link. */
function answersAt({ context, connection: { id, kind } }: Visit): CookiePlace {
  return { path: `${pathOf(context.issuer)}/federation/${id}`, crossSite: kind === 'saml' }
}

function endsAt({ context, connection }: Visit, interaction: string): string {
  return `${beginsAt(context, interaction, connection.id)}/finish`
}

async function finish(visit: Visit, options: FederationHandlerOptions): Promise<boolean> {
  const { context, request, response, connection } = visit
  const { id, kind } = connection
  const key = keyOf(visit, one(visit.query, 'ticket'))
  const interaction = await running(visit, options)
  const done =
    key === undefined || interaction === undefined
      ? undefined
      : await options.requests.finish(context.tenant, id, key, interaction)
  demand(
    key !== undefined && done !== undefined,
    'request_unknown',
    'an end without its beginning in this browser',
  )
  const end = { path: endsAt(visit, done.interaction), crossSite: false }
  clearBinding(response, context, end, key.state)
  const signedIn = { ...done.outcome, interaction: done.interaction, connection: id, kind }
  await options.finished(context, request, response, signedIn)
  return true
}

function metadata({ context, response, connection }: Visit): Promise<boolean> {
  if (connection.kind !== 'saml') return Promise.resolve(false)
  response.writeHead(200, {
    'content-type': 'application/samlmetadata+xml',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(serviceProviderMetadata(context, connection))
  return Promise.resolve(true)
}

/** The interaction of the path, if this browser is in it. */
async function running(
  { context, request, response, uid }: Visit,
  { interaction = providerInteraction }: FederationHandlerOptions,
): Promise<string | undefined> {
  return (await interaction(context, request, response)) === uid ? uid : undefined
}

async function providerInteraction(
  { provider }: RealmContext,
  request: RealmRequest,
  response: ServerResponse,
): Promise<string | undefined> {
  try {
    return (await provider.interactionDetails(request, response)).uid
  } catch (error) {
    if (error instanceof errors.SessionNotFound) return undefined
    throw error
  }
}

function keyOf({ context, request }: Visit, state: string | undefined): RequestKey | undefined {
  if (!isSecretValue(state)) return undefined
  const binding = readBinding(request, context, state)
  return binding === undefined ? undefined : { state, binding }
}

/** A parameter that is there once. */
function one(query: URLSearchParams, name: string): string | undefined {
  const [value, ...more] = query.getAll(name)
  return more.length === 0 ? value : undefined
}

/** The reason goes to the log; the browser learns that it failed, and nothing of users or providers. */
function refuse(
  { context, response, connection }: Visit,
  error: unknown,
  log: (line: string) => void,
) {
  const why =
    error instanceof FederationRefusal
      ? (error.detail ?? error.reason)
      : error instanceof RingfenceError
        ? `${error.code}: ${error.detail ?? messageOf(error)}`
        : messageOf(error)
  const line = `federation refused: realm ${context.tenant}, connection ${connection.id}: ${why}`
  log(line.replace(/\p{C}/gu, ' ').slice(0, 400))
  if (response.headersSent) {
    response.end()
    return
  }
  const { status, title } = problemOf(error)
  const words =
    error instanceof FederationRefusal
      ? 'Your organisation’s sign-in did not succeed. Go back and try again, or ask your administrator.'
      : `Signing in did not succeed: ${title}.`
  sendPage(response, looks(context), errorPage('Sign-in did not succeed', words), { status })
}
