import { button, form, hidden } from '../html/controls.ts'
import { type Child, html } from '../html/html.ts'
import { moment } from '../html/words.ts'
import { row, rows } from '../views/account.ts'
import type { AccountHandlers } from './account-pages.ts'
import {
  address,
  csrfOf,
  done,
  formOf,
  isFresh,
  type Member,
  showAccount,
  signIn,
} from './member.ts'
import type { SupportAccess, SupportCase } from './sources.ts'

const SECTION = '/support'
const STATES: Readonly<Record<SupportCase['state'], string>> = {
  requested: 'Asked for',
  approved: 'Approved, not begun',
  active: 'Under way',
  ended: 'Ended',
  denied: 'Refused',
  expired: 'Over',
  revoked: 'Taken back',
}

/** Access of the platform's operators to this tenant, for its own administrators. */
export const SUPPORT_PAGES: AccountHandlers = {
  'GET /support': async (member) => {
    const cases = await source(member).list(member.tenant)
    showAccount(member, SECTION, {
      title: 'Support access',
      body: html`<p>Each time that somebody of the platform asked for, or had, access to your data.</p>
${rows(
  cases.map((one) => row(describe(one), actions(member, one))),
  'Nobody has asked.',
)}`,
    })
  },
  'POST /support/decide': async (member) => {
    const sent = await formOf(member)
    const { tenant, subject } = member
    const id = sent.get('id') ?? ''
    switch (sent.get('answer')) {
      case 'consent':
        if (!(await isFresh(member))) return signIn(member.visit, SECTION, 'again')
        await source(member).consent(tenant, id, subject)
        break
      case 'revoke':
        await source(member).revoke(tenant, id, subject)
        break
      default:
        // What says neither is no.
        await source(member).deny(tenant, id, subject)
    }
    return done(member, SECTION, 'decided')
  },
}

function source({ visit }: Member): SupportAccess {
  return visit.options.support as SupportAccess
}

function describe({ operator, reason, scope, state, requestedAt, endsAt }: SupportCase) {
  return html`<p><strong>${STATES[state]}</strong>: ${operator}, <code>${scope}</code></p>
<p>${reason}</p>
<p class="muted">Asked for ${moment(requestedAt)}${endsAt !== undefined && `, ends ${moment(endsAt)}`}</p>`
}

function actions(member: Member, { id, state, awaitsConsent, operator }: SupportCase): Child {
  const about = `access of ${operator}`
  if (awaitsConsent) {
    return deciding(
      member,
      id,
      html`${button({ label: 'Allow', kind: 'plain', name: 'answer', value: 'consent', about })}
${button({ label: 'Refuse', kind: 'danger', name: 'answer', value: 'deny', about })}`,
    )
  }
  const live = state === 'approved' || state === 'active'
  return (
    live &&
    deciding(
      member,
      id,
      button({ label: 'Take back', kind: 'danger', name: 'answer', value: 'revoke', about }),
    )
  )
}

function deciding(member: Member, id: string, buttons: Child) {
  return form({
    action: address(member, '/support/decide'),
    csrf: csrfOf(member),
    className: 'row',
    children: html`${hidden('id', id)}${buttons}`,
  })
}
