import type { Duel } from '../duel.ts'
import { accessToken } from '../house/claims.ts'
import { PLATFORM_HOST } from '../house/ground.ts'
import { type KeyHolder, makeKeyHolder, proofBy, publicPartOf } from '../house/proofs.ts'
import { seconds } from '../../strikes/forge.ts'
import { type FrontDoorAttack, must, staged } from './attack.ts'
import { byPath, call } from './calls.ts'

/** Who has what of a token that is bound to a key. */
interface Theft {
  readonly duel: Duel
  /** The victim's token, which the attacker has got hold of. */
  readonly token: string
  /** Where it is shown. */
  readonly url: string
  readonly owner: KeyHolder
  readonly thief: KeyHolder
  /** A proof that the owner has used just now, as somebody who listens has it. */
  readonly seen: string
}

type Fields = readonly (readonly [name: string, value: string])[]

const dpop = (token: string, proof: string): Fields => [
  ['Authorization', `DPoP ${token}`],
  ['DPoP', proof],
]

/** The victim's token is bound to the victim's key. The attacker has the token. */
function theft(
  id: string,
  title: string,
  present: (theft: Theft) => Promise<Fields> | Fields,
): FrontDoorAttack {
  return staged(
    { id: `fd-proof-${id}`, title, kind: 'read', references: ['JW-12'] },
    async (duel) => {
      const { victim, own, ownMark, door, wire, mark } = duel
      const [owner, thief] = await Promise.all([makeKeyHolder(), makeKeyHolder()])
      const token = await accessToken(victim, { boundTo: owner.thumbprint })
      const way = byPath(victim)
      const urlOf = (name: string) => `http://${PLATFORM_HOST}${way.prefix}/records/${name}`
      const seen = proofBy(owner, { token, url: urlOf(ownMark) })
      const { body } = await call(own, door, way, ownMark, { headers: dpop(token, seen) })
      must(body.includes(victim.recordCanary), 'read with its token and a proof of its key')
      return {
        owner: 'the owner reads its own record with a token and a proof of the key',
        async attempt() {
          // What the owner used is for the owner's request: a thief repeats that very one.
          const repeats = id === 'replayed'
          const name = repeats ? ownMark : mark
          const headers = await present({ duel, token, url: urlOf(name), owner, thief, seen })
          const heard = await call(wire, door, way, name, { headers })
          const crossed = repeats ? heard.status === 200 : duel.reached
          return { crossed, met: `the stolen token: ${heard.status}` }
        },
      }
    },
  )
}

/** A token that is bound to a key, in the hands of somebody who does not have the key (RFC 9449). */
export const PROOFS: readonly FrontDoorAttack[] = [
  theft('as-bearer', 'A stolen token that is bound to a key, as one that is not', ({ token }) => [
    ['Authorization', `Bearer ${token}`],
  ]),
  theft(
    'forged',
    "A proof that names the owner's key and is signed by another",
    ({ token, url, owner, thief }) => {
      const header = { jwk: publicPartOf(owner.key) }
      return dpop(token, proofBy(thief, { token, url, header }))
    },
  ),
  theft('other-key', "A good proof of the thief's own key", ({ token, url, thief }) =>
    dpop(token, proofBy(thief, { token, url })),
  ),
  theft(
    'other-token',
    "The owner's proof for another of its tokens",
    async ({ duel, token, url, owner }) => {
      const other = await accessToken(duel.victim, { boundTo: owner.thumbprint })
      return dpop(token, proofBy(owner, { token: other, url }))
    },
  ),
  theft('other-method', "The owner's proof for another method", ({ token, url, owner }) =>
    dpop(token, proofBy(owner, { token, url, claims: { htm: 'HEAD' } })),
  ),
  theft('other-url', "The owner's proof for another place", ({ token, url, owner }) =>
    dpop(token, proofBy(owner, { token, url: `${url}/elsewhere` })),
  ),
  theft('old', "The owner's proof from an hour ago", ({ token, url, owner }) =>
    dpop(token, proofBy(owner, { token, url, claims: { iat: seconds() - 3_600 } })),
  ),
  theft('replayed', 'A request of the owner, sent once more as it was', ({ token, seen }) =>
    dpop(token, seen),
  ),
]
