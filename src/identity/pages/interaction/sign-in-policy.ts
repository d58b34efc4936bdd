import { interactionPolicy } from 'oidc-provider'
import type { RealmSettings } from '../../provider/realm-settings.ts'
import { acrDemanded, TWO_FACTORS } from './demand.ts'

/**
 * When the provider asks for a sign-in or a consent: as the library does, and also when two factors
 * are asked for by `acr_values` or by the realm, and the session has shown one.
 */
export function signInPolicy(
  settings: Pick<RealmSettings, 'mfa'>,
): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base()
  const { Check } = interactionPolicy
  policy.get('login')?.checks.add(
    new Check('acr', 'a second factor is required', 'login_required', ({ oidc }) => {
      const demanded = settings.mfa === 'required' || acrDemanded(oidc.params ?? {}) !== undefined
      const shown = oidc.session?.accountId === undefined || oidc.session.acr === TWO_FACTORS
      return demanded && !shown ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT
    }),
  )
  return policy
}
