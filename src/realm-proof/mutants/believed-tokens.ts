import { type Carelessness, carelessVerify } from '../../strikes/careless-verify.ts'
import type { PublicJwk } from '../../tokens/signing-key.ts'
import { AUDIENCE } from '../house/ground.ts'
import type { Passing } from '../house/fronted.ts'
import { PERSON } from '../house/party.ts'
import type { Plane } from '../house/plane.ts'
import { worseQuery, forgetting } from './forgetting.ts'
import { mutant, type RealmMutant } from './realm-mutant.ts'
import { formIn, placeOf, withForm, worseFront, worseRequests } from './worse-front.ts'

type Claims = Readonly<Record<string, unknown>>

interface Belief {
  /** What the verifier leaves out. */
  readonly amiss?: Carelessness
  /** By which keys it verifies; the realm's own unless told. */
  readonly keys?: (own: readonly PublicJwk[], plane: Plane) => Promise<readonly PublicJwk[]>
  /** What has to hold besides. */
  readonly also?: (claims: Claims, issuer: string) => boolean
  /** What it does not take is the realm's to decide. */
  readonly besides?: true
  /** In place of all of it. */
  readonly instead?: (token: string) => boolean
}

const FIELDS = ['token', 'subject_token']

/**
 * Realms that take what such a verifier takes: in its place goes a token of their own. In the place of
 * what it does not take goes none, so that the realm's own check makes nothing good.
 */
export function believingTokens(belief: Belief) {
  return worseFront(async (said, pass, plane) => {
    const place = placeOf(said)
    if (said.method !== 'POST' || !place?.path.startsWith('/token')) return pass(said)
    const form = formIn(said)
    const field = FIELDS.find((name) => form.get(name)?.includes('.') === true)
    if (field === undefined) return pass(said)
    const token = form.get(field) ?? ''
    if (!(await isBelieved(belief, token, place.tenant, plane))) {
      return pass(belief.besides === true ? said : withForm(said, { [field]: 'a.b.c' }))
    }
    const { access_token } = await plane.identity.realms.issueFor(place.tenant, PERSON)
    return pass(withForm(said, { [field]: access_token }))
  })
}

async function isBelieved(
  { amiss, keys, also, instead }: Belief,
  token: string,
  tenant: Parameters<Plane['context']>[0],
  plane: Plane,
): Promise<boolean> {
  if (instead !== undefined) return instead(token)
  const own = await plane.identity.parts.keys.verifying(tenant)
  const { issuer } = await plane.context(tenant)
  const rules = { typ: 'at+jwt', issuer, audience: AUDIENCE, secondsMax: 900 }
  try {
    const by = keys === undefined ? own : await keys(own, plane)
    const claims = carelessVerify(token, by, rules, amiss)
    return also?.(claims, issuer) ?? true
  } catch {
    return false
  }
}

const everybodys = async (_own: readonly PublicJwk[], { site, identity }: Plane) => {
  const { keys } = identity.parts
  const each = site.ground.parties.map(({ tenant }) => keys.verifying(tenant))
  return (await Promise.all(each)).flat()
}

/** Keys of all realms by their kid: of two with the same the last one stays. */
const lastOfItsKid = async (own: readonly PublicJwk[], plane: Plane) => {
  const { publicJwk } = plane.site.ground.keys.stranger
  return own.map(({ kid, alg }): PublicJwk => ({ ...publicJwk, alg, kid }))
}

const spelling = (issuer: unknown) =>
  decodeURI(String(issuer).normalize('NFKC').trim())
    .toLowerCase()
    .replace('http:', 'https:')
    .replace(/[#?/]+$/, '')
    .replace('/./', '/')

const isZero = (token: string) => {
  const signature = Buffer.from(token.split('.')[2] ?? '', 'base64url')
  return signature.length === 64 && signature.every((byte) => byte === 0)
}

const isExchange = (said: Passing) =>
  formIn(said).get('grant_type')?.endsWith('token-exchange') === true

/** What a realm does not understand in an exchange, somebody in front of it leaves out. */
const leavingOut = (...names: readonly string[]) =>
  worseRequests((said) =>
    isExchange(said)
      ? withForm(said, Object.fromEntries(names.map((name) => [name, undefined])))
      : said,
  )

export const BELIEVED_TOKENS: readonly RealmMutant[] = [
  mutant(
    'id-keys-of-any-realm',
    'Tokens are verified by the keys of all realms',
    ['id-token-key-of-other', 'id-logout-token-other-realm'],
    worseQuery(
      'from identity.signing_key where tenant = $1 order',
      'from identity.signing_key where $1::text is not null order',
    ),
  ),
  mutant(
    'id-issuer-not-compared',
    'A token is verified by the keys of the issuer that it names itself',
    ['id-token-other-realm', 'id-token-tenant-of-other'],
    believingTokens({ amiss: 'issuer', keys: everybodys }),
  ),
  mutant(
    'id-issuer-normalised',
    'Issuers are compared as addresses are, not character by character',
    ['id-token-issuer-spelling'],
    believingTokens({
      amiss: 'issuer',
      keys: everybodys,
      also: ({ iss }, issuer) => spelling(iss) === spelling(issuer),
    }),
  ),
  mutant(
    'id-keys-by-kid-alone',
    'Keys are remembered by their kid, whatever the realm',
    ['id-token-same-kid'],
    believingTokens({ keys: lastOfItsKid, besides: true }),
  ),
  mutant(
    'id-alg-none',
    'Tokens without a signature are taken',
    ['id-token-alg-none'],
    believingTokens({ amiss: 'unsigned' }),
  ),
  mutant(
    'id-alg-hmac',
    'Tokens by HS256 are taken, and the key is the secret',
    ['id-token-alg-hmac'],
    believingTokens({ amiss: 'secret' }),
  ),
  mutant(
    'id-zero-signature',
    'A signature of nought is good, as some libraries had it',
    ['id-token-zero-signature'],
    believingTokens({ instead: isZero, besides: true }),
  ),
  mutant(
    'id-alg-unknown',
    'By an algorithm that is not known there is nothing to verify',
    ['id-token-alg-other'],
    believingTokens({ amiss: 'algorithm' }),
  ),
  mutant(
    'id-own-key',
    'A token may bring its key',
    ['id-token-own-key'],
    believingTokens({ amiss: 'own-key' }),
  ),
  mutant(
    'id-audience-not-asked',
    'A token for somebody else is taken',
    ['id-token-audience'],
    believingTokens({ amiss: 'audience' }),
  ),
  mutant(
    'id-type-not-asked',
    'A token of another type is taken',
    ['id-token-type'],
    believingTokens({ amiss: 'typ' }),
  ),
  mutant(
    'id-exchange-scopes-kept',
    'An exchanged token may what its user may, not what its source may',
    ['id-exchange-wider'],
    worseFront(async (said, pass, plane) => {
      const place = placeOf(said)
      if (place === undefined || !isExchange(said)) return pass(said)
      const token = (await plane.identity.realms.issueFor(place.tenant, PERSON)).access_token
      return pass(withForm(said, { subject_token: token }))
    }),
  ),
  mutant(
    'id-exchange-audience-ignored',
    'For whom an exchanged token is asked for does not matter',
    ['id-exchange-audience', 'id-grant-audience'],
    leavingOut('audience', 'resource'),
  ),
  mutant(
    'id-exchange-actor-ignored',
    'What is asked for besides in an exchange is left out in silence',
    ['id-exchange-actor'],
    leavingOut('actor_token', 'actor_token_type', 'requested_token_type'),
  ),
  mutant(
    'id-api-keys-of-any-realm',
    'An API key is looked up by its hash, whatever the realm',
    ['id-api-key-other-realm'],
    forgetting('api_key'),
  ),
]
