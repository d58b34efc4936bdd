import type { Enrollable, PasskeyOptions, TotpEnrolment } from '../../sign-in/sign-in.ts'
import { button, field, form, hidden, linkButton, notice } from '../html/controls.ts'
import { type Child, type Html, html } from '../html/html.ts'
import type { Page } from '../html/layout.ts'
import { qrPicture } from '../html/qr-picture.ts'
import { totpField } from './second-factor.ts'
import type { Step } from './sign-in.ts'

/** The policy wants a second factor, and there is none yet. */
export function enrolPage(step: Step & { readonly factors: readonly Enrollable[] }): Page {
  return {
    title: 'Set up a second step',
    refused: step.error !== undefined,
    body: html`${step.error !== undefined && notice('refused', step.error)}
<p>Your organisation asks for a second step when you sign in. Choose one; you can add others later.</p>
${step.factors.includes('passkey') && start(step, 'enrol-passkey', 'Add a passkey', 'primary')}
${step.factors.includes('totp') && start(step, 'enrol-totp', 'Use an authenticator app', 'plain')}`,
  }
}

function start(step: Step, path: string, label: string, kind: 'primary' | 'plain'): Html {
  return form({
    action: `${step.base}/${path}`,
    csrf: step.csrf,
    children: button({ label, kind }),
  })
}

export interface TotpSetup extends Step {
  /** Shown once. Absent after a wrong code: the app has the secret by then. */
  readonly enrolment?: TotpEnrolment
  /** Where a new secret comes from. */
  readonly restart: string
  readonly confirm: string
}

/** The secret as a picture and as text: not everybody has a camera. */
export function totpSetup(setup: TotpSetup): Child {
  const { enrolment } = setup
  return html`${
    enrolment &&
    html`<p>Scan this with your authenticator app, or type the key into it.</p>
${qrPicture(enrolment.uri, 'QR code with the key that is written below')}
<p class="hint" id="key">Key</p>
<code class="secret" aria-labelledby="key">${spaced(enrolment.secret)}</code>`
  }
${form({
  action: setup.confirm,
  csrf: setup.csrf,
  children: html`${totpField(setup.error)}
${button({ label: 'Turn on' })}`,
})}
${
  !enrolment &&
  form({
    action: setup.restart,
    csrf: setup.csrf,
    children: button({ label: 'Start again with a new key', kind: 'plain' }),
  })
}`
}

export function totpSetupPage(setup: TotpSetup): Page {
  return {
    title: 'Set up an authenticator app',
    refused: setup.error !== undefined,
    body: totpSetup(setup),
  }
}

export interface PasskeySetup extends Step {
  readonly options: PasskeyOptions
  readonly action: string
  /** A name to begin with. */
  readonly label: string
}

export function passkeySetup(setup: PasskeySetup): Child {
  return html`${setup.error !== undefined && notice('refused', setup.error)}
<p>A passkey lets you sign in with the lock of your device or with a security key, and cannot be phished.</p>
<form method="post" action="${setup.action}" data-passkey="create" data-options="${JSON.stringify(setup.options)}" data-trouble="No passkey was made. Try again, or use another device." hidden>
${hidden('csrf', setup.csrf)}${hidden('response', '')}
<p class="error" role="alert"></p>
${field({ name: 'label', label: 'Name of the passkey', autocomplete: 'off', value: setup.label, maxLength: 60, hint: 'To tell it from others later.' })}
${button({ label: 'Create a passkey' })}
</form>
<noscript><p>Passkeys need JavaScript.</p></noscript>`
}

export function passkeySetupPage(setup: PasskeySetup): Page {
  return {
    title: 'Add a passkey',
    refused: setup.error !== undefined,
    script: true,
    body: html`${passkeySetup(setup)}
<ul class="more"><li><a href="${setup.base}">Choose another way</a></li></ul>`,
  }
}

/** @param onward where to go when they are kept */
export function recoveryCodesPage(codes: readonly string[], onward: string): Page {
  return { title: 'Keep your recovery codes', body: recoveryCodes(codes, onward) }
}

/** They are shown here and never again. */
export function recoveryCodes(codes: readonly string[], onward: string): Child {
  return html`<p>Each of these codes lets you in once, should you lose your other ways to sign in. Keep them where only you find them. They are not shown again.</p>
<ul class="codes">${codes.map((code) => html`<li><code>${code}</code></li>`)}</ul>
${linkButton(onward, 'I have kept them')}`
}

function spaced(secret: string): string {
  return secret.replace(/(.{4})(?=.)/g, '$1 ')
}
