import { parseSubject } from '../../core/names.ts'
import { forge, headerOf } from '../../strikes/forge.ts'
import { ACTORS_MAX } from '../../tokens/actor.ts'
import { saidIn } from '../attacks/actors.ts'
import type { Passing } from '../house/fronted.ts'
import { mutant, type RealmMutant } from './realm-mutant.ts'
import { formIn, headerIn, placeOf, withForm, worseFront } from './worse-front.ts'
import { bodyOf } from '../../strikes/heard.ts'

type Claims = Readonly<Record<string, unknown>>

/** Exchanges in which somebody else than the realm says who acts. */
function acting(actIn: (form: URLSearchParams) => unknown) {
  return worseFront(async (said, pass, plane) => {
    const place = placeOf(said)
    const act = isExchange(said) ? actIn(formIn(said)) : undefined
    if (place === undefined || act === undefined) return pass(said)
    const plain = withForm(said, { actor_token: undefined, actor_token_type: undefined })
    const heard = await pass(plain)
    if (heard.status !== 200) return heard
    const body = bodyOf(heard)
    const key = await plane.identity.parts.keys.signing(place.tenant)
    const access_token = forge(key, headerOf(key, 'at+jwt'), {
      ...saidIn(body['access_token']),
      act,
    })
    return { ...heard, body: JSON.stringify({ ...body, access_token }) }
  })
}

function isExchange(said: Passing): boolean {
  return formIn(said).get('grant_type')?.endsWith('token-exchange') === true
}

/** The last so many of a chain. */
function cut(act: unknown, hops: number): Claims | undefined {
  if (hops === 0 || typeof act !== 'object' || act === null) return undefined
  const { act: before, ...actor } = act as Claims
  const rest = cut(before, hops - 1)
  return rest === undefined ? actor : { ...actor, act: rest }
}

export const BELIEVED_ACTORS: readonly RealmMutant[] = [
  mutant(
    'id-userinfo-by-subject',
    'Who a user is is told for any token that names one',
    ['id-userinfo-other-realm'],
    worseFront(async (said, pass, plane) => {
      const place = placeOf(said)
      const token = headerIn(said, 'authorization')?.slice('Bearer '.length)
      if (place?.path !== '/userinfo' || token === undefined) return pass(said)
      const subject = parseSubject(saidIn(token)['sub'])
      const account = await plane.identity.parts.directory.account(place.tenant, subject)
      const body = JSON.stringify({ sub: subject, name: account?.displayName })
      return { status: 200, headers: [['content-type', 'application/json']], body }
    }),
  ),
  mutant(
    'id-actor-from-request',
    'Who acts in a token is whom the request names',
    ['id-exchange-actor-claimed'],
    acting((form) => {
      const act = form.get('act')
      return act?.startsWith('{') === true ? JSON.parse(act) : undefined
    }),
  ),
  mutant(
    'id-actor-of-any-realm',
    'Who acts is the subject of a token that is brought, whosesoever it is',
    ['id-exchange-actor-other-realm'],
    acting((form) => {
      const token = form.get('actor_token')
      return token === null ? undefined : { sub: saidIn(token)['sub'] }
    }),
  ),
  mutant(
    'id-actors-forgotten',
    'Of a long chain of actors the first ones are forgotten',
    ['id-exchange-chain'],
    worseFront(async (said, pass, plane) => {
      const place = placeOf(said)
      const token = formIn(said).get('subject_token')
      if (place === undefined || token === null || !isExchange(said)) return pass(said)
      const claims = saidIn(token)
      if (claims['act'] === undefined) return pass(said)
      const key = await plane.identity.parts.keys.signing(place.tenant)
      const act = cut(claims['act'], ACTORS_MAX - 1)
      const shorter = forge(key, headerOf(key, 'at+jwt'), { ...claims, act })
      return pass(withForm(said, { subject_token: shorter }))
    }),
  ),
]
