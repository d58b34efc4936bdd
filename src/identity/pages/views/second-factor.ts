import type { PasskeyOptions, SecondFactor } from '../../sign-in/sign-in.ts'
import { button, field, form, notice } from '../html/controls.ts'
import { type Child, html } from '../html/html.ts'
import type { Page } from '../html/layout.ts'
import { cancel, passkeyForm, type Step } from './sign-in.ts'

export interface SecondFactorStep extends Step {
  readonly factors: readonly SecondFactor[]
  /** The one that is asked for; the others are links. */
  readonly chosen: SecondFactor
  /** Where it is among the factors. */
  readonly passkey: PasskeyOptions | undefined
}

const OTHERWISE: Readonly<Record<SecondFactor, string>> = {
  passkey: 'Use a passkey',
  totp: 'Use an authenticator app',
  recovery_code: 'Use a recovery code',
}

export function secondFactorPage(step: SecondFactorStep): Page {
  const others = step.factors.filter((factor) => factor !== step.chosen)
  return {
    title: 'Confirm that it is you',
    refused: step.error !== undefined,
    script: step.chosen === 'passkey',
    body: html`${asking(step)}
${others.length > 0 && html`<ul class="more">${others.map((factor) => html`<li><a href="${step.base}?with=${factor}">${OTHERWISE[factor]}</a></li>`)}</ul>`}
${cancel(step)}`,
  }
}

function asking(step: SecondFactorStep): Child {
  if (step.chosen === 'passkey') {
    return html`${step.error !== undefined && notice('refused', step.error)}
<p>Use the passkey of this account, on this device or another.</p>
${step.passkey && passkeyForm(step, step.passkey, 'Use a passkey', 'primary')}
<noscript><p>Passkeys need JavaScript. Without it, use one of the ways below.</p></noscript>`
  }
  return form({
    action: `${step.base}/${step.chosen === 'totp' ? 'totp' : 'recovery-code'}`,
    csrf: step.csrf,
    children: html`${step.chosen === 'totp' ? totpField(step.error) : recoveryField(step.error)}
${button({ label: 'Continue' })}`,
  })
}

export function totpField(error: string | undefined) {
  return field({
    name: 'code',
    label: 'Code',
    hint: 'The six digits that your authenticator app shows.',
    autocomplete: 'one-time-code',
    inputMode: 'numeric',
    maxLength: 12,
    error,
    code: true,
    focus: true,
  })
}

function recoveryField(error: string | undefined) {
  return field({
    name: 'code',
    label: 'Recovery code',
    hint: 'One of the codes that you were given. Each works once.',
    autocomplete: 'off',
    maxLength: 40,
    error,
    code: true,
    focus: true,
  })
}
