import { deviceName } from '../../sessions/device-name.ts'
import type { Holder, Refused } from '../../sign-in/sign-in.ts'
import { waitFor } from '../html/words.ts'
import {
  enrolPage,
  passkeySetupPage,
  recoveryCodesPage,
  totpSetupPage,
} from '../views/enrolment.ts'
import type { Interaction } from './interaction.ts'
import type { Step } from './interaction-pages.ts'
import { onward, responseOf, show, stepOf } from './sign-in-steps.ts'

/** Setting up a first second factor in the middle of a sign-in, because the policy demands one. */
export const ENROL_STEPS: Readonly<Record<string, Step>> = {
  'enrol-totp': async (interaction) => {
    const enrolment = await securityOf(interaction).enrolTotp(holderOf(interaction))
    if (enrolment.kind !== 'enrolment') return chooseAgain(interaction, enrolment)
    return show(interaction, totpSetupPage({ ...totpOf(interaction), enrolment }))
  },
  'confirm-totp': async (interaction, form) => {
    const code = (form.get('code') ?? '').replace(/\s/g, '')
    const outcome = await securityOf(interaction).confirmTotp(holderOf(interaction), code)
    if (outcome.kind === 'enrolled') return enrolled(interaction, outcome.recoveryCodes)
    const error = outcome.kind === 'wait' ? waitFor(outcome.seconds) : WRONG_FIRST_CODE
    return show(interaction, totpSetupPage({ ...totpOf(interaction), error }))
  },
  'enrol-passkey': (interaction) => showPasskeySetup(interaction),
  'add-passkey': async (interaction, form) => {
    const label = form.get('label') ?? labelOf(interaction)
    const outcome = await securityOf(interaction).registerPasskey(
      holderOf(interaction),
      responseOf(form),
      label,
    )
    if (outcome.kind === 'enrolled') return enrolled(interaction, outcome.recoveryCodes)
    return showPasskeySetup(interaction, 'This passkey could not be added. Try again.')
  },
}

export const WRONG_FIRST_CODE =
  'This code is not right. Wait for the next one, and see that the time of your telephone is right.'

async function showPasskeySetup(interaction: Interaction, error?: string): Promise<void> {
  const holder = holderOf(interaction)
  const begun = await securityOf(interaction).passkeyRegistrationOptions(holder)
  if (begun.kind !== 'options') return chooseAgain(interaction, begun)
  const page = passkeySetupPage({
    ...stepOf(interaction),
    error,
    options: begun.options,
    action: `${interaction.base}/add-passkey`,
    label: labelOf(interaction),
  })
  show(interaction, page)
}

function enrolled(interaction: Interaction, codes: readonly string[] | undefined): void {
  if (codes === undefined) return onward(interaction)
  show(interaction, recoveryCodesPage(codes, interaction.base))
}

function chooseAgain(interaction: Interaction, refused: Refused): void {
  const error =
    refused.kind === 'wait'
      ? waitFor(refused.seconds)
      : 'This could not be set up. Choose again, or begin the sign-in anew.'
  show(interaction, enrolPage({ ...stepOf(interaction), factors: ['totp', 'passkey'], error }))
}

function totpOf(interaction: Interaction) {
  const { base } = interaction
  return {
    ...stepOf(interaction),
    restart: `${base}/enrol-totp`,
    confirm: `${base}/confirm-totp`,
  }
}

function labelOf({ visit }: Interaction): string {
  return deviceName(visit.request.headers['user-agent']).slice(0, 60)
}

function holderOf({ attempt }: Interaction): Holder {
  return { by: 'attempt', attempt }
}

function securityOf({ visit }: Interaction) {
  return visit.options.security
}
