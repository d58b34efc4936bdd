import { OPERATOR_SCOPES, type OperatorScope, type Actor } from '../../control/control-plane.ts'
import { hashOfToken } from '../../control/operators/operator-token.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { Site } from '../house/site.ts'
import {
  changed,
  instead,
  mutant,
  type OfficeMutant,
  whoAsks,
  worseFront,
  worsePlane,
} from './office-mutant.ts'

/** How many characters of a token somebody thought were enough. */
const ENOUGH = 20

/** Each scope, not asked for. A scope that is added has its mutant by that. */
const WITHOUT_SCOPE = OPERATOR_SCOPES.map((scope) =>
  mutant(
    `ca-without-${scope.replace(':', '-')}`,
    `The scope ${scope} not asked for`,
    [`ca-scope-${scope.replace(':', '-')}`],
    worsePlane(({ operators }) => ({
      operators: instead(operators, {
        authenticate: async (token, requestId) => {
          const actor = await operators.authenticate(token, requestId)
          return { ...actor, scopes: [...new Set([...actor.scopes, scope])] }
        },
      }),
    })),
  ),
)

/** Looks a token up by itself, and not at when it ends, or whether it was revoked. */
function lookedUp(id: string, title: string, noticedBy: string, rule: string): OfficeMutant {
  return mutant(
    id,
    title,
    [noticedBy],
    worsePlane(({ operators }, { database }) => ({
      operators: instead(operators, {
        authenticate: (token, requestId) => lookUp(database, rule, token, requestId),
      }),
    })),
  )
}

async function lookUp(
  database: Site['database'],
  rule: string,
  token: string,
  requestId: string,
): Promise<Actor> {
  const [row] = await database.query<{ name: string; scopes: OperatorScope[] }>(
    `select name, scopes from registry.operator where token_hash = $1 and ${rule}`,
    [hashOfToken(token)],
  )
  if (row === undefined) throw new RingfenceError('not_authenticated', 'no such token')
  return { kind: 'operator', ...row, requestId }
}

/** Remembers who showed what, so that the database is asked less often. */
function remembering(keyOf: (token: string, requestId: string) => string) {
  return worsePlane(({ operators }) => {
    const known = new Map<string, Actor>()
    return {
      operators: instead(operators, {
        authenticate: async (token, requestId) => {
          const key = keyOf(token, requestId)
          const actor = known.get(key) ?? (await operators.authenticate(token, requestId))
          known.set(key, actor)
          return { ...actor, requestId }
        },
      }),
    }
  })
}

export const CALLERS: readonly OfficeMutant[] = [
  ...WITHOUT_SCOPE,
  lookedUp(
    'ca-token-without-end',
    'Tokens are good after their end',
    'ca-token-expired',
    'revoked_at is null',
  ),
  lookedUp(
    'ca-token-not-revoked',
    'Revoked tokens are good',
    'ca-token-revoked',
    'expires_at > clock_timestamp()',
  ),
  mutant(
    'ca-token-remembered',
    'Good tokens are remembered',
    ['ca-token-revoked', 'ca-stream-after-revocation'],
    remembering((token) => token),
  ),
  mutant(
    'ca-token-in-part',
    'The first characters of a token are compared',
    ['ca-token-forged'],
    remembering((token) => token.slice(0, ENOUGH)),
  ),
  mutant(
    'ca-stream-asked-once',
    'A stream asks for its token when it is opened, and never again',
    ['ca-stream-after-revocation'],
    remembering((_token, requestId) => requestId),
  ),
  mutant(
    'ca-token-from-address',
    'The token is taken from the address, where a field is missing',
    ['ca-token-in-query'],
    worseFront(async (request, api) => {
      const url = new URL(request.url)
      const token = url.searchParams.get('access_token')
      if (token === null) return api(request)
      url.searchParams.delete('access_token')
      return api(changed(request, { authorization: `Bearer ${token}` }, url.href))
    }),
  ),
  mutant(
    'ca-token-by-cookie',
    'The token is taken from a cookie',
    ['ca-token-elsewhere'],
    worseFront(async (request, api) => {
      const token = /token=(\S+)/.exec(request.headers.get('cookie') ?? '')?.[1]
      return api(
        token === undefined ? request : changed(request, { authorization: `Bearer ${token}` }),
      )
    }),
  ),
  mutant(
    'ca-two-credentials',
    'Of two credentials the one that helps is taken',
    ['ca-token-two'],
    worseFront(async (request, api) => {
      const fields = { authorization: undefined }
      const both = request.url.endsWith('/v1/job-contexts')
      return api(both ? changed(request, fields) : request)
    }),
  ),
  mutant(
    'ca-guesses-unlimited',
    'Failed authentications are not counted',
    ['ca-token-guessed', 'ca-assertion-guessed'],
    { api: { failedAuthenticationsPerMinute: 1_000_000 } },
  ),
  mutant(
    'ca-scopes-handed-on',
    'An operator may hand on scopes that it does not have',
    ['ca-scope-handed-on'],
    worseFront(async (request, api, plane) => {
      if (request.method !== 'POST' || !request.url.endsWith('/v1/operators')) return api(request)
      const by = await whoAsks(request, plane)
      if (by === undefined) return api(request)
      const all: unknown = await request.json()
      const made = await plane.operators.create(
        all as Parameters<typeof plane.operators.create>[0],
        { ...by, kind: 'system', scopes: OPERATOR_SCOPES },
      )
      return Response.json({ token: made.token }, { status: 201 })
    }),
  ),
]
