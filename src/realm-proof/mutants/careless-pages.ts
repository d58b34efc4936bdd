import type { IncomingMessage, ServerResponse } from 'node:http'
import { formsIn } from '../house/forms-in.ts'
import { BASE } from '../house/ground.ts'
import type { Pieces } from '../house/pieces.ts'
import { forgetting } from './forgetting.ts'
import { worseProvider } from './internals.ts'
import { mutant, type RealmMutant } from './realm-mutant.ts'
import {
  changedHeaders,
  headerIn,
  withForm,
  withHeader,
  withoutHeaders,
  worseAnswers,
  worseFront,
  worseRequests,
} from './worse-front.ts'

/** Forms of other sites pass as if they were the page's own: what is missing is filled in. */
export function formsFromAnywhere(paths: RegExp): Pick<Pieces, 'front'> {
  return worseFront(async (said, pass) => {
    if (said.method !== 'POST' || !paths.test(said.target)) return pass(said)
    const page = pageOf(said.target)
    const shown = await pass({
      ...said,
      method: 'GET',
      target: page,
      body: '',
      headers: said.headers.filter(([name]) => !/^(?:content-type|origin|sec-fetch)/i.test(name)),
    })
    const forms = formsIn(shown.body)
    const own =
      forms.find(({ action }) => said.target.startsWith(action.replace(BASE, ''))) ?? forms[0]
    const proof = Object.entries(own?.fields ?? {}).filter(([name]) => /^(?:csrf|xsrf)$/.test(name))
    // The page may have set a cookie that its proof belongs to.
    const cookies = shown.headers
      .filter(([name]) => name === 'set-cookie')
      .map(([, value]) => value.split(';')[0])
    const cookie = [headerIn(said, 'cookie'), ...cookies].filter(Boolean).join('; ')
    const plain = withHeader(
      withHeader(withHeader(said, 'origin', undefined), 'sec-fetch-site', 'same-origin'),
      'cookie',
      cookie,
    )
    return pass(withForm(plain, Object.fromEntries(proof)))
  })
}

/** Where the form is that is sent here. */
function pageOf(target: string): string {
  if (target.includes('/session/end')) return target.replace(/\/confirm.*/, '')
  return target.replace(/(\/interaction\/[^/]+)\/.*/, '$1')
}

export const CARELESS_PAGES: readonly RealmMutant[] = [
  mutant(
    'id-cookies-of-the-host',
    'Cookies are for the whole host',
    ['id-cookie-path'],
    worseAnswers((heard) =>
      changedHeaders(heard, 'set-cookie', (line) => line.replace(/path=[^;]*/i, 'Path=/')),
    ),
  ),
  mutant(
    'id-one-session-store',
    'Sessions and their cookies are one for all realms',
    ['id-session-other-realm'],
    {
      ...forgetting('artifact', 'session'),
      ...worseProvider((_internals, { context }) => {
        const app = context.provider as unknown as { keys: readonly string[] }
        app.keys = ['one for all']
      }),
    },
  ),
  mutant(
    'id-session-kept',
    'A session keeps its name when its user signs in',
    ['id-session-fixation'],
    worseProvider((_internals, { context }) => {
      const prototype = context.provider.Session.prototype as unknown as {
        resetIdentifier: () => void
      }
      prototype.resetIdentifier = () => {}
    }),
  ),
  mutant(
    'id-interaction-by-address',
    'A sign-in is found by its address, without its cookie',
    ['id-interaction-of-other', 'id-consent-of-colleague', 'id-consent-other-realm'],
    worseProvider((_internals, { context }) => {
      const { provider } = context
      provider.interactionDetails = async (request: IncomingMessage, _response: ServerResponse) => {
        const uid = /\/interaction\/([\w-]+)/.exec(request.url ?? '')?.[1] ?? ''
        const found = await provider.Interaction.find(uid)
        if (found === undefined) throw new Error('no such interaction')
        return found
      }
    }),
  ),
  mutant(
    'id-sign-in-forms-from-anywhere',
    'Forms of the sign-in are taken from any page',
    ['id-csrf-sign-in', 'id-csrf-consent'],
    formsFromAnywhere(/\/interaction\//),
  ),
  mutant(
    'id-account-forms-from-anywhere',
    'Forms of the account are taken from any page',
    ['id-csrf-account'],
    formsFromAnywhere(/\/account/),
  ),
  mutant(
    'id-sign-out-from-anywhere',
    'Signing out asks nobody',
    ['id-csrf-sign-out'],
    formsFromAnywhere(/\/session\/end\/confirm/),
  ),
  mutant(
    'id-logout-hint-ignored',
    'Whose an ID token is does not matter when signing out',
    ['id-logout-hint-other-realm'],
    worseRequests((said) => {
      if (!said.target.includes('id_token_hint=')) return said
      return { ...said, target: said.target.replace(/\?.*/, '') }
    }),
  ),
  mutant(
    'id-pages-in-frames',
    'Pages say nothing of frames and scripts',
    ['id-framed'],
    worseAnswers((heard) => withoutHeaders(heard, /^(?:content-security-policy|x-frame-options)$/)),
  ),
]
