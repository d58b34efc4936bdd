import { must } from '../../strikes/staged-attack.ts'
import { authorizeUrl, type Query, VERIFIER } from '../duel.ts'
import { locationOf } from '../house/browser.ts'
import { AUDIENCE } from '../house/ground.ts'
import { attackOf, noneMay, type RealmAttack, statusesOf } from './attack.ts'
import { bodyOf } from '../../strikes/heard.ts'

const read = attackOf('read')
const write = attackOf('write')
/** Of the attacker, for an attacker's own sign-in. */
const OTHER_VERIFIER = 'o'.repeat(43)

/** Requests that must not come to a code, by a browser that is signed in. */
function refused(id: string, title: string, requests: readonly Query[]): RealmAttack {
  return read(id, title, async (duel) => {
    const browser = duel.ownerBrowser()
    const { url } = await duel.comeBack(browser, duel.victim)
    must(new URL(url).searchParams.has('code'), 'get a code')
    // Its own session is seen at each request.
    duel.othersWork()
    return {
      owner: 'the application was given a code',
      attempt: async () => {
        const heard = []
        for (const more of requests)
          heard.push(await browser.once('GET', authorizeUrl(duel.victim, more)))
        const codes = heard.filter((page) => locationOf(page)?.includes('code=') === true)
        return {
          crossed: codes.length > 0,
          met: `${codes.length} of ${heard.length} came to a code`,
        }
      },
    }
  })
}

/** Ways to use a code that must not work. */
function misused(id: string, title: string, uses: readonly Query[]): RealmAttack {
  return read(id, title, async (duel) => {
    const { victim } = duel
    const good = await duel.exchange('owner', victim, await duel.code(victim))
    must(good.status === 200, 'exchange a code')
    const codes: (readonly [string, Query])[] = []
    for (const use of uses) codes.push([await duel.code(victim), use] as const)
    return {
      owner: 'the application exchanged a code',
      attempt: async () => {
        const heard = []
        for (const [code, use] of codes) heard.push(await duel.exchange('owner', victim, code, use))
        return noneMay(heard)
      },
    }
  })
}

export const CODES: readonly RealmAttack[] = [
  refused('id-pkce-missing', 'Beginning without a challenge', [
    { code_challenge: '', code_challenge_method: '' },
    { code_challenge: '' },
  ]),
  refused('id-pkce-plain', 'Beginning with a challenge that is the verifier', [
    { code_challenge: VERIFIER, code_challenge_method: 'plain' },
    { code_challenge: VERIFIER, code_challenge_method: '' },
  ]),
  refused('id-response-type', 'Asking for tokens in the address', [
    { response_type: 'token' },
    { response_type: 'id_token', nonce: 'n' },
    { response_type: 'code id_token', nonce: 'n' },
    { response_type: 'code token' },
  ]),
  refused('id-resource-other', 'Asking for a token for somebody else', [
    { resource: 'https://other.test/' },
    { resource: AUDIENCE.slice(0, -1) },
    { resource: `${AUDIENCE}admin` },
  ]),
  misused('id-pkce-downgrade', "A code with no verifier, or another's", [
    { code_verifier: '' },
    { code_verifier: OTHER_VERIFIER },
  ]),
  misused('id-code-other-redirect', 'A code with another redirect than it was sent to', [
    { redirect_uri: 'https://evil.test/cb' },
    { redirect_uri: '' },
  ]),
  write('id-code-replayed', 'A code twice, after which what it brought is void', async (duel) => {
    const { victim } = duel
    const code = await duel.code(victim)
    const first = await duel.exchange('owner', victim, code)
    must(first.status === 200, 'exchange a code')
    duel.othersWork()
    return {
      owner: 'the application exchanged a code',
      attempt: async () => {
        const second = await duel.exchange('owner', victim, code)
        const refresh_token = String(bodyOf(first)['refresh_token'])
        const form = { grant_type: 'refresh_token', refresh_token }
        const after = await duel.client('owner', victim, '/token', form)
        const met = `second use ${second.status}, then a refresh ${after.status}`
        return { crossed: second.status === 200 || after.status === 200, met }
      },
    }
  }),
  write(
    'id-refresh-replayed',
    'A refresh token twice, after which its family is void',
    async (duel) => {
      const { victim } = duel
      const refresh = (refresh_token: string) =>
        duel.client('owner', victim, '/token', { grant_type: 'refresh_token', refresh_token })
      const { refresh_token } = await duel.tokens(victim)
      const first = await refresh(refresh_token)
      must(first.status === 200, 'refresh its token')
      duel.othersWork()
      return {
        owner: 'the application refreshed its token',
        attempt: async () => {
          const second = await refresh(refresh_token)
          const next = await refresh(String(bodyOf(first)['refresh_token']))
          const met = `second use ${second.status}, then the next one ${next.status}`
          return { crossed: second.status === 200 || next.status === 200, met }
        },
      }
    },
  ),
  read('id-mix-up', 'Answers that do not say whose they are', async (duel) => {
    const { victim } = duel
    const browser = duel.ownerBrowser()
    const { url } = await duel.comeBack(browser, victim)
    must(url.startsWith(victim.callback), 'be called back')
    duel.othersWork()
    return {
      owner: 'the application was called back',
      attempt: async () => {
        const asked = [
          authorizeUrl(victim),
          authorizeUrl(victim, { prompt: 'none' }),
          authorizeUrl(victim, { scope: 'openid nothing', prompt: 'none' }),
          authorizeUrl(victim, { iss: duel.attacker.issuer }),
        ]
        const issuers: string[][] = []
        for (const one of asked) {
          const to = locationOf(await browser.once('GET', one))
          if (to?.startsWith(victim.callback)) issuers.push(new URL(to).searchParams.getAll('iss'))
        }
        const wrong = issuers.filter((all) => all.length !== 1 || all[0] !== victim.issuer)
        const met = `${wrong.length} of ${issuers.length} answers name another realm, or none`
        return { crossed: wrong.length > 0 || issuers.length === 0, met }
      },
    }
  }),
  read('id-claims-from-request', 'Telling a realm what a token of it should say', async (duel) => {
    const { attacker, victim } = duel
    const claimed = {
      tenant_id: victim.tenant,
      tenant: victim.tenant,
      sub: 'alice',
      roles: 'admin',
      claims: JSON.stringify({ access_token: { tenant_id: { value: victim.tenant } } }),
    }
    const own = { grant_type: 'client_credentials', scope: 'read' }
    const good = await duel.client('owner', victim, '/token', own)
    must(tenantIn(good) === victim.tenant, 'get a token of its realm')
    return {
      owner: 'a client got a token of its realm',
      attempt: async () => {
        const heard = await duel.client('attacker', attacker, '/token', { ...own, ...claimed })
        const tenant = tenantIn(heard)
        const met = heard.status === 200 ? 'a token of its own realm, or not' : statusesOf([heard])
        return { crossed: tenant === victim.tenant, met }
      },
    }
  }),
]

function tenantIn(heard: { readonly body: string }): unknown {
  const token = String(bodyOf(heard)['access_token'])
  const text = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
  return bodyOf({ body: text })['tenant_id']
}
