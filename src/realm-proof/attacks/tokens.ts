import { forge, forgeUnsigned, forgeWithSecret, headerOf, seconds } from '../../strikes/forge.ts'
import { must } from '../../strikes/staged-attack.ts'
import type { SigningKey } from '../../tokens/signing-key.ts'
import { randomUUID } from 'node:crypto'
import type { Duel } from '../duel.ts'
import { APP } from '../house/furnish.ts'
import { AUDIENCE } from '../house/ground.ts'
import { type Party, PERSON } from '../house/party.ts'
import { attackOf, type Outcome, type RealmAttack } from './attack.ts'
import { bodyOf } from '../../strikes/heard.ts'

const read = attackOf('read')
const write = attackOf('write')
const TYP = 'at+jwt'
export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

/** What an access token of the victim's user says. */
export function claimsOf(party: Party, more: Readonly<Record<string, unknown>> = {}) {
  const iat = seconds()
  return {
    iss: party.issuer,
    aud: AUDIENCE,
    sub: PERSON,
    client_id: APP,
    tenant_id: party.tenant,
    scope: 'read write',
    roles: ['nurse'],
    iat,
    exp: iat + 300,
    jti: randomUUID(),
    ...more,
  }
}

/** The realm's public key that verifies access tokens now. */
async function publicKeyOf(duel: Duel, { tenant }: Party) {
  const { keys } = duel.plane.identity.parts
  const { kid } = (await keys.signing(tenant)).publicJwk
  const found = (await keys.verifying(tenant)).find((key) => key.kid === kid)
  if (found === undefined) throw new Error('the realm does not publish its key')
  return found
}

/** A service of the realm asks the realm about a token that somebody presented. */
async function isBelieved(duel: Duel, token: string): Promise<boolean> {
  const asked = await duel.client('owner', duel.victim, '/token/introspection', { token })
  const active = bodyOf(asked)['active'] === true
  const exchanged = await duel.client('owner', duel.victim, '/token', {
    grant_type: EXCHANGE,
    subject_token: token,
    subject_token_type: ACCESS_TOKEN,
  })
  return active || exchanged.status === 200
}

async function genuine(duel: Duel, { tenant }: Party, scopes?: readonly string[]) {
  const { realms } = duel.plane.identity
  return (await realms.issueFor(tenant, PERSON, scopes === undefined ? {} : { scopes }))
    .access_token
}

/** Tokens that somebody presents to a service of the victim, which asks its realm. */
function presented(
  id: string,
  title: string,
  make: (duel: Duel, victimsKid: string, ownKey: SigningKey) => Promise<readonly string[]>,
): RealmAttack {
  return read(id, title, async (duel) => {
    const { attacker, victim } = duel
    must(
      await isBelieved(duel, await genuine(duel, victim)),
      'be believed with a token of its realm',
    )
    const { keys } = duel.plane.identity.parts
    const own = await keys.signing(attacker.tenant)
    const { kid } = await publicKeyOf(duel, victim)
    const tokens = await make(duel, kid, own)
    return {
      owner: 'the realm believed a token of its own, and exchanged it',
      attempt: async (): Promise<Outcome> => {
        const believed: number[] = []
        for (const [at, token] of tokens.entries()) {
          if (await isBelieved(duel, token)) believed.push(at + 1)
        }
        const which = believed.length === 0 ? 'none' : `number ${believed.join(', ')}`
        return { crossed: believed.length > 0, met: `${tokens.length} tokens, believed: ${which}` }
      },
    }
  })
}

const FORGED: readonly RealmAttack[] = [
  presented('id-token-other-realm', 'A token of another realm', async (duel) => [
    await genuine(duel, duel.attacker),
  ]),
  presented(
    'id-token-key-of-other',
    "A token for the victim, by another realm's key",
    async (duel, _kid, own) => [forge(own, headerOf(own, TYP), claimsOf(duel.victim))],
  ),
  presented(
    'id-token-same-kid',
    "Another realm's key under the victim's kid",
    async (duel, kid) => {
      const { stranger } = duel.ground.keys
      return [forge(stranger, { alg: 'ES256', typ: TYP, kid }, claimsOf(duel.victim))]
    },
  ),
  presented(
    'id-token-issuer-spelling',
    "The victim's issuer in other spellings",
    async (duel, _kid, own) => {
      const { issuer, tenant } = duel.victim
      const spellings = [
        `${issuer}/`,
        issuer.toUpperCase(),
        issuer.replace('/realms/', '/realms/%2e/'),
        issuer.replace(tenant, `%${tenant.charCodeAt(0).toString(16)}${tenant.slice(1)}`),
        issuer.replace('https:', 'http:'),
        `${issuer}#`,
        `${issuer}?`,
        issuer.replace('/realms', ':443/realms'),
        issuer.replace('c', 'с'),
        ` ${issuer}`,
      ]
      return spellings.map((iss) => forge(own, headerOf(own, TYP), claimsOf(duel.victim, { iss })))
    },
  ),
  presented(
    'id-token-tenant-of-other',
    "The victim's tenant in a token of another realm",
    async (duel, _kid, own) => [
      forge(own, headerOf(own, TYP), claimsOf(duel.attacker, { tenant_id: duel.victim.tenant })),
    ],
  ),
  presented('id-token-alg-none', 'Tokens without a signature', async (duel, kid) =>
    ['none', 'None', 'NONE', ''].flatMap((alg) => [
      forgeUnsigned({ alg, typ: TYP, kid }, claimsOf(duel.victim)),
      forgeUnsigned({ alg, typ: TYP }, claimsOf(duel.victim), 'AA'),
    ]),
  ),
  presented('id-token-alg-hmac', 'HS256 with the public key as its secret', async (duel, kid) => {
    const key = await publicKeyOf(duel, duel.victim)
    const { x = '', y = '' } = key
    return [JSON.stringify(key), Buffer.from(x, 'base64url'), `${x}${y}`].map((secret) =>
      forgeWithSecret(secret, { alg: 'HS256', typ: TYP, kid }, claimsOf(duel.victim)),
    )
  }),
  presented('id-token-zero-signature', 'ES256 with r and s of nought', async (duel, kid) =>
    [Buffer.alloc(64), Buffer.alloc(0), Buffer.from('3006020100020100', 'hex')].map((signature) =>
      forgeUnsigned(
        { alg: 'ES256', typ: TYP, kid },
        claimsOf(duel.victim),
        signature.toString('base64url'),
      ),
    ),
  ),
  presented('id-token-alg-other', 'An algorithm that the key is not of', async (duel, kid) => {
    const { stranger } = duel.ground.keys
    return ['EdDSA', 'ES384', 'RS256', 'PS256', 'ES256K'].map((alg) =>
      forge(stranger, { alg, typ: TYP, kid }, claimsOf(duel.victim)),
    )
  }),
  presented(
    'id-token-own-key',
    'Tokens that bring their key: jwk, jku, x5u, x5c',
    async (duel, kid) => {
      const { stranger } = duel.ground.keys
      const brought = [
        { jwk: stranger.publicJwk },
        { jku: `${duel.attacker.issuer}/jwks`, kid: stranger.publicJwk.kid },
        { x5u: `${duel.attacker.issuer}/jwks` },
        { x5c: ['AAAA'] },
        { jwk: stranger.publicJwk, kid: undefined },
      ]
      return brought.map((more) =>
        forge(stranger, { alg: 'ES256', typ: TYP, kid, ...more }, claimsOf(duel.victim)),
      )
    },
  ),
  presented('id-token-audience', 'A token of the realm that was made for others', async (duel) => {
    const key = await duel.plane.identity.parts.keys.signing(duel.victim.tenant)
    const audiences = [
      'https://other.test/',
      [AUDIENCE, 'https://other.test/'],
      AUDIENCE.slice(0, -1),
      APP,
    ]
    return audiences.map((aud) => forge(key, headerOf(key, TYP), claimsOf(duel.victim, { aud })))
  }),
  presented('id-token-type', "The realm's ID tokens and others, as access tokens", async (duel) => {
    const key = await duel.plane.identity.parts.keys.signing(duel.victim.tenant)
    const { id_token } = await duel.tokens(duel.victim)
    return [
      id_token,
      ...['JWT', 'logout+jwt', 'dpop+jwt', undefined].map((typ) =>
        forge(key, { ...headerOf(key, TYP), typ }, claimsOf(duel.victim)),
      ),
    ]
  }),
]

/** Asks for an exchange with these besides. */
export function exchange(duel: Duel, token: string, more: Readonly<Record<string, string>> = {}) {
  return duel.client('owner', duel.victim, '/token', {
    grant_type: EXCHANGE,
    subject_token: token,
    subject_token_type: ACCESS_TOKEN,
    ...more,
  })
}

/** Exchanges that go further than what they come of. */
function exchanged(
  id: string,
  title: string,
  tries: (duel: Duel) => readonly Readonly<Record<string, string>>[],
): RealmAttack {
  return write(id, title, async (duel) => {
    const token = await genuine(duel, duel.victim, ['read'])
    must((await exchange(duel, token)).status === 200, 'exchange a token')
    return {
      owner: 'the application exchanged a token that may read',
      attempt: async () => {
        let crossed = 0
        const all = tries(duel)
        for (const more of all) if ((await exchange(duel, token, more)).status === 200) crossed += 1
        return { crossed: crossed > 0, met: `${crossed} of ${all.length} were carried out` }
      },
    }
  })
}

const EXCHANGES: readonly RealmAttack[] = [
  exchanged('id-exchange-wider', 'Exchanging a token for one that may more', () => [
    { scope: 'write' },
    { scope: 'read write' },
    { scope: 'admin' },
  ]),
  exchanged(
    'id-exchange-audience',
    'Exchanging a token for one for somebody else',
    ({ attacker }) => [
      { audience: 'https://other.test/' },
      { resource: 'https://other.test/' },
      { audience: attacker.issuer },
    ],
  ),
  exchanged(
    'id-exchange-actor',
    'Acting as somebody else by a token that is brought',
    ({ victim }) => [
      {
        actor_token: forgeUnsigned({ alg: 'none' }, claimsOf(victim)),
        actor_token_type: ACCESS_TOKEN,
      },
      { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
    ],
  ),
  read('id-api-key-other-realm', 'An API key of one realm at another', async (duel) => {
    const { attacker, victim } = duel
    const use = (by: Party, at: Party, who: 'owner' | 'attacker') => {
      const form = {
        grant_type: EXCHANGE,
        client_id: 'ringfence-api-keys',
        subject_token: duel.belongings(by).apiKey,
        subject_token_type: 'urn:ringfence:params:oauth:token-type:api-key',
      }
      return who === 'owner'
        ? duel.ownerSays('POST', at, '/token', { form })
        : duel.says('POST', at, '/token', { form })
    }
    const good = await use(victim, victim, 'owner')
    must(good.status === 200, `exchange an API key: ${good.status} ${good.body}`)
    return {
      owner: 'a program exchanged an API key of the realm',
      attempt: async () => {
        const { status } = await use(attacker, victim, 'attacker')
        return { crossed: status === 200, met: String(status) }
      },
    }
  }),
]

export const TOKENS: readonly RealmAttack[] = [...FORGED, ...EXCHANGES]
