import type { LinkPurpose } from '../../sign-in/sign-in.ts'
import { button, field, form } from '../html/controls.ts'
import { html } from '../html/html.ts'
import type { Page } from '../html/layout.ts'
import { newPasswordField } from './sign-in.ts'

interface Sent {
  readonly action: string
  readonly csrf: string
  readonly error?: string | undefined
}

export function recoverPage(sent: Sent): Page {
  return {
    title: 'Get back in',
    refused: sent.error !== undefined,
    body: html`<p>We send a link with which you set a new password.</p>
${form({
  action: sent.action,
  csrf: sent.csrf,
  children: html`${field({
    name: 'name',
    label: 'User name or e-mail address',
    autocomplete: 'username',
    inputMode: 'email',
    maxLength: 200,
    error: sent.error,
    focus: true,
  })}
${button({ label: 'Send the link' })}`,
})}`,
  }
}

/** The same for every name that anybody can type. */
export function recoverySentPage(): Page {
  return {
    title: 'Look at your mail',
    body: html`<p>If there is an account of that name with an address, a link is on its way to it. It works for 30 minutes, once.</p>
<p class="muted">Nothing came? Look where unwanted mail goes, or ask your administrator.</p>`,
  }
}

/** The same for a link that never was, was used, and is too old. */
export function linkGonePage(recover: string): Page {
  return {
    title: 'This link does no more',
    body: html`<p>Links work once, and not for long. <a href="${recover}">Ask for a new one</a>, or ask whoever invited you.</p>`,
  }
}

export function setPasswordPage(purpose: LinkPurpose, name: string, sent: Sent): Page {
  const invited = purpose === 'invitation'
  return {
    title: invited ? 'Welcome' : 'Set a new password',
    refused: sent.error !== undefined,
    body: html`<p class="who"><span>${name}</span></p>
${invited ? html`<p>Choose the password with which you will sign in.</p>` : html`<p>You will be signed out everywhere else.</p>`}
${form({
  action: sent.action,
  csrf: sent.csrf,
  children: html`<input class="hidden" name="name" value="${name}" autocomplete="username" tabindex="-1" aria-hidden="true" readonly>
${newPasswordField(sent.error)}
${button({ label: 'Save the password' })}`,
})}`,
  }
}

/** Asked before it is done: programs that read mail follow links, and must not use them up. */
export function verifyEmailPage(name: string, sent: Sent): Page {
  return {
    title: 'Is this your address?',
    refused: sent.error !== undefined,
    body: html`<p class="who"><span>${name}</span></p>
${form({ action: sent.action, csrf: sent.csrf, children: button({ label: 'Yes, it is mine' }) })}`,
  }
}

export function emailTakenPage(): Page {
  return {
    title: 'This address is taken',
    body: html`<p>Another account has shown before that the address is its own. Ask your administrator.</p>`,
  }
}

export function doneWithLinkPage(title: string, what: string, account: string): Page {
  return { title, body: html`<p>${what}</p><p><a href="${account}">Go to your account</a></p>` }
}
