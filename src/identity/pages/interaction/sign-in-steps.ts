import { RingfenceError } from '../../../core/errors.ts'
import { INTERACTION_PATH } from '../../provider/realm-context.ts'
import type { SecondFactor, StepOutcome } from '../../sign-in/sign-in.ts'
import type { PageForm } from '../guard/page-form.ts'
import { passwordProblem, waitFor } from '../html/words.ts'
import type { Page } from '../html/layout.ts'
import { enrolPage } from '../views/enrolment.ts'
import { secondFactorPage } from '../views/second-factor.ts'
import { identifierPage, passwordPage, replacePasswordPage } from '../views/sign-in.ts'
import type { Interaction } from './interaction.ts'
import type { Step } from './interaction-pages.ts'

const NAME_CHARACTERS_MAX = 200
/** The same for a name that is not there, a password that is wrong, and a user who may not. */
const WRONG_PASSWORD = 'The name or the password is not right.'
const WRONG_CODE = 'This code is not right. Codes are good once, and only for a short time.'
const WRONG_PASSKEY = 'This passkey cannot be used here.'

/** Forms of a sign-in, by the last part of their address. */
export const SIGN_IN_STEPS: Readonly<Record<string, Step>> = {
  identifier: async (interaction, form) => {
    const name = form.get('name')
    if (name === undefined || name.length > NAME_CHARACTERS_MAX) {
      return showIdentifier(interaction, { error: 'Type your user name or e-mail address.' })
    }
    // Nobody is looked up: whoever is named, the next page is the same.
    return showPassword(interaction, name)
  },
  password: async (interaction, form) => {
    const [name, password] = [form.get('name'), form.get('password')]
    if (name === undefined || name.length > NAME_CHARACTERS_MAX) return showIdentifier(interaction)
    if (password === undefined) return showPassword(interaction, name, 'Type your password.')
    const outcome = await signInOf(interaction).password(interaction.attempt, name, password)
    return after(interaction, outcome, WRONG_PASSWORD, (error) =>
      showPassword(interaction, name, error),
    )
  },
  passkey: async (interaction, form) => {
    const outcome = await signInOf(interaction).passkey(interaction.attempt, responseOf(form))
    return after(interaction, outcome, WRONG_PASSKEY, (error) =>
      showNext(interaction, { error, chosen: 'passkey' }),
    )
  },
  totp: async (interaction, form) => {
    const code = (form.get('code') ?? '').replace(/\s/g, '')
    const outcome = await signInOf(interaction).totp(interaction.attempt, code)
    return after(interaction, outcome, WRONG_CODE, (error) =>
      showNext(interaction, { error, chosen: 'totp' }),
    )
  },
  'recovery-code': async (interaction, form) => {
    const code = (form.get('code') ?? '').trim()
    const outcome = await signInOf(interaction).recoveryCode(interaction.attempt, code)
    return after(interaction, outcome, WRONG_CODE, (error) =>
      showNext(interaction, { error, chosen: 'recovery_code' }),
    )
  },
  'new-password': async (interaction, form) => {
    const password = form.get('password') ?? ''
    const outcome = await signInOf(interaction).replacePassword(interaction.attempt, password)
    if (outcome.kind === 'changed') return onward(interaction)
    const error =
      outcome.kind === 'weak'
        ? passwordProblem(outcome.problem)
        : outcome.kind === 'wait'
          ? waitFor(outcome.seconds)
          : 'The password could not be changed. Begin again.'
    return show(interaction, replacePasswordPage({ ...stepOf(interaction), error }))
  },
}

interface Again {
  readonly error?: string
  readonly chosen?: SecondFactor
}

/** Shows what the attempt needs next; when it needs nothing more, ends it. */
export async function showNext(interaction: Interaction, again: Again = {}): Promise<void> {
  const next = await signInOf(interaction).begin(interaction.attempt, await interaction.demand())
  switch (next.kind) {
    case 'identify':
      return showIdentifier(
        interaction,
        again.error === undefined ? {} : { passkeyError: again.error },
      )
    case 'second_factor':
      return showSecondFactor(interaction, next.factors, again)
    case 'enrol':
      return show(interaction, enrolPage({ ...stepOf(interaction), factors: next.factors }))
    case 'change_password':
      return show(interaction, replacePasswordPage(stepOf(interaction)))
    case 'done':
      return finish(interaction)
  }
}

/** To the page of the interaction, which shows what is next. */
export function onward({ visit, uid }: Interaction): void {
  visit.go(`${INTERACTION_PATH}/${uid}`)
}

export function show(interaction: Interaction, page: Page): void {
  const { visit, formTargets } = interaction
  visit.show(page, { formTargets, ...(page.refused === true ? { status: 400 } : {}) })
}

export function stepOf(interaction: Interaction) {
  return { base: interaction.base, csrf: interaction.csrf() }
}

function after(
  interaction: Interaction,
  outcome: StepOutcome,
  refusal: string,
  again: (error: string) => Promise<void>,
): Promise<void> | void {
  if (outcome.kind === 'passed') return onward(interaction)
  return again(outcome.kind === 'wait' ? waitFor(outcome.seconds) : refusal)
}

async function showIdentifier(
  interaction: Interaction,
  wrong: { readonly error?: string; readonly passkeyError?: string } = {},
): Promise<void> {
  const { visit, uid, details, attempt } = interaction
  const { login_hint: hint } = details.params
  const page = identifierPage({
    ...stepOf(interaction),
    ...wrong,
    name: typeof hint === 'string' ? hint.slice(0, NAME_CHARACTERS_MAX) : undefined,
    passkey: await signInOf(interaction).passkeyOptions(attempt),
    choices: (await visit.options.choices?.all(visit.context, uid)) ?? [],
  })
  show(interaction, page)
}

async function showPassword(interaction: Interaction, name: string, error?: string): Promise<void> {
  const { visit, uid } = interaction
  const page = passwordPage({
    ...stepOf(interaction),
    name,
    error,
    recovery: visit.to('/recover'),
    choice: await visit.options.choices?.forName(visit.context, uid, name),
  })
  show(interaction, page)
}

async function showSecondFactor(
  interaction: Interaction,
  factors: readonly SecondFactor[],
  { error, chosen: again }: Again,
): Promise<void> {
  const asked = again ?? interaction.visit.query.get('with')
  const chosen = factors.find((factor) => factor === asked) ?? factors[0]
  if (chosen === undefined) {
    throw new RingfenceError('internal', 'a second factor of no kind was asked for')
  }
  const passkey =
    chosen === 'passkey'
      ? await signInOf(interaction).passkeyOptions(interaction.attempt)
      : undefined
  const page = secondFactorPage({ ...stepOf(interaction), factors, chosen, passkey, error })
  show(interaction, page)
}

/** Hands the sign-in to the provider, which gives the session a new id and goes on to the client. */
async function finish(interaction: Interaction): Promise<void> {
  const { visit, attempt } = interaction
  const signedIn = await signInOf(interaction).finish(attempt)
  if (signedIn === undefined) {
    throw new RingfenceError('conflict', 'this sign-in was finished before')
  }
  visit.rememberDevice(signedIn.device)
  await visit.context.provider.interactionFinished(
    visit.request,
    visit.response,
    {
      login: {
        accountId: signedIn.subject,
        acr: signedIn.acr,
        amr: [...signedIn.amr],
        ts: Math.floor(signedIn.signedInAt.getTime() / 1000),
        ...(signedIn.connection === undefined ? {} : { connection: signedIn.connection }),
      },
    },
    { mergeWithLastSubmission: false },
  )
}

function signInOf({ visit }: Interaction) {
  return visit.options.signIn
}

/** What the script put in: JSON of the authenticator's answer. Anything else is read as nothing. */
export function responseOf(form: PageForm): unknown {
  try {
    return JSON.parse(form.get('response') ?? 'null')
  } catch {
    return null
  }
}
