import { RingfenceError } from '../../../core/errors.ts'
import { readCookie } from '../../pages/guard/cookies.ts'
import { pathOf } from '../../pages/look/looks.ts'
import { redirect } from '../../pages/respond.ts'
import { DEVICE_COOKIE } from '../../pages/visit.ts'
import { INTERACTION_PATH } from '../../provider/realm-context.ts'
import type { SignIn } from '../../sign-in/sign-in.ts'
import { FederationRefusal } from '../refusal.ts'
import type { FederationHandlerOptions } from './federation-handler.ts'

/**
 * Goes on with the realm's own sign-in: its pages ask for a second factor where the policy demands
 * one, and end the interaction.
 */
export function continueSignIn(signIn: SignIn): FederationHandlerOptions['finished'] {
  return async (context, request, response, { interaction, subject, amr, connection }) => {
    const { tenant } = context
    const device = readCookie(request, DEVICE_COOKIE, context)
    const attempt = { tenant, address: request.address, id: interaction, device }
    const outcome = await signIn.federated(attempt, subject, amr, connection)
    if (outcome.kind === 'wait') {
      throw new RingfenceError('rate_limited', `wait for ${outcome.seconds} seconds`)
    }
    if (outcome.kind === 'refused') {
      throw new FederationRefusal('sign_in_refused', 'by the realm: another user was asked for')
    }
    redirect(response, `${pathOf(context.issuer)}${INTERACTION_PATH}/${interaction}`)
  }
}
