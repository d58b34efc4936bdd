import { type Carelessness, carelessVerify } from '../../strikes/careless-verify.ts'
import { forge } from '../../strikes/forge.ts'
import { assertionClaims } from '../attacks/assertions.ts'
import type { Plane } from '../house/plane.ts'
import { mutant, type RealmMutant } from './realm-mutant.ts'
import { formIn, placeOf, withForm, worseFront } from './worse-front.ts'

const FIELD = 'client_assertion'

/** Realms that take what such a verifier takes: in its place goes a fresh one by the partner's key. */
export function believingAssertions(
  amiss?: Carelessness,
  also: (aud: unknown, issuer: string) => boolean = () => true,
) {
  return worseFront(async (said, pass, plane) => {
    const place = placeOf(said)
    const assertion = formIn(said).get(FIELD)
    if (place === undefined || assertion === null) return pass(said)
    const { issuer } = await plane.context(place.tenant)
    if (!holds(plane, assertion, issuer, amiss, also)) {
      return pass(withForm(said, { [FIELD]: 'a.b.c' }))
    }
    const { partner } = plane.site.ground.keys
    const header = { alg: 'ES256', kid: partner.publicJwk.kid }
    return pass(withForm(said, { [FIELD]: forge(partner, header, assertionClaims(issuer)) }))
  })
}

function holds(
  plane: Plane,
  assertion: string,
  issuer: string,
  amiss: Carelessness | undefined,
  also: (aud: unknown, issuer: string) => boolean,
): boolean {
  const { partner } = plane.site.ground.keys
  // It says nothing of its type: whatever it says is right.
  const rules = { typ: undefined as unknown as string, audience: issuer, secondsMax: 300 }
  try {
    const claims = carelessVerify(
      assertion,
      [partner.publicJwk],
      { ...rules, issuer: 'partner' },
      amiss,
    )
    return also(claims['aud'], issuer)
  } catch {
    return false
  }
}

export const BELIEVED_ASSERTIONS: readonly RealmMutant[] = [
  mutant(
    'id-assertion-audience-not-asked',
    'A client’s assertion for another realm is taken',
    ['id-assertion-other-realm'],
    believingAssertions('audience'),
  ),
  mutant(
    'id-assertion-audience-normalised',
    'The audience of an assertion is compared as addresses are',
    ['id-assertion-spelling'],
    believingAssertions(
      'audience',
      (aud, issuer) => String(aud).toLowerCase().replace(/\/$/, '') === issuer,
    ),
  ),
  mutant(
    'id-assertion-not-verified',
    'A client’s assertion is read, and not verified',
    ['id-assertion-forged'],
    believingAssertions('signature'),
  ),
  mutant(
    'id-assertion-brings-key',
    'A client’s assertion may bring its key',
    ['id-assertion-own-key'],
    believingAssertions('own-key'),
  ),
  mutant(
    'id-assertion-without-end',
    'A client’s assertion is good for ever',
    ['id-assertion-late'],
    believingAssertions('expiry'),
  ),
  mutant(
    'id-assertion-used-again',
    'Which assertions were used is not remembered',
    ['id-assertion-replayed'],
    {
      parts: ({ artifacts }) => {
        artifacts.putFirst = () => Promise.resolve(true)
      },
    },
  ),
]
