import type { Duel } from '../duel.ts'
import { ACCESS_TYP, accessClaims, accessToken, type Claims } from '../house/claims.ts'
import { forge, forgeUnsigned, forgeWithSecret, headerOf } from '../../strikes/forge.ts'
import { attack, type AttackFacts, type FrontDoorAttack, statusesOf } from './attack.ts'
import { bothWays, byPath, call, ownerReads, type Way } from './calls.ts'

interface Try {
  readonly token: string
  /** Default: the victim's, by path and by host. */
  readonly ways?: readonly Way[]
}

/** Tokens that must open nothing, each presented at the victim's routes unless told otherwise. */
export function tokenAttack(
  facts: Omit<AttackFacts, 'kind'>,
  make: (duel: Duel) => Promise<readonly Try[]> | readonly Try[],
): FrontDoorAttack {
  return attack(
    { kind: 'read', ...facts },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const tries = await make(duel)
        const heard = await Promise.all(
          tries.flatMap(({ token, ways = bothWays(duel.victim) }) =>
            ways.map((way) => call(duel.wire, duel.door, way, duel.mark, { token })),
          ),
        )
        return { crossed: duel.reached, met: `${tries.length} tokens: ${statusesOf(heard)}` }
      },
    },
  )
}

/** Signed by the attacker in the name of the victim's realm, with a header of its own choice. */
export function inVictimsName({ attacker, victim }: Duel, header: Claims): string {
  return forge(
    attacker.realm,
    { ...headerOf(attacker.realm, ACCESS_TYP), ...header },
    accessClaims(victim),
  )
}

/** Tokens of the wrong realm, and tokens that an attacker makes up. */
export const TOKENS: readonly FrontDoorAttack[] = [
  tokenAttack(
    {
      id: 'fd-token-of-own-realm',
      title: "A user's good token of the own realm, at the victim's routes",
      references: ['JW-5', 'JW-8'],
    },
    async ({ attacker }) => [{ token: await accessToken(attacker) }],
  ),
  tokenAttack(
    {
      id: 'fd-token-claims-disagree',
      title: 'Issuer, tenant and route in every combination in which they disagree',
      references: ['JW-5', 'JW-6', 'JW-8', 'HT-5'],
    },
    ({ attacker, victim }) => {
      const both = [attacker, victim]
      return both.flatMap(({ issuer }) =>
        both.flatMap(({ tenant }) =>
          both.flatMap((route) =>
            [issuer, tenant, route.host].every((name) =>
              [attacker.issuer, attacker.tenant, attacker.host].includes(name),
            )
              ? []
              : [
                  {
                    token: forge(
                      attacker.realm,
                      headerOf(attacker.realm, ACCESS_TYP),
                      accessClaims(attacker, { iss: issuer, tenant_id: tenant }),
                    ),
                    ways: bothWays(route),
                  },
                ],
          ),
        ),
      )
    },
  ),
  tokenAttack(
    {
      id: 'fd-token-alg-none',
      title: 'A token without a signature: alg none in every spelling',
      references: ['JW-1'],
    },
    ({ victim }) =>
      ['none', 'None', 'NONE', 'nOnE', '', 'ES256'].flatMap((alg) => {
        const header = { ...headerOf(victim.realm, ACCESS_TYP), alg }
        const claims = accessClaims(victim)
        return ['', 'AA', 'A'.repeat(86)].map((signature) => ({
          token: forgeUnsigned(header, claims, signature),
        }))
      }),
  ),
  tokenAttack(
    {
      id: 'fd-token-alg-hmac',
      title: "The victim's public key as the secret of an HMAC",
      references: ['JW-2'],
    },
    ({ victim }) => {
      const { x = '', y = '', kid } = victim.realm.publicJwk
      const secrets = [
        JSON.stringify(victim.realm.publicJwk),
        x,
        Buffer.from(x, 'base64url'),
        Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]),
        kid,
        '',
      ]
      const header = { ...headerOf(victim.realm, ACCESS_TYP), alg: 'HS256' }
      return secrets.map((secret) => ({
        token: forgeWithSecret(secret, header, accessClaims(victim)),
      }))
    },
  ),
  tokenAttack(
    {
      id: 'fd-token-alg-other',
      title: 'Other algorithms than the key is for',
      references: ['JW-1', 'JW-2'],
    },
    (duel) => {
      const { kid } = duel.victim.realm.publicJwk
      return ['EdDSA', 'ES384', 'ES512', 'ES256K', 'RS256', 'PS256', 'Ed25519', 'dir', null].map(
        (alg) => ({ token: inVictimsName(duel, { alg, kid }) }),
      )
    },
  ),
  tokenAttack(
    {
      id: 'fd-token-kid-foreign',
      title: "The attacker's signature under the victim's kid, the own kid, and none",
      references: ['JW-3', 'JW-5'],
    },
    (duel) => {
      const { context, job, record } = duel.ground.keys
      const keys = [duel.victim.realm, duel.attacker.realm, context, job, record]
      const kids = [...keys.map(({ publicJwk }) => publicJwk.kid), undefined, '', 'unknown']
      return kids.map((kid) => ({ token: inVictimsName(duel, { kid }) }))
    },
  ),
  tokenAttack(
    {
      id: 'fd-token-kid-injection',
      title: 'A kid that is a path, an address, SQL or a prototype',
      references: ['JW-3'],
    },
    (duel) => {
      const { attacker, victim } = duel
      // With what they would find there, as the secret of an HMAC.
      const found = [
        ['../../../../dev/null', ''],
        ['/proc/sys/kernel/randomize_va_space', '2\n'],
        ["' union select 'AAAA' --", 'AAAA'],
      ] as const
      const kids = [
        ...found.map(([kid]) => kid),
        'https://evil.test/jwks',
        '__proto__',
        'constructor',
        { $ne: null },
        [attacker.realm.publicJwk.kid],
        0,
        null,
      ]
      return [
        ...kids.map((kid) => inVictimsName(duel, { kid })),
        ...found.map(([kid, secret]) =>
          forgeWithSecret(secret, { alg: 'HS256', typ: ACCESS_TYP, kid }, accessClaims(victim)),
        ),
      ].map((token) => ({ token }))
    },
  ),
  tokenAttack(
    {
      id: 'fd-token-own-key-inside',
      title: 'A token that brings its own key, or says where to fetch it',
      references: ['JW-4'],
    },
    (duel) => {
      const { attacker } = duel
      const { publicJwk } = attacker.realm
      const address = 'https://evil.test/keys'
      return [
        { jwk: publicJwk },
        { jwk: { ...publicJwk, kid: duel.victim.realm.publicJwk.kid } },
        { jku: address },
        { x5u: address },
        { x5c: ['MIIB'] },
      ].map((header) => ({ token: inVictimsName(duel, header) }))
    },
  ),
  tokenAttack(
    {
      id: 'fd-token-header-extensions',
      title: 'Extensions of the header that change what is signed',
      references: ['JW-14'],
    },
    (duel) => {
      const { victim } = duel
      const header = headerOf(victim.realm, ACCESS_TYP)
      const odd = [
        { ...header, crit: ['exp'] },
        { ...header, b64: false, crit: ['b64'] },
        { ...header, crit: ['unknown'], unknown: 1 },
      ]
      // The victim's own key has signed these: that alone must not be enough.
      return odd.map((one) => ({ token: forge(victim.realm, one, accessClaims(victim)) }))
    },
  ),
  attack(
    {
      id: 'fd-token-remembered',
      title: 'A forged token that was seen at another route before',
      kind: 'read',
      references: ['JW-10'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, victim, wire, door, mark } = duel
        const tokens = [
          // Of the own realm's key, and so valid by its signature where it is shown first.
          forge(attacker.realm, headerOf(attacker.realm, ACCESS_TYP), accessClaims(victim)),
          await accessToken(attacker),
        ]
        const heard = []
        for (const token of tokens) {
          await call(wire, door, byPath(attacker), `${mark}-before`, { token })
          for (const way of bothWays(victim)) {
            heard.push(await call(wire, door, way, mark, { token }))
          }
        }
        return { crossed: duel.reached, met: `shown again: ${statusesOf(heard)}` }
      },
    },
  ),
]
