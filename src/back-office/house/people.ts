import type { Actor } from '../../control/control-plane.ts'
import { TWO_FACTORS } from '../../control/operators/operators-realm.ts'
import type { OperatorRole } from '../../control/operators/roles.ts'
import { parseSubject, type Subject } from '../../core/names.ts'
import { OPERATORS_REALM } from '../../core/operators-realm.ts'
import { type Access, signAccessToken } from '../../tokens/access-token.ts'
import type { SigningKey } from '../../tokens/signing-key.ts'
import { ASSERTION_AUDIENCE, type Ground } from './ground.ts'
import { issuerOf } from './world.ts'

/** Decides on whatever it is asked, and asks for nothing. */
export const SECOND = 'second'
export const SECOND_PERSON: Actor = {
  kind: 'operator',
  name: `person:${SECOND}`,
  scopes: ['approvals:write'],
  requestId: 'back-office',
  person: parseSubject(SECOND),
  signedIn: { roles: ['approver'], twoFactors: true, beyond: [] },
}

/** Somebody who signed in at the operators' realm. */
export interface Person {
  readonly name: string
  readonly subject: Subject
  readonly session: string
  readonly token: string
}

/** What is unusual about a sign-in. */
export interface SignedInAs {
  readonly acr?: string
  readonly key?: SigningKey
  readonly issuer?: string
  readonly audience?: string
  readonly access?: Partial<Access>
  readonly seconds?: number
}

export async function signedIn(
  ground: Ground,
  name: string,
  roles: readonly OperatorRole[],
  more: SignedInAs = {},
): Promise<Person> {
  const subject = parseSubject(name)
  const session = `session-of-${name}`
  const token = await signAccessToken(
    more.key ?? ground.keys.operators,
    {
      issuer: more.issuer ?? issuerOf(OPERATORS_REALM),
      audience: more.audience ?? ASSERTION_AUDIENCE,
    },
    {
      tenant: OPERATORS_REALM,
      subject,
      client: 'ringfence-operator-cli',
      scopes: [],
      roles,
      session,
      acr: more.acr ?? TWO_FACTORS,
      ...more.access,
    },
    more.seconds,
  )
  return { name, subject, session, token }
}
