import { RingfenceError } from '../../../core/errors.ts'
import type { EmailChange, EmailChangeState } from '../../sign-in/email-change.ts'
import { button, field, form, linkButton } from '../html/controls.ts'
import { type Html, html } from '../html/html.ts'
import { waitFor } from '../html/words.ts'
import type { AccountHandlers } from './account-pages.ts'
import { address, csrfOf, done, formOf, type Member, showAccount, signIn } from './member.ts'

const ADDRESS_CHARACTERS_MAX = 320

/** Another address for the account. */
export const EMAIL_PAGES: AccountHandlers = {
  'GET /email': async (member) => show(member, await changing(member)),
  'POST /email': async (member) => {
    const sent = await formOf(member)
    const state = await changing(member)
    const email = (sent.get('email') ?? '').trim()
    try {
      const outcome = await source(member).request(member.holder, email)
      if (outcome.kind === 'asked') return done(member, '', 'email-asked')
      if (outcome.kind === 'sign_in_again') return signIn(member.visit, '/email', 'again')
      const wrong = outcome.kind === 'wait' ? waitFor(outcome.seconds) : 'This is your address.'
      return show(member, state, wrong)
    } catch (error) {
      if (!(error instanceof RingfenceError) || error.code !== 'invalid_argument') throw error
      return show(member, state, 'Type an address like name@example.com.')
    }
  },
  'POST /email/cancel': async (member) => {
    await formOf(member)
    await source(member).cancel(member.tenant, member.subject)
    return done(member, '', 'email-kept')
  },
}

/** What can be done about the address, below where it is shown. Undefined: nothing, by its owner. */
export async function emailActions(member: Member): Promise<Html | undefined> {
  const { emailChange } = member.visit.options
  const state = await emailChange?.state(member.tenant, member.subject)
  if (state?.mayChange !== true) return undefined
  const change = linkButton(
    address(member, '/email'),
    html`Change<span class="hidden"> the e-mail address</span>`,
  )
  if (state.pending === undefined) return change
  return html`${change}
${form({
  action: address(member, '/email/cancel'),
  csrf: csrfOf(member),
  className: 'row',
  children: button({
    label: 'Keep the old one',
    kind: 'plain',
    about: `in place of ${state.pending}, which is not confirmed yet`,
  }),
})}`
}

/** A user whose address comes from elsewhere has no such page. */
async function changing(member: Member): Promise<EmailChangeState> {
  const state = await source(member).state(member.tenant, member.subject)
  if (!state.mayChange) throw new RingfenceError('not_found', 'no such page')
  return state
}

function source({ visit }: Member): EmailChange {
  const { emailChange } = visit.options
  if (emailChange === undefined) throw new RingfenceError('not_found', 'no such page')
  return emailChange
}

function show(member: Member, { pending }: EmailChangeState, error?: string): void {
  showAccount(member, '', {
    title: 'E-mail address',
    error,
    body: html`<p>We send a link to the new address. It is yours when you have opened the link; until then nothing changes. We tell the old one, too.</p>
${pending !== undefined && html`<p class="muted">${pending} waits to be confirmed.</p>`}
${form({
  action: address(member, '/email'),
  csrf: csrfOf(member),
  children: html`${field({
    name: 'email',
    label: 'New e-mail address',
    type: 'email',
    autocomplete: 'email',
    inputMode: 'email',
    maxLength: ADDRESS_CHARACTERS_MAX,
    focus: true,
  })}
${button({ label: 'Send the link' })}`,
})}`,
  })
}
