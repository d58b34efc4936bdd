import { button, form, hidden } from '../html/controls.ts'
import { html } from '../html/html.ts'
import { day } from '../html/words.ts'
import { row, rows } from '../views/account.ts'
import { inWords } from '../views/consent.ts'
import type { AccountHandlers } from './account-pages.ts'
import { address, csrfOf, done, formOf, type Member, showAccount } from './member.ts'
import type { ConnectedApp, ConnectedApps } from './sources.ts'

/** Applications that the user has let in. */
export const APP_PAGES: AccountHandlers = {
  'GET /apps': async (member) => {
    const apps = await source(member).list(member.tenant, member.subject)
    showAccount(member, '/apps', {
      title: 'Applications',
      body: html`<p>What you have allowed to use your account.</p>
${rows(
  apps.map((app) => row(describe(member, app), takeBack(member, app))),
  'You have allowed none.',
)}`,
    })
  },
  'POST /apps/take-back': async (member) => {
    const client = (await formOf(member)).get('client') ?? ''
    await source(member).takeBack(member.tenant, member.subject, client)
    return done(member, '/apps', 'app-removed')
  },
}

function source({ visit }: Member): ConnectedApps {
  return visit.options.apps as ConnectedApps
}

function describe({ visit }: Member, { name, scopes, since }: ConnectedApp) {
  return html`<p><strong>${name}</strong> <span class="muted">since ${day(since)}</span></p>
<ul class="scopes">${scopes.map((scope) => html`<li>${inWords(scope, visit.look.name)}</li>`)}</ul>`
}

function takeBack(member: Member, { client, name }: ConnectedApp) {
  return form({
    action: address(member, '/apps/take-back'),
    csrf: csrfOf(member),
    className: 'row',
    children: html`${hidden('client', client)}${button({ label: 'Take back', kind: 'danger', about: `what ${name} may do` })}`,
  })
}
