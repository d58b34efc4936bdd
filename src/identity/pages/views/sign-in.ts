import { button, field, form, hidden, linkButton, notice } from '../html/controls.ts'
import { type Child, type Html, html } from '../html/html.ts'
import type { Page } from '../html/layout.ts'
import type { PasskeyOptions } from '../../sign-in/sign-in.ts'
import type { SignInChoice } from '../pages-options.ts'

/** What every page of a sign-in needs. */
export interface Step {
  /** Address of the interaction; steps are below it. */
  readonly base: string
  readonly csrf: string
  readonly error?: string | undefined
}

export interface Identify extends Step {
  /** What was typed, or what the client hinted at: text, and no sign that there is such a user. */
  readonly name?: string | undefined
  readonly passkey: PasskeyOptions
  readonly choices: readonly SignInChoice[]
  /** The error is about the passkey, not the name. */
  readonly passkeyError?: string | undefined
}

export function identifierPage(step: Identify): Page {
  return {
    title: 'Sign in',
    refused: step.error !== undefined || step.passkeyError !== undefined,
    script: true,
    body: html`${step.passkeyError !== undefined && notice('refused', step.passkeyError)}
${form({
  action: `${step.base}/identifier`,
  csrf: step.csrf,
  children: html`${field({
    name: 'name',
    label: 'User name or e-mail address',
    autocomplete: 'username',
    value: step.name,
    error: step.error,
    maxLength: 200,
    inputMode: 'email',
    focus: true,
  })}
${button({ label: 'Continue' })}`,
})}
${or(html`${passkeyForm(step, step.passkey, 'Sign in with a passkey')}
${step.choices.map(({ href, label }) => linkButton(href, `Continue with ${label}`))}`)}
${cancel(step)}`,
  }
}

export interface Password extends Step {
  readonly name: string
  readonly recovery: string
  /** The tenant's own identity provider, which knows addresses of this domain. */
  readonly choice?: SignInChoice | undefined
}

/** The same page for every name. */
export function passwordPage(step: Password): Page {
  const { choice } = step
  return {
    title: 'Sign in',
    refused: step.error !== undefined,
    body: html`<p class="who"><span>${step.name}</span><a href="${step.base}">Change<span class="hidden"> the name</span></a></p>
${choice !== undefined && html`${linkButton(choice.href, `Continue with ${choice.label}`)}${or()}`}
${form({
  action: `${step.base}/password`,
  csrf: step.csrf,
  children: html`<input class="hidden" name="name" value="${step.name}" autocomplete="username" tabindex="-1" aria-hidden="true" readonly>
${field({
  name: 'password',
  label: 'Password',
  type: 'password',
  autocomplete: 'current-password',
  error: step.error,
  maxLength: 400,
  focus: true,
})}
${button({ label: 'Sign in' })}`,
})}
<ul class="more"><li><a href="${step.recovery}">I cannot sign in</a></li></ul>
${cancel(step)}`,
  }
}

export function replacePasswordPage(step: Step): Page {
  return {
    title: 'Choose a new password',
    refused: step.error !== undefined,
    body: html`<p>Your password must be replaced before you go on.</p>
${form({
  action: `${step.base}/new-password`,
  csrf: step.csrf,
  children: html`${newPasswordField(step.error)}
${button({ label: 'Save and go on' })}`,
})}
${cancel(step)}`,
  }
}

export function newPasswordField(error: string | undefined): Html {
  return field({
    name: 'password',
    label: 'New password',
    type: 'password',
    autocomplete: 'new-password',
    hint: '10 characters or more. Several words make a good one.',
    error,
    maxLength: 400,
    focus: true,
  })
}

/** A form that the script takes over. Without the script, or without passkeys, it is not there. */
export function passkeyForm(
  step: Step,
  options: PasskeyOptions,
  label: string,
  kind: 'primary' | 'plain' = 'plain',
): Html {
  return html`<form method="post" action="${step.base}/passkey" data-passkey="get" data-options="${JSON.stringify(options)}" data-trouble="No passkey was used. Try again, or sign in another way." hidden>
${hidden('csrf', step.csrf)}${hidden('response', '')}
<p class="error" role="alert"></p>
${button({ label, kind })}
</form>`
}

/** Gives up: the client learns that it was refused. */
export function cancel(step: Step): Html {
  return form({
    action: `${step.base}/cancel`,
    csrf: step.csrf,
    children: button({ label: 'Cancel', kind: 'quiet', regardless: true }),
  })
}

export function or(children?: Child): Html {
  return html`<p class="or">or</p>
${children}`
}
