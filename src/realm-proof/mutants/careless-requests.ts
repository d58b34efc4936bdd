import { carelessVerify } from '../../strikes/careless-verify.ts'
import { forge, headerOf, seconds } from '../../strikes/forge.ts'
import { randomUUID } from 'node:crypto'
import { Provider } from 'oidc-provider'
import { ADMIN_AUDIENCE, BASE } from '../house/ground.ts'
import { formsFromAnywhere } from './careless-pages.ts'
import { finding } from './careless-grants.ts'
import { forgetting, worseQueries } from './forgetting.ts'
import { worseProvider } from './internals.ts'
import { mutant, type RealmMutant } from './realm-mutant.ts'
import {
  headerIn,
  withHeader,
  withQuery,
  worseAnswers,
  worseFront,
  worseRequests,
} from './worse-front.ts'

const REQUEST_INSIDE = /[?&]request(?:_uri)?=/

/** What a token says, unverified. */
function saidIn(token: string): Readonly<Record<string, string>> {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Readonly<
      Record<string, string>
    >
  } catch {
    return {}
  }
}

export const CARELESS_REQUESTS: readonly RealmMutant[] = [
  mutant(
    'id-scim-tokens-of-any-realm',
    'A token for provisioning is looked up by its hash, whatever the realm',
    ['id-scim-token-other-realm'],
    forgetting('scim_token'),
  ),
  mutant(
    'id-directory-of-any-realm',
    'Users and groups are looked up by their ids, whatever the realm',
    ['id-scim-ids-of-other', 'id-scim-exists'],
    forgetting('account', 'user_group', 'group_member'),
  ),
  mutant(
    'id-filter-as-text',
    'Filters are put into queries as text',
    ['id-scim-filter'],
    worseQueries((sql, values) => {
      if (!/from identity\.account a where a\.tenant = \$1 and/.test(sql)) return [sql, values]
      let used = 1
      const text = sql.replaceAll(/\$([2-9])/g, (_, n: string) => {
        used = Math.max(used, Number(n))
        return `'${String(values[Number(n) - 1])}'`
      })
      return [text, values.slice(0, 1)]
    }),
  ),
  mutant(
    'id-registration-unchecked',
    'Clients may register whatever they like',
    ['id-register-redirect'],
    worseProvider(({ configuration }) => {
      const policies = configuration.features['registration']?.['policies'] as Record<
        string,
        unknown
      >
      policies['realm'] = async () => undefined
    }),
  ),
  mutant(
    'id-registration-of-any-client',
    'A token that one client was given changes any',
    ['id-register-other-client'],
    finding('RegistrationAccessToken', (token) => {
      const asked = /\/reg\/([^/?]+)/.exec(Provider.ctx?.path ?? '')?.[1]
      return asked === undefined ? token : { ...token, clientId: asked }
    }),
  ),
  mutant(
    'id-dpop-not-verified',
    'A proof that is refused is left out, and the request goes on',
    ['id-dpop-proof'],
    worseFront(async (said, pass) => {
      const heard = await pass(said)
      const refused = headerIn(said, 'dpop') !== undefined && heard.status >= 400
      return refused ? pass(withHeader(said, 'dpop', undefined)) : heard
    }),
  ),
  mutant(
    'id-request-object-read',
    'Requests inside a token are read, and not verified',
    ['id-request-object'],
    worseRequests((said) => {
      if (!REQUEST_INSIDE.test(said.target)) return said
      const query = new URLSearchParams(said.target.split('?')[1])
      const { scope } = saidIn(query.get('request') ?? '')
      return withQuery(said, {
        request: undefined,
        request_uri: undefined,
        ...(scope === undefined ? {} : { scope }),
      })
    }),
  ),
  mutant(
    'id-host-believed',
    'A realm is at the host that the request names',
    ['id-host-from-request'],
    worseAnswers((heard, said) => {
      const host = headerIn(said, 'x-forwarded-host')
      if (host === undefined) return heard
      return { ...heard, body: heard.body.replaceAll(BASE, `https://${host}`) }
    }),
  ),
  mutant(
    'id-markup-as-it-is',
    'Pages repeat text as it is',
    ['id-markup', 'id-theme'],
    worseAnswers((heard) => ({
      ...heard,
      body: heard.body.replaceAll('&lt;', '<').replaceAll('&gt;', '>'),
    })),
  ),
  mutant(
    'id-device-forms-from-anywhere',
    'Devices are allowed by forms from any page',
    ['id-csrf-device'],
    formsFromAnywhere(/\/device$/),
  ),
  mutant(
    'id-admin-not-verified',
    'Assertions of the control plane are read, and not verified',
    ['id-admin-forged'],
    {
      admin: (fetch, plane) => async (request) => {
        const { control } = plane.site.ground.keys
        const token = (request.headers.get('authorization') ?? '').slice('Bearer '.length)
        const typ = 'client-authentication+jwt'
        const rules = { typ, issuer: 'control', audience: ADMIN_AUDIENCE, secondsMax: 60 }
        try {
          const claims = carelessVerify(token, [control.publicJwk], rules, 'signature')
          const fresh = { ...claims, iat: seconds(), exp: seconds() + 30, jti: randomUUID() }
          const headers = new Headers(request.headers)
          headers.set('authorization', `Bearer ${forge(control, headerOf(control, typ), fresh)}`)
          return await fetch(new Request(request, { headers }))
        } catch {
          return fetch(request)
        }
      },
    },
  ),
]
