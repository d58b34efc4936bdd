import { forge, forgeUnsigned, headerOf } from '../../strikes/forge.ts'
import { must } from '../../strikes/staged-attack.ts'
import { actClaim, type Actor, ACTORS_MAX } from '../../tokens/actor.ts'
import { parseSubject } from '../../core/names.ts'
import type { Duel, Query } from '../duel.ts'
import { APP } from '../house/furnish.ts'
import { type Party, PERSON } from '../house/party.ts'
import { attackOf, type RealmAttack } from './attack.ts'
import { ACCESS_TOKEN, claimsOf, exchange } from './tokens.ts'
import { bodyOf } from '../../strikes/heard.ts'

const write = attackOf('write')

/** What a token says, unverified. */
export function saidIn(token: unknown): Readonly<Record<string, unknown>> {
  const [, payload = ''] = String(token).split('.')
  return bodyOf({ body: Buffer.from(payload, 'base64url').toString() })
}

/** So many that act for each other. */
export function chainOf(hops: number): Actor {
  const subject = parseSubject(`service-${hops}`)
  return hops === 1 ? { subject } : { subject, actor: chainOf(hops - 1) }
}

const token = async (duel: Duel, { tenant }: Party) =>
  (await duel.plane.identity.realms.issueFor(tenant, PERSON)).access_token

/** A token of the victim's realm, by its own key, in which so many act. */
async function chained(duel: Duel, hops: number): Promise<string> {
  const key = await duel.plane.identity.parts.keys.signing(duel.victim.tenant)
  const act = actClaim(chainOf(hops))
  return forge(key, headerOf(key, 'at+jwt'), claimsOf(duel.victim, { act }))
}

/** Whoever acts in a token that was exchanged is the client that did it, and nobody else. */
function named(
  id: string,
  title: string,
  tries: (duel: Duel) => Promise<readonly Query[]>,
): RealmAttack {
  return write(id, title, async (duel) => {
    const subject = await token(duel, duel.victim)
    const good = await exchange(duel, subject)
    const act = JSON.stringify(saidIn(bodyOf(good)['access_token'])['act'])
    must(act === JSON.stringify({ sub: APP }), 'exchange a token, and act in it')
    return {
      owner: 'the application exchanged a token, and acts in it',
      attempt: async () => {
        let wrong = 0
        const all = await tries(duel)
        for (const more of all) {
          const heard = await exchange(duel, subject, more)
          const said = saidIn(bodyOf(heard)['access_token'])
          if (heard.status === 200 && JSON.stringify(said['act']) !== act) wrong += 1
        }
        return { crossed: wrong > 0, met: `${wrong} of ${all.length} tokens name another actor` }
      },
    }
  })
}

export const ACTORS: readonly RealmAttack[] = [
  named('id-exchange-actor-claimed', 'Naming in a request who acts', async () => {
    const admin = { sub: 'admin', act: { sub: 'root' } }
    return [
      { act: JSON.stringify(admin) },
      { actor: 'admin', act: 'admin' },
      { may_act: JSON.stringify(admin) },
      { claims: JSON.stringify({ access_token: { act: { value: admin } } }) },
      { actor_token: forgeUnsigned({ alg: 'none' }, admin), actor_token_type: ACCESS_TOKEN },
    ]
  }),
  named(
    'id-exchange-actor-other-realm',
    'Acting as somebody by a token of another realm',
    async (duel) => {
      const { attacker } = duel
      const theirs = await token(duel, attacker)
      const { id_token } = await duel.tokens(attacker)
      const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token'
      return [
        { actor_token: theirs, actor_token_type: ACCESS_TOKEN },
        { actor_token: id_token, actor_token_type: ID_TOKEN },
        { actor_token: theirs },
      ]
    },
  ),
  write('id-exchange-chain', 'A chain of actors that is longer than the limit', async (duel) => {
    const good = await exchange(duel, await chained(duel, ACTORS_MAX - 1))
    must(good.status === 200, 'act for one that acts')
    const long: string[] = []
    for (const hops of [ACTORS_MAX, ACTORS_MAX + 1, 200]) long.push(await chained(duel, hops))
    return {
      owner: `the application acted as the last of ${ACTORS_MAX}`,
      attempt: async () => {
        let taken = 0
        for (const one of long) if ((await exchange(duel, one)).status === 200) taken += 1
        return { crossed: taken > 0, met: `${taken} of ${long.length} were exchanged` }
      },
    }
  }),
]
