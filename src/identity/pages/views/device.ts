import { button, field, hidden } from '../html/controls.ts'
import { type Child, html } from '../html/html.ts'
import type { Page } from '../html/layout.ts'

/** A form of the provider's own, which has its proof against forgery among its hidden fields. */
export interface HiddenForm {
  readonly action: string
  readonly hidden: Readonly<Record<string, string>>
}

export function hiddenForm({ action, hidden: fields }: HiddenForm, children: Child) {
  return html`<form method="post" action="${action}">
${Object.entries(fields).map(([name, value]) => hidden(name, value))}
${children}
</form>`
}

export function deviceCodePage(form: HiddenForm, typed?: string, error?: string): Page {
  return {
    title: 'Connect a device',
    refused: error !== undefined,
    body: hiddenForm(
      form,
      html`${field({
        name: 'user_code',
        label: 'Code',
        hint: 'Type the code that your device or terminal shows.',
        autocomplete: 'off',
        value: typed,
        error,
        maxLength: 40,
        code: true,
        focus: true,
      })}
${button({ label: 'Continue' })}`,
    ),
  }
}

export function deviceConfirmPage(form: HiddenForm, client: string, code: string): Page {
  return {
    title: 'Is this your device?',
    body: html`<p><strong>${client}</strong> asks to act for you. It must show this code:</p>
<p class="secret">${code}</p>
<p>If you did not start this yourself, or somebody sent you the code, do not go on: they would get your access.</p>
${hiddenForm(
  form,
  html`${button({ label: 'Yes, it shows this code' })}
${button({ label: 'No, stop', kind: 'plain', name: 'abort', value: 'yes' })}`,
)}`,
  }
}

export function deviceDonePage(): Page {
  return {
    title: 'Device connected',
    body: html`<p>You can close this page and go back to your device.</p>`,
  }
}
