import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import { authorizeUrl, basic, type Duel } from '../duel.ts'
import { type Browser, formOf, type Page } from '../house/browser.ts'
import { APP } from '../house/furnish.ts'
import { ABSENT, BASE, CLOSED } from '../house/ground.ts'
import { PERSON } from '../house/party.ts'
import { attackOf, type RealmAttack } from './attack.ts'

const exists = attackOf('existence')
/** As long as the other, so that what is left is not told by its length. */
const NOBODY = 'nobod'
const TURNS = 3

/** What differs from one visit to the next by chance or by what was typed, taken away. */
function telling({ status, headers, body }: Heard, ...typed: readonly string[]): string {
  const plain = (text: string) =>
    typed
      .reduce((rest, one) => rest.replaceAll(one, 'TYPED'), text)
      .replaceAll(/interaction\/[\w-]+/g, 'interaction/UID')
      .replaceAll(/name="(?:csrf|xsrf)" value="[^"]*"/g, 'CSRF')
      .replaceAll(/challenge&quot;:&quot;[\w-]+/g, 'CHALLENGE')
  const kept = headers
    .filter(([name]) => !/^(?:date|content-length|etag)$/.test(name))
    .map(([name, value]) => [
      name,
      name === 'set-cookie'
        ? value.replace(/=[^;]*/, '=V').replace(/expires=[^;]*/i, '')
        : plain(value),
    ])
  return JSON.stringify([status, kept, plain(body)])
}

async function typed(duel: Duel, name: string, browser: Browser = duel.browser()): Promise<Page> {
  return browser.submit(await browser.get(authorizeUrl(duel.victim)), '/identifier', { name })
}

async function wrongPassword(duel: Duel, name: string): Promise<Page> {
  const browser = duel.browser()
  const page = await typed(duel, name, browser)
  return browser.submit(page, '/password', { password: 'not-the-password-at-all' })
}

async function recovery(duel: Duel, name: string): Promise<Page> {
  const browser = duel.browser()
  const page = await browser.get(`${duel.victim.issuer}/recover`)
  return browser.submit(page, '/recover', { name })
}

/** The same question about what is there and what is not. */
function alike(
  id: string,
  title: string,
  ask: (duel: Duel, name: string) => Promise<Heard>,
): RealmAttack {
  return exists(id, title, async (duel) => {
    const { directory } = duel.plane.identity.parts
    const [there, absent] = [
      await directory.findBySignInName(duel.victim.tenant, PERSON),
      await directory.findBySignInName(duel.victim.tenant, NOBODY),
    ]
    must(there !== undefined && absent === undefined, 'tell who is there')
    return {
      owner: 'the realm’s own directory tells who is there',
      attempt: async () => {
        const told = []
        for (const name of [PERSON, NOBODY]) told.push(telling(await ask(duel, name), name))
        return {
          crossed: told[0] !== told[1],
          met: told[0] === told[1] ? 'one answer' : 'two answers',
        }
      },
    }
  })
}

/**
 * Whether two answers cost the same. What is done now and then, whoever asks, may fall upon one of them:
 * they differ if they differ each time.
 */
async function costsDiffer(
  costs: () => Promise<readonly [string, string]>,
): Promise<{ readonly differ: boolean; readonly met: string }> {
  let last: readonly [string, string] = ['', '']
  for (let turn = 0; turn < TURNS; turn += 1) {
    last = await costs()
    if (last[0] === last[1]) break
  }
  return { differ: last[0] !== last[1], met: last.join(', and ') }
}

/** What an answer costs, in queries and in hashes of passwords. */
async function workOf(duel: Duel, ask: () => Promise<unknown>): Promise<string> {
  const { worked } = duel.plane
  const before = { ...worked }
  await ask()
  return `${worked.queries - before.queries} queries and ${worked.hashes - before.hashes} hashes`
}

const PATHS = [
  ['GET', '/.well-known/openid-configuration'],
  ['GET', '/jwks'],
  ['GET', '/auth?client_id=app&response_type=code'],
  ['GET', '/account'],
  ['GET', '/recover'],
  ['GET', '/scim/v2/Users'],
  ['GET', '/federation/login/callback?state=x'],
  ['GET', '/session/end'],
  ['POST', '/token'],
  ['POST', '/token/introspection'],
] as const

export const EXISTENCE: readonly RealmAttack[] = [
  alike('id-exists-after-name', 'Who has an account, by the page after the name', typed),
  alike(
    'id-exists-after-password',
    'Who has an account, by the answer to a wrong password',
    wrongPassword,
  ),
  alike('id-exists-by-hint', 'Who has an account, by a hint', (duel, name) =>
    duel.browser().get(authorizeUrl(duel.victim, { login_hint: name })),
  ),
  alike('id-exists-by-recovery', 'Who has an account, by asking for recovery', recovery),
  exists(
    'id-exists-by-work',
    'Who has an account, by the work for a wrong password',
    async (duel) => {
      const own = duel.ownerBrowser()
      const { url } = await duel.signIn(own, duel.victim)
      must(url.startsWith(duel.victim.callback), 'sign in')
      return {
        owner: 'the user signed in',
        attempt: async () => {
          const work = async (name: string) => {
            const browser = duel.browser()
            const { action, fields } = formOf(await typed(duel, name, browser), '/password')
            const password = 'not-the-password-at-all'
            return workOf(duel, () => browser.post(action, { ...fields, password }))
          }
          const { differ, met } = await costsDiffer(async () => [
            await work(PERSON),
            await work(NOBODY),
          ])
          return { crossed: differ, met }
        },
      }
    },
  ),
  exists('id-exists-client', 'Which clients a realm has', async (duel) => {
    const { victim } = duel
    const own = { grant_type: 'client_credentials', scope: 'read' }
    must((await duel.client('owner', victim, '/token', own)).status === 200, 'use its client')
    const ask = (client: string) =>
      duel.says('POST', victim, '/token', { form: own, headers: [basic(client, 'rfc_wrong')] })
    return {
      owner: 'a client of the realm got a token',
      attempt: async () => {
        const [there, absent] = [await ask(APP), await ask('ape')]
        const { differ, met } = await costsDiffer(async () => [
          await workOf(duel, () => ask(APP)),
          await workOf(duel, () => ask('ape')),
        ])
        const crossed = differ || telling(there) !== telling(absent)
        return { crossed, met: `${there.status} and ${absent.status}; ${met}` }
      },
    }
  }),
  exists('id-exists-closed-realm', 'Whether a realm is there that is closed', async (duel) => {
    const found = await duel.plane.identity.realms.find(CLOSED)
    must(found !== undefined, 'tell a realm that is closed')
    const ask = (method: string, realm: string, path: string) =>
      duel.plane.ask(duel.wire, method, `${BASE}/realms/${realm}${path}`, {
        ...(method === 'GET'
          ? {}
          : { form: { grant_type: 'client_credentials' }, headers: [basic(APP, 'x')] }),
      })
    return {
      owner: 'the administrator finds a realm that is closed',
      attempt: async () => {
        const differ = []
        for (const [method, path] of PATHS) {
          const there = telling(await ask(method, CLOSED, path), CLOSED)
          if (there !== telling(await ask(method, ABSENT, path), ABSENT)) differ.push(path)
        }
        return { crossed: differ.length > 0, met: `${differ.length} of ${PATHS.length} differ` }
      },
    }
  }),
]
