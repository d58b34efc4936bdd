import type { AdapterPayload } from 'oidc-provider'
import type { Pieces } from '../house/pieces.ts'
import { worseProvider } from './internals.ts'
import { mutant, type RealmMutant } from './realm-mutant.ts'
import { changedHeaders, withQuery, worseAnswers, worseRequests } from './worse-front.ts'
import { challengeOf } from '../duel.ts'

/** What is kept of what was issued, as it is found again. */
export function finding(
  model: string,
  change: (payload: AdapterPayload) => AdapterPayload,
  more: { readonly consumes?: boolean } = {},
): Pick<Pieces, 'parts'> {
  return {
    parts: ({ artifacts }) => {
      const find = artifacts.find.bind(artifacts)
      artifacts.find = async (key) => {
        const found = await find(key)
        return found === undefined || key.model !== model ? found : change(found)
      }
      if (more.consumes === false) artifacts.consume = () => Promise.resolve(true)
    },
  }
}

const without = (payload: AdapterPayload, ...names: readonly string[]): AdapterPayload =>
  Object.fromEntries(Object.entries(payload).filter(([name]) => !names.includes(name)))

export const CARELESS_GRANTS: readonly RealmMutant[] = [
  mutant(
    'id-pkce-optional',
    'A challenge is not demanded',
    ['id-pkce-missing'],
    worseProvider(({ configuration }) => {
      configuration.pkce.required = () => false
    }),
  ),
  mutant(
    'id-pkce-plain-helped',
    'Old clients are helped: a plain challenge is made into a good one',
    ['id-pkce-plain'],
    worseRequests((said) => {
      const query = new URLSearchParams(said.target.split('?')[1])
      const challenge = query.get('code_challenge')
      if (challenge === null || query.get('code_challenge_method') === 'S256') return said
      return withQuery(said, {
        code_challenge: challengeOf(challenge),
        code_challenge_method: 'S256',
      })
    }),
  ),
  mutant(
    'id-challenge-forgotten',
    'The challenge is not kept with the code',
    ['id-pkce-downgrade', 'id-code-injected'],
    {
      ...finding('AuthorizationCode', (code) =>
        without(code, 'codeChallenge', 'codeChallengeMethod'),
      ),
      ...worseRequests((said) => {
        if (said.method !== 'POST' || !said.target.endsWith('/token')) return said
        const form = new URLSearchParams(said.body)
        form.delete('code_verifier')
        return { ...said, body: form.toString() }
      }),
    },
  ),
  mutant(
    'id-response-types-of-old',
    'Tokens in the address are made into a code, for old clients',
    ['id-response-type'],
    worseRequests((said) =>
      said.target.includes('response_type=') ? withQuery(said, { response_type: 'code' }) : said,
    ),
  ),
  mutant(
    'id-resources-of-anybody',
    'A token can be for whomever the client names',
    ['id-resource-other'],
    worseProvider(({ configuration }, { realm }) => {
      const indicators = configuration.features['resourceIndicators']
      if (indicators === undefined) return
      indicators['getResourceServerInfo'] = async (_ctx: unknown, audience: string) => {
        const kid = realm.keys.find(({ alg }) => alg === 'ES256')?.kid
        return {
          scope: 'read write',
          audience,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256', kid } },
        }
      }
    }),
  ),
  mutant(
    'id-code-redirect-forgotten',
    'Where a code was sent to is not compared',
    ['id-code-other-redirect'],
    worseRequests((said) => {
      const form = new URLSearchParams(said.body)
      if (form.get('grant_type') !== 'authorization_code') return said
      const [, tenant] = /^\/realms\/([^/]+)/.exec(said.target) ?? []
      form.set('redirect_uri', `https://app.${tenant}.test/cb`)
      return { ...said, body: form.toString() }
    }),
  ),
  mutant(
    'id-code-kept',
    'A code that was used is not marked',
    ['id-code-replayed'],
    finding('AuthorizationCode', (code) => without(code, 'consumed'), { consumes: false }),
  ),
  mutant(
    'id-refresh-not-rotated',
    'Refresh tokens are good as long as they live',
    ['id-refresh-replayed'],
    finding('RefreshToken', (token) => without(token, 'consumed'), { consumes: false }),
  ),
  mutant(
    'id-answer-without-issuer',
    'Answers do not name the realm',
    ['id-mix-up'],
    worseAnswers((heard) =>
      changedHeaders(heard, 'location', (to) => {
        if (!to.includes('iss=')) return to
        const url = new URL(to)
        url.searchParams.delete('iss')
        return url.href
      }),
    ),
  ),
  mutant(
    'id-issuer-not-told',
    'Answers do not name the realm, and nobody says that they would',
    ['id-mix-up-application'],
    worseAnswers((heard) => ({
      ...changedHeaders(heard, 'location', (to) => to.replace(/&iss=[^&]*/, '')),
      body: heard.body.replace('"authorization_response_iss_parameter_supported":true,', ''),
    })),
  ),
  mutant(
    'id-tenant-from-request',
    'The tenant in a token is the one that the client names',
    ['id-claims-from-request'],
    worseProvider(({ configuration }) => {
      const { customizers } = configuration.formats
      const before = customizers.jwt
      customizers.jwt = async (ctx, token, jwt) => {
        await before(ctx, token, jwt)
        const named = ctx.oidc.body?.['tenant_id']
        if (named !== undefined) jwt.payload['tenant_id'] = named
      }
    }),
  ),
]
