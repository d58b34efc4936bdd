import { button, form } from '../html/controls.ts'
import { type Child, html } from '../html/html.ts'
import type { Page } from '../html/layout.ts'

export interface Consent {
  readonly action: string
  readonly csrf: string
  /** What the application calls itself. Anybody may have written it. */
  readonly client: string
  /** Where it will get the answer: the part of it that nobody can choose freely. */
  readonly destination: string | undefined
  readonly realm: string
  /** Who is signed in. */
  readonly who: string
  readonly scopes: readonly string[]
  /** Its own pages; only https. */
  readonly policyUri: string | undefined
  readonly termsUri: string | undefined
}

export function consentPage(consent: Consent): Page {
  const { client, destination, realm } = consent
  return {
    title: `Allow ${client}?`,
    body: html`<p class="who"><span>${consent.who}</span></p>
<p><strong>${client}</strong> asks to use your account at ${realm}. It could then:</p>
<ul class="scopes">${consent.scopes.map((scope) => html`<li>${inWords(scope, realm)}</li>`)}</ul>
${destination !== undefined && html`<p class="muted">You go on to <strong>${destination}</strong>. You can take this back at any time in your account.</p>`}
${form({
  action: consent.action,
  csrf: consent.csrf,
  children: html`${button({ label: 'Allow', name: 'answer', value: 'allow' })}
${button({ label: 'Do not allow', kind: 'plain', name: 'answer', value: 'deny' })}`,
})}
${links(consent)}`,
  }
}

function links({ policyUri, termsUri }: Consent): Child {
  const all = [
    policyUri !== undefined && html`<a href="${policyUri}" rel="noreferrer">Its privacy policy</a>`,
    termsUri !== undefined && html`<a href="${termsUri}" rel="noreferrer">Its terms</a>`,
  ].filter((link) => link !== false)
  return all.length > 0 && html`<ul class="more">${all.map((link) => html`<li>${link}</li>`)}</ul>`
}

/** A scope as what it lets happen. One that we do not know is shown as it is, and not guessed at. */
export function inWords(scope: string, realm: string): Child {
  switch (scope) {
    case 'openid':
      return 'know that you are the same person when you come back'
    case 'profile':
      return 'see your name'
    case 'email':
      return 'see your e-mail address'
    case 'offline_access':
      return 'go on using your account when you are away'
    case 'read':
      return `read what you may read at ${realm}`
    case 'write':
      return `change what you may change at ${realm}`
    default:
      return html`use <code>${scope}</code>`
  }
}
