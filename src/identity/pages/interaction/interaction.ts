import { errors, type Provider } from 'oidc-provider'
import { INTERACTION_PATH } from '../../provider/realm-context.ts'
import type { Attempt, Demand } from '../../sign-in/sign-in.ts'
import { formTarget } from '../guard/headers.ts'
import type { Visit } from '../visit.ts'
import { demandOf } from './demand.ts'

export type InteractionDetails = Awaited<ReturnType<Provider['interactionDetails']>>

/** A sign-in or a consent under way, of the browser that began it. */
export interface Interaction {
  readonly visit: Visit
  readonly details: InteractionDetails
  readonly uid: string
  /** Address of its page; the steps are below it. */
  readonly base: string
  /** Where its forms end: with the client, after redirects. */
  readonly formTargets: readonly string[]
  readonly attempt: Attempt
  demand(): Promise<Demand>
  csrf(): string
}

/** What an interaction's forms are bound to. */
export function interactionBinding(uid: string): string {
  return `interaction ${uid}`
}

/**
 * The interaction whose page is asked for. Undefined when it is over, never was, or began in another
 * browser: whoever has only its address has nothing.
 */
export async function interactionOf(visit: Visit, uid: string): Promise<Interaction | undefined> {
  const details = await detailsOf(visit)
  // The cookie decides which one it is; an address that names another is not followed.
  if (details?.uid !== uid) return undefined
  const { redirect_uri: goal } = details.params
  const target = formTarget(typeof goal === 'string' ? goal : undefined)
  return {
    visit,
    details,
    uid,
    base: visit.to(`${INTERACTION_PATH}/${uid}`),
    formTargets: target === undefined ? [] : [target],
    attempt: { ...visit.caller, id: uid },
    demand: () => demandOf(visit.context, details),
    csrf: () => visit.csrf(interactionBinding(uid)),
  }
}

async function detailsOf({ context, request, response }: Visit) {
  try {
    return await context.provider.interactionDetails(request, response)
  } catch (error) {
    if (error instanceof errors.SessionNotFound) return undefined
    throw error
  }
}
