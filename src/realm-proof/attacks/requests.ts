import { randomUUID } from 'node:crypto'
import { forge, forgeUnsigned, headerOf as headerFor, seconds } from '../../strikes/forge.ts'
import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import { authorizeUrl, basic, type Duel } from '../duel.ts'
import { type Browser, FOREIGN, formOf, type Page } from '../house/browser.ts'
import { APP, DEVICE_CODE } from '../house/furnish.ts'
import { ADMIN_AUDIENCE, BASE } from '../house/ground.ts'
import { PERSON } from '../house/party.ts'
import { attackOf, noneMay, type RealmAttack, statusesOf } from './attack.ts'
import { bodyOf } from '../../strikes/heard.ts'

const read = attackOf('read')
const write = attackOf('write')

/** What a client shows with a request to prove that it has a key (RFC 9449). */
function proof(duel: Duel, header: object, claims: object = {}): string {
  const { stranger } = duel.ground.keys
  const { kid: _kid, alg, use: _use, ...jwk } = stranger.publicJwk
  const htu = `${duel.victim.issuer}/token`
  return forge(
    stranger,
    { typ: 'dpop+jwt', alg, jwk, ...header },
    { jti: randomUUID(), htm: 'POST', htu, iat: seconds(), ...claims },
  )
}

function withProof(duel: Duel, dpop: string, by: 'owner' | 'attacker'): Promise<Heard> {
  const { appSecret } = duel.belongings(duel.victim)
  const what = {
    form: { grant_type: 'client_credentials', scope: 'read' },
    headers: [basic(APP, appSecret), ['DPoP', dpop] as const],
  }
  return by === 'owner'
    ? duel.ownerSays('POST', duel.victim, '/token', what)
    : duel.says('POST', duel.victim, '/token', what)
}

export const REQUESTS: readonly RealmAttack[] = [
  read('id-dpop-proof', 'Proofs of a key that prove nothing', async (duel) => {
    const good = await withProof(duel, proof(duel, {}), 'owner')
    must(bodyOf(good)['token_type'] === 'DPoP', 'get a token bound to its key')
    const used = proof(duel, {})
    must((await withProof(duel, used, 'owner')).status === 200, 'show a proof')
    const { partner } = duel.ground.keys
    const { kid: _kid, ...others } = partner.publicJwk
    return {
      owner: 'the client got a token bound to its key',
      attempt: async () => {
        const heard: Heard[] = []
        for (const one of [
          used,
          proof(duel, { jwk: others }),
          proof(duel, { jwk: undefined, jku: `${duel.attacker.issuer}/jwks` }),
          proof(duel, { typ: 'JWT' }),
          proof(duel, {}, { htu: `${duel.attacker.issuer}/token` }),
          proof(duel, {}, { htm: 'GET' }),
          proof(duel, {}, { iat: seconds() - 3_600 }),
          forgeUnsigned({ typ: 'dpop+jwt', alg: 'none', jwk: others }, { jti: 'x' }),
        ]) {
          heard.push(await withProof(duel, one, 'attacker'))
        }
        return noneMay(heard)
      },
    }
  }),
  read(
    'id-request-object',
    'Requests inside a token that the client did not sign',
    async (duel) => {
      const { victim } = duel
      const browser = duel.ownerBrowser()
      must((await duel.comeBack(browser, victim)).url.startsWith(victim.callback), 'get a code')
      duel.othersWork()
      const { stranger } = duel.ground.keys
      const inside = {
        client_id: APP,
        redirect_uri: 'https://evil.test/cb',
        response_type: 'code',
        scope: 'openid',
      }
      return {
        owner: 'the application was given a code',
        attempt: async () => {
          const heard: Page[] = []
          for (const more of [
            { request: forgeUnsigned({ alg: 'none' }, inside) },
            {
              request: forge(
                stranger,
                { ...headerFor(stranger, 'JWT'), jwk: stranger.publicJwk },
                inside,
              ),
            },
            { request_uri: 'https://evil.test/request' },
            { request_uri: 'urn:ietf:params:oauth:request_uri:x' },
          ]) {
            heard.push(await browser.once('GET', authorizeUrl(victim, more)))
          }
          const crossed = heard.some(({ headers }) =>
            headers.some(([name, value]) => name === 'location' && /evil\.test|code=/.test(value)),
          )
          return { crossed, met: statusesOf(heard) }
        },
      }
    },
  ),
  read('id-host-from-request', 'A realm that calls itself as the request does', async (duel) => {
    const { victim } = duel
    const path = '/.well-known/openid-configuration'
    const good = await duel.ownerSays('GET', victim, path)
    must(bodyOf(good)['issuer'] === victim.issuer, 'read what its realm says of itself')
    const names = [
      { headers: [['X-Forwarded-Host', 'evil.test'] as const] },
      { headers: [['Forwarded', 'host=evil.test;proto=http'] as const] },
      { headers: [['X-Forwarded-Proto', 'http'] as const] },
      { headers: [['X-Host', 'evil.test'] as const] },
      { headers: [['X-Forwarded-Prefix', '/evil'] as const] },
    ]
    return {
      owner: 'a client read what the realm says of itself',
      attempt: async () => {
        const heard: Heard[] = []
        for (const what of names) heard.push(await duel.says('GET', victim, path, what))
        const other = await duel.says('GET', victim, path, { host: 'evil.test' })
        const crossed =
          heard.some(({ body }) => body !== good.body) || other.body.includes('evil.test')
        return { crossed, met: `${statusesOf(heard)}; by another host ${other.status}` }
      },
    }
  }),
  read('id-markup', 'Markup in what a page repeats', async (duel) => {
    const { victim, attacker } = duel
    const evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    const good = await duel.ownerBrowser().get(authorizeUrl(victim, { login_hint: 'Ada & Co' }))
    must(good.body.includes('Ada &amp; Co'), 'have a hint repeated')
    return {
      owner: 'the page repeated a hint',
      attempt: async () => {
        const browser = duel.browser()
        const first = await browser.get(authorizeUrl(victim, { login_hint: evil }))
        const pages = [
          first,
          await browser.submit(first, '/identifier', { name: evil }),
          await browser.get(`${victim.issuer}/auth?client_id=${encodeURIComponent(evil)}`),
          await browser.get(authorizeUrl(victim, { scope: evil, response_type: evil })),
          await browser.get(`${victim.issuer}/account/signed-in?error=${encodeURIComponent(evil)}`),
          await browser.get(`${victim.issuer}/device?user_code=${encodeURIComponent(evil)}`),
          await browser.get(`${attacker.issuer}/link/${encodeURIComponent(evil)}`),
        ]
        const raw = pages.filter(
          ({ body }) => body.includes('<script>alert') || body.includes('<img src=x'),
        )
        return {
          crossed: raw.length > 0,
          met: `${raw.length} of ${pages.length} pages repeat it as it is`,
        }
      },
    }
  }),
  write('id-csrf-device', "Allowing one's own device for somebody else", async (duel) => {
    const { victim } = duel
    const browser = duel.ownerBrowser()
    await duel.comeBack(browser, victim)
    const good = await device(duel)
    await allow(browser, victim.issuer, good.userCode)
    must((await good.poll()).status === 200, 'allow a device')
    const evil = await device(duel)
    duel.othersWork()
    return {
      owner: 'the user allowed a device',
      attempt: async () => {
        const url = `${victim.issuer}/device`
        const form = { user_code: evil.userCode, confirm: 'yes' }
        const heard = [
          await browser.get(`${url}?${new URLSearchParams(form).toString()}`),
          await browser.post(url, form, FOREIGN),
          await browser.post(url, { ...form, xsrf: 'x'.repeat(24) }, FOREIGN),
        ]
        const { status } = await evil.poll()
        return { crossed: status === 200, met: `${statusesOf(heard)}; the device got ${status}` }
      },
    }
  }),
  write(
    'id-admin-forged',
    'Administering a realm, or support access to it, by forged assertions',
    async (duel) => {
      const { victim } = duel
      const { control, stranger } = duel.ground.keys
      const claims = (more: object = {}) => ({
        iss: 'control',
        sub: 'control',
        aud: ADMIN_AUDIENCE,
        iat: seconds(),
        exp: seconds() + 30,
        jti: randomUUID(),
        ...more,
      })
      const TYP = 'client-authentication+jwt'
      const ask = (assertion: string, path = '', method = 'GET', body?: object) =>
        duel.plane.administer(`/admin/realms/${victim.tenant}${path}`, method, assertion, body)
      const good = forge(control, headerFor(control, TYP), claims())
      must((await ask(good)).status === 200, 'administer a realm')
      const theirs = await duel.plane.identity.realms.issueFor(duel.attacker.tenant, PERSON)
      const kid = control.publicJwk.kid
      return {
        owner: 'the control plane administered the realm',
        attempt: async () => {
          const statuses: { status: number }[] = []
          for (const one of [
            '',
            good,
            theirs.access_token,
            forgeUnsigned({ alg: 'none', typ: TYP, kid }, claims()),
            forge(stranger, { alg: 'ES256', typ: TYP, kid }, claims()),
            forge(stranger, { ...headerFor(stranger, TYP), jwk: stranger.publicJwk }, claims()),
            forge(
              control,
              headerFor(control, TYP),
              claims({ aud: `${BASE}/realms/${victim.tenant}` }),
            ),
          ]) {
            for (const [path, method, body] of [
              ['', 'GET', undefined],
              ['/support/access-1/token', 'POST', { seconds: 60 }],
              ['/support-decisions', 'GET', undefined],
            ] as const) {
              statuses.push({ status: (await ask(one, path, method, body)).status })
            }
          }
          const crossed = statuses.some(({ status }) => status < 400)
          return { crossed, met: statusesOf(statuses) }
        },
      }
    },
  ),
]

/** A device of the attacker's that waits for somebody to allow it. */
async function device(duel: Duel) {
  const { victim } = duel
  const begun = await duel.client('owner', victim, '/device/auth', {
    client_id: APP,
    scope: 'openid read',
  })
  const { device_code, user_code } = bodyOf(begun)
  return {
    userCode: String(user_code),
    poll: () =>
      duel.client('owner', victim, '/token', {
        grant_type: DEVICE_CODE,
        device_code: String(device_code),
      }),
  }
}

/** As its user would, by the forms of the pages. */
async function allow(browser: Browser, issuer: string, userCode: string): Promise<void> {
  const asked = await browser.get(`${issuer}/device`)
  const shown = await browser.submit(asked, '/device', { user_code: userCode })
  const { action, fields } = formOf(shown, '/device')
  await browser.post(action, fields)
}
