import { parseSubject } from '../../../core/names.ts'
import type { RealmContext } from '../../provider/realm-context.ts'
import type { Acr, Demand } from '../../sign-in/sign-in.ts'
import type { InteractionDetails } from './interaction.ts'

const ONE_FACTOR: Acr = 'urn:ringfence:acr:1'
const TWO_FACTORS: Acr = 'urn:ringfence:acr:2'

/**
 * How sure the request wants the sign-in to be: `acr_values` (OpenID Connect Core, 3.1.2.1), or the
 * claim `acr` of the ID token. The least of those that would do; values that are not ours are not
 * promised, and change nothing.
 */
export function acrDemanded(params: Readonly<Record<string, unknown>>): Acr | undefined {
  const { acr_values: values, claims } = params
  const asked = `${typeof values === 'string' ? values : ''} ${acrClaim(claims)}`
  const known = asked.split(' ').filter((value) => value === TWO_FACTORS || value === ONE_FACTOR)
  return known.length > 0 && !known.includes(ONE_FACTOR) ? TWO_FACTORS : undefined
}

function acrClaim(claims: unknown): string {
  try {
    const parsed: unknown = typeof claims === 'string' ? JSON.parse(claims) : claims
    const acr = member(member(parsed, 'id_token'), 'acr')
    const values = member(acr, 'values')
    return [member(acr, 'value'), ...(Array.isArray(values) ? (values as unknown[]) : [])]
      .filter((value) => typeof value === 'string')
      .join(' ')
  } catch {
    // The provider has refused it before; what cannot be read demands nothing here.
    return ''
  }
}

function member(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined
}

/**
 * What a sign-in must come to. A session that is good but not sure enough is made surer; one that is
 * too old is renewed by the same user; who was asked to sign in anew may be somebody else.
 */
export async function demandOf(
  context: RealmContext,
  details: InteractionDetails,
): Promise<Demand> {
  const acr = acrDemanded(details.params)
  const { reasons } = details.prompt
  const session = details.session
  const asked = acr === undefined ? {} : { acr }
  if (session === undefined || startsAnew(reasons)) return asked
  const only = parseSubject(session.accountId)
  if (reasons.includes('max_age')) return { ...asked, only }
  // How it was signed in stands in the session itself, not in what the interaction remembers of it.
  const stored = await context.provider.Session.findByUid(session.uid)
  if (stored?.accountId !== only || stored.loginTs === undefined) return { ...asked, only }
  const known = {
    subject: only,
    amr: stored.amr ?? [],
    signedInAt: new Date(stored.loginTs * 1000),
  }
  return { ...asked, known, only }
}

const OTHERS = [
  'no_session',
  'no_such_user',
  'login_prompt',
  'id_token_hint',
  'claims_id_token_sub_value',
]

/** Somebody else may be meant: the client asked for a sign-in, or for another user. */
function startsAnew(reasons: readonly string[]): boolean {
  return OTHERS.some((reason) => reasons.includes(reason))
}
