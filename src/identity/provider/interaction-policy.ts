import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'
import type { RealmSettings } from './realm-settings.ts'

/** How sure a sign-in is, weakest first. */
export const ACR = ['urn:ringfence:acr:1', 'urn:ringfence:acr:2'] as const

/**
 * When a user is asked to sign in or to consent: the provider's own reasons, and three of ours. A
 * session of a user who is not there any more is none; a client that asks for a surer sign-in gets it
 * where the user can; a realm that demands two factors gets them from sessions that are older, too.
 */
export function signInPolicy(settings: RealmSettings): interactionPolicy.DefaultPolicy {
  const { Check, base } = interactionPolicy
  const policy = base()
  const ask = (reason: string, needed: (ctx: KoaContextWithOIDC) => boolean) =>
    new Check(reason, 'End-User authentication is required', 'login_required', (ctx) =>
      needed(ctx) ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
    )
  policy.get('login')?.checks.push(
    ask(
      'no_such_user',
      ({ oidc }) => oidc.session?.accountId !== undefined && oidc.account === undefined,
    ),
    ask('acr', ({ oidc }) => {
      if (oidc.result?.login !== undefined) return false
      return levelOf(oidc.session?.acr) < askedLevel(oidc.params?.['acr_values'])
    }),
    ask('mfa', ({ oidc }) => settings.mfa === 'required' && levelOf(oidc.session?.acr) < 1),
  )
  return policy
}

function levelOf(acr: string | undefined): number {
  return ACR.findIndex((known) => known === acr)
}

/** The least of those that would do; what nobody here knows is not asked for. */
function askedLevel(values: unknown): number {
  if (typeof values !== 'string') return -1
  const levels = values
    .split(' ')
    .map(levelOf)
    .filter((level) => level >= 0)
  return levels.length === 0 ? -1 : Math.min(...levels)
}
