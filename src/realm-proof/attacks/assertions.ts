import { randomUUID } from 'node:crypto'
import { forge, forgeUnsigned, forgeWithSecret, seconds } from '../../strikes/forge.ts'
import { must } from '../../strikes/staged-attack.ts'
import { CLIENT_ASSERTION_TYPE } from '../../tokens/client-assertion.ts'
import type { Duel } from '../duel.ts'
import { PARTNER } from '../house/furnish.ts'
import { attackOf, noneMay, type RealmAttack } from './attack.ts'

const read = attackOf('read')

/** What the partner says of itself at a token endpoint. */
export function assertionClaims(aud: string, more: Readonly<Record<string, unknown>> = {}) {
  const iat = seconds()
  return { iss: PARTNER, sub: PARTNER, aud, iat, exp: iat + 60, jti: randomUUID(), ...more }
}

function own(duel: Duel, more: Readonly<Record<string, unknown>> = {}): string {
  const { partner } = duel.ground.keys
  const { kid } = partner.publicJwk
  return forge(partner, { alg: 'ES256', kid }, assertionClaims(duel.victim.issuer, more))
}

function use(duel: Duel, assertion: string, by: 'owner' | 'attacker') {
  const form = {
    grant_type: 'client_credentials',
    scope: 'read',
    client_id: PARTNER,
    client_assertion_type: CLIENT_ASSERTION_TYPE,
    client_assertion: assertion,
  }
  return by === 'owner'
    ? duel.ownerSays('POST', duel.victim, '/token', { form })
    : duel.says('POST', duel.victim, '/token', { form })
}

function asserted(
  id: string,
  title: string,
  make: (duel: Duel, kid: string) => readonly string[],
): RealmAttack {
  return read(id, title, async (duel) => {
    must((await use(duel, own(duel), 'owner')).status === 200, 'show who it is')
    return {
      owner: 'the partner got a token by its key',
      attempt: async () => {
        const heard = []
        for (const one of make(duel, duel.ground.keys.partner.publicJwk.kid)) {
          heard.push(await use(duel, one, 'attacker'))
        }
        return noneMay(heard)
      },
    }
  })
}

export const ASSERTIONS: readonly RealmAttack[] = [
  asserted(
    'id-assertion-other-realm',
    "A partner's assertion that it made for another realm",
    (duel) => {
      const { issuer } = duel.attacker
      return [
        own(duel, { aud: issuer }),
        own(duel, { aud: `${issuer}/token` }),
        own(duel, { aud: [issuer, duel.victim.issuer] }),
        own(duel, { aud: undefined }),
      ]
    },
  ),
  asserted('id-assertion-spelling', 'An assertion for the issuer in other spellings', (duel) => {
    const { issuer, tenant } = duel.victim
    return [
      `${issuer}/`,
      issuer.toUpperCase(),
      issuer.replace('https:', 'http:'),
      issuer.replace(tenant, `%${tenant.charCodeAt(0).toString(16)}${tenant.slice(1)}`),
      issuer.replace('/realms', '/./realms'),
    ].map((aud) => own(duel, { aud }))
  }),
  asserted(
    'id-assertion-forged',
    'Assertions with no signature, or by nobody’s key',
    (duel, kid) => {
      const claims = assertionClaims(duel.victim.issuer)
      const { stranger, partner } = duel.ground.keys
      return [
        forgeUnsigned({ alg: 'none', kid }, claims),
        forgeUnsigned({ alg: 'ES256', kid }, claims, Buffer.alloc(64).toString('base64url')),
        forgeWithSecret(JSON.stringify(partner.publicJwk), { alg: 'HS256', kid }, claims),
        forge(stranger, { alg: 'ES256', kid }, claims),
        forge(stranger, { alg: 'EdDSA', kid }, claims),
      ]
    },
  ),
  asserted('id-assertion-own-key', 'Assertions that bring their key', (duel, kid) => {
    const { stranger } = duel.ground.keys
    return [
      { jwk: stranger.publicJwk, kid },
      { jwk: stranger.publicJwk },
      { jku: `${duel.attacker.issuer}/jwks`, kid: stranger.publicJwk.kid },
      { x5u: `${duel.attacker.issuer}/jwks` },
    ].map((more) => forge(stranger, { alg: 'ES256', ...more }, assertionClaims(duel.victim.issuer)))
  }),
  asserted('id-assertion-late', 'Assertions after their time, or for ever', (duel) => [
    own(duel, { exp: seconds() - 120, iat: seconds() - 180 }),
    own(duel, { exp: seconds() + 86_400 }),
    own(duel, { exp: undefined }),
  ]),
  read('id-assertion-replayed', 'An assertion twice', async (duel) => {
    const assertion = own(duel)
    must((await use(duel, assertion, 'owner')).status === 200, 'show who it is')
    return {
      owner: 'the partner got a token by its key',
      attempt: async () => noneMay([await use(duel, assertion, 'attacker')]),
    }
  }),
]
