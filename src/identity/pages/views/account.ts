import { attribute, type Child, type Html, html } from '../html/html.ts'
import type { Page } from '../html/layout.ts'
import { notice } from '../html/controls.ts'

/** A part of the account, as its navigation names it. */
export interface Section {
  readonly path: string
  readonly label: string
}

export interface AccountPage {
  readonly title: string
  readonly body: Child
  readonly error?: string | undefined
  /** What has just been done. */
  readonly done?: string | undefined
  readonly script?: boolean
}

/** Where somebody is in their account, and what else there is. */
export interface AccountFrame {
  readonly sections: readonly Section[]
  /** The section of the page. */
  readonly current: string
  readonly signOut: string
  /** The address of a path of this realm. */
  readonly to: (path: string) => string
}

export function accountPage(page: AccountPage, frame: AccountFrame): Page {
  return {
    title: page.title,
    refused: page.error !== undefined,
    ...(page.script === undefined ? {} : { script: page.script }),
    navigation: navigation(frame),
    body: html`${page.error !== undefined && notice('refused', page.error)}
${page.done !== undefined && notice('done', page.done)}
${page.body}`,
  }
}

function navigation({ sections, current, signOut, to }: AccountFrame): Html {
  return html`<ul>${sections.map(
    ({ path, label }) =>
      html`<li><a href="${to(path)}"${attribute('aria-current', path === current ? 'page' : undefined)}>${label}</a></li>`,
  )}<li><a href="${signOut}">Sign out</a></li></ul>`
}

/** One thing in a list: what it is, and what can be done with it. */
export function row(what: Child, action?: Child): Html {
  return html`<li><div class="what">${what}</div>${action}</li>`
}

export function rows(items: readonly Html[], none: string): Html {
  return items.length === 0
    ? html`<p class="muted">${none}</p>`
    : html`<ul class="rows">${items}</ul>`
}
