import { html } from '../html/html.ts'
import type { Page } from '../html/layout.ts'

/** Nothing more can be done on this page. Tells no more than a stranger may know. */
export function errorPage(title: string, what: string, code?: string): Page {
  return {
    title,
    body: html`<p>${what}</p>
${code !== undefined && html`<p class="muted">Code: <code>${code}</code></p>`}`,
  }
}

/** The same for what was never there, is over, and belongs to somebody else. */
export function notFoundPage(): Page {
  return errorPage(
    'This page is not here',
    'The address is wrong, or what it was for is over. Go back to where you came from and begin again.',
  )
}
