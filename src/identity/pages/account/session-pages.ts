import { deviceName } from '../../sessions/device-name.ts'
import { button, form, hidden } from '../html/controls.ts'
import { html } from '../html/html.ts'
import { moment } from '../html/words.ts'
import { row, rows } from '../views/account.ts'
import type { AccountHandlers } from './account-pages.ts'
import { address, csrfOf, done, formOf, type Member, showAccount } from './member.ts'
import type { Sessions, SessionSummary } from './sources.ts'

const SECTION = '/sessions'

/** Where the user is signed in. */
export const SESSION_PAGES: AccountHandlers = {
  'GET /sessions': async (member) => {
    const { tenant, subject, session } = member
    const all = await source(member).list(tenant, subject, session)
    showAccount(member, SECTION, {
      title: 'Sessions',
      body: html`<p>Where you are signed in. End what you do not know, and then change your password.</p>
${rows(
  all.map((one) => row(describe(one), !one.current && ending(member, one))),
  'None.',
)}
${
  all.some((one) => !one.current) &&
  form({
    action: address(member, '/sessions/end-others'),
    csrf: csrfOf(member),
    children: button({ label: 'End all others', kind: 'danger' }),
  })
}`,
    })
  },
  'POST /sessions/end': async (member) => {
    const id = (await formOf(member)).get('id') ?? ''
    await source(member).end(member.tenant, member.subject, id)
    return done(member, SECTION, 'session-ended')
  },
  'POST /sessions/end-others': async (member) => {
    await formOf(member)
    await source(member).endOthers(member.tenant, member.subject, member.session)
    return done(member, SECTION, 'sessions-ended')
  },
}

/** The section is not offered without a source. */
function source({ visit }: Member): Sessions {
  return visit.options.sessions as Sessions
}

function describe(one: SessionSummary) {
  return html`<p><strong>${deviceName(one.userAgent)}</strong>${one.current && ' · this one'}</p>
<p class="muted">${one.address !== undefined && `${one.address}, `}signed in ${moment(one.signedInAt)}, last seen ${moment(one.lastSeenAt)}</p>`
}

function ending(member: Member, one: SessionSummary) {
  return form({
    action: address(member, '/sessions/end'),
    csrf: csrfOf(member),
    className: 'row',
    children: html`${hidden('id', one.id)}${button({ label: 'End', kind: 'danger', about: deviceName(one.userAgent) })}`,
  })
}
