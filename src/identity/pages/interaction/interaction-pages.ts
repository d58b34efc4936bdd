import { errors } from 'oidc-provider'
import { RingfenceError } from '../../../core/errors.ts'
import { INTERACTION_PATH } from '../../provider/realm-context.ts'
import type { PageForm } from '../guard/page-form.ts'
import { errorPage } from '../views/error.ts'
import type { Visit } from '../visit.ts'
import { answerConsent, askConsent } from './consent-steps.ts'
import { ENROL_STEPS } from './enrol-steps.ts'
import { type Interaction, interactionBinding, interactionOf } from './interaction.ts'
import { showNext, SIGN_IN_STEPS } from './sign-in-steps.ts'

/** What is done with a form of an interaction. */
export type Step = (interaction: Interaction, form: PageForm) => Promise<void>

const UID = /^[\w-]{1,100}$/

/** Forms by their prompt and the last part of their address; whatever else is asked for is not there. */
const STEPS: ReadonlyMap<string, Step> = new Map(
  Object.entries({
    login: { ...SIGN_IN_STEPS, ...ENROL_STEPS, cancel },
    consent: { consent: answerConsent, cancel },
  }).flatMap(([prompt, steps]) =>
    Object.entries(steps).map(([step, work]) => [`${prompt} ${step}`, work] as const),
  ),
)

/** Pages of sign-in and consent: `/interaction/<uid>`, and a form to each step below it. */
export async function interactionPages(visit: Visit): Promise<void> {
  const [uid = '', step, ...rest] = visit.path.slice(INTERACTION_PATH.length + 1).split('/')
  if (!UID.test(uid) || rest.length > 0) throw new RingfenceError('not_found', 'no such page')
  const interaction = await interactionOf(visit, uid)
  if (interaction === undefined) return visit.show(expiredPage(), { status: 400 })
  const { name } = interaction.details.prompt
  if (step === undefined && !visit.posts) return show(interaction, name)
  const work = STEPS.get(`${name} ${step ?? ''}`)
  if (work === undefined) throw new RingfenceError('not_found', 'no such page')
  // The address of a form that was reloaded, or went into the history.
  if (!visit.posts) return visit.go(`${INTERACTION_PATH}/${uid}`)
  return work(interaction, await visit.form(interactionBinding(uid)))
}

function show(interaction: Interaction, prompt: string): Promise<void> {
  if (prompt === 'login') return showNext(interaction)
  if (prompt === 'consent') return askConsent(interaction)
  throw new RingfenceError('internal', 'a prompt that has no page', { detail: prompt })
}

async function cancel({ visit }: Interaction): Promise<void> {
  const { error, error_description } = new errors.AccessDenied('the user did not go on')
  const refusal = { error, error_description }
  await visit.context.provider.interactionFinished(visit.request, visit.response, refusal, {
    mergeWithLastSubmission: false,
  })
}

function expiredPage() {
  return errorPage(
    'This sign-in is over',
    'It took too long, was finished before, or began in another browser. Go back to the application and begin again.',
  )
}
