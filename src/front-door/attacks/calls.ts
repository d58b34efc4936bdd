import { CLIENT_ASSERTION_TYPE } from '../../tokens/client-assertion.ts'
import { GRANT_TYPE, SUBJECT_TOKEN_TYPE } from '../../vending/attempt.ts'
import type { Duel } from '../duel.ts'
import { accessToken, assertionOf, contextFor } from '../house/claims.ts'
import type { Door } from '../house/door.ts'
import { PLATFORM_HOST } from '../house/ground.ts'
import type { Party } from '../house/party.ts'
import type { Heard, Said, Wire } from '../../strikes/wire.ts'
import { must } from './attack.ts'

/** How a tenant is called: by the platform's host and a path, or by its own host. */
export interface Way {
  readonly host: string
  readonly prefix: string
}

export const byPath = ({ tenant }: Pick<Party, 'tenant'>): Way => ({
  host: PLATFORM_HOST,
  prefix: `/t/${tenant}`,
})
export const byHost = ({ host }: Party): Way => ({ host, prefix: '' })
export const bothWays = (party: Party): readonly Way[] => [byPath(party), byHost(party)]

export interface Calling {
  readonly token?: string | undefined
  /** Which of the services' resources. Default `records`. */
  readonly resource?: string
  readonly method?: string
  readonly headers?: Said['headers']
  readonly body?: string
}

/** A request at the gateway, known at the services by a mark. */
export async function call(
  wire: Wire,
  door: Door,
  { host, prefix }: Way,
  mark: string,
  calling: Calling = {},
): Promise<Heard> {
  const { token, resource = 'records', method = 'GET', headers = [], body } = calling
  return wire.ask(await door.gateway(), {
    method,
    target: `${prefix}/${resource}/${mark}`,
    headers: [['Host', host], ...bearer(token), ...headers],
    ...(body === undefined ? {} : { body }),
  })
}

export function bearer(token: string | undefined): readonly (readonly [string, string])[] {
  return token === undefined ? [] : [['Authorization', `Bearer ${token}`]]
}

/** Shows that the victim gets its own record through the gateway, by path and by host. */
export async function ownerReads(duel: Duel, door: Door = duel.door): Promise<string> {
  const { victim, own, ownMark } = duel
  const token = await accessToken(victim)
  const answers = await Promise.all(
    bothWays(victim).map((way) => call(own, door, way, ownMark, { token })),
  )
  const all = answers.every(({ body }) => body.includes(victim.recordCanary))
  must(all, 'read its own record through the gateway')
  return 'the owner reads its own record, by path and by host'
}

/** What vending answered. */
export interface Vended {
  readonly granted: boolean
  readonly leaseId: string
  readonly scope: string
  readonly seconds: number
  readonly heard: Heard
}

export interface Asking {
  readonly path?: string
  /** In place of, or beside, those of a good exchange; undefined leaves one out. */
  readonly fields: Readonly<Record<string, string | undefined>>
  /** Put after the form as it is. */
  readonly tail?: string
  readonly headers?: Said['headers']
}

/** A request at vending: a good exchange by the clinic's web process, with changes. */
export async function vend(wire: Wire, door: Door, asking: Asking): Promise<Vended> {
  const { path = '/v1/token', fields, tail = '', headers = [] } = asking
  const good: Readonly<Record<string, string | undefined>> = {
    grant_type: GRANT_TYPE,
    client_assertion_type: CLIENT_ASSERTION_TYPE,
    client_assertion: assertionOf(door.house.ground.workloads.web),
    subject_token_type: SUBJECT_TOKEN_TYPE,
    ...fields,
  }
  const pairs = Object.entries(good).filter(
    (field): field is [string, string] => field[1] !== undefined,
  )
  const heard = await wire.ask(await door.vending(), {
    method: 'POST',
    target: path,
    headers: [
      ['Host', 'vending'],
      ['Content-Type', 'application/x-www-form-urlencoded'],
      ...headers,
    ],
    body: new URLSearchParams(pairs).toString() + tail,
  })
  return vendedOf(heard)
}

function vendedOf(heard: Heard): Vended {
  const answer = heard.status === 200 ? objectOf(heard.body) : {}
  const { lease_id, scope, lease_duration } = answer
  return {
    granted: typeof lease_id === 'string',
    leaseId: typeof lease_id === 'string' ? lease_id : '',
    scope: typeof scope === 'string' ? scope : '',
    seconds: typeof lease_duration === 'number' ? lease_duration : 0,
    heard,
  }
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** Shows that the victim gets a lease, which is then its own. */
export async function ownerLeases(
  duel: Duel,
  door: Door = duel.door,
  fields: Asking['fields'] = {},
): Promise<Vended> {
  const subject_token = await contextFor(duel.ground, duel.victim)
  const vended = await vend(duel.own, door, { fields: { subject_token, ...fields } })
  must(
    vended.granted && duel.own.hasSeen(duel.victim.leaseCanary),
    'exchange its context for a lease',
  )
  duel.kept.add(vended.leaseId)
  return vended
}

/** As `ownerLeases`, for attacks that need no more of it than to know. */
export async function ownerGetsLease(duel: Duel): Promise<string> {
  await ownerLeases(duel)
  return 'the owner exchanges its context for a lease of its own'
}
