import { button } from '../html/controls.ts'
import { html } from '../html/html.ts'
import type { Page } from '../html/layout.ts'
import { type HiddenForm, hiddenForm } from './device.ts'

/** @param client that asks for it; undefined when nobody did but the user. */
export function signOutPage(form: HiddenForm, realm: string, client: string | undefined): Page {
  return {
    title: 'Sign out?',
    body: html`<p>${client === undefined ? `You are signed in to ${realm}.` : `${client} has signed you out. You are still signed in to ${realm}.`}</p>
${hiddenForm(
  form,
  html`${button({ label: `Sign out of ${realm}`, name: 'logout', value: 'yes' })}
${button({ label: 'Stay signed in', kind: 'plain' })}`,
)}`,
  }
}

export function signedOutPage(): Page {
  return { title: 'Done', body: html`<p>You can close this page.</p>` }
}
