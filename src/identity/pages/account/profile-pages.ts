import { RingfenceError } from '../../../core/errors.ts'
import { button, field, form } from '../html/controls.ts'
import { type Html, html } from '../html/html.ts'
import { waitFor } from '../html/words.ts'
import { row, rows } from '../views/account.ts'
import type { AccountHandlers } from './account-pages.ts'
import { emailActions } from './email-pages.ts'
import { address, csrfOf, done, formOf, type Member, showAccount, signIn } from './member.ts'

const NAME_CHARACTERS_MAX = 200

/** Who the user is. The name to sign in with is the administrator's to change. */
export const PROFILE_PAGES: AccountHandlers = {
  'GET ': (member) => show(member),
  'POST ': async (member) => {
    const sent = await formOf(member)
    const names = {
      displayName: sent.get('display_name') ?? null,
      givenName: sent.get('given_name') ?? null,
      familyName: sent.get('family_name') ?? null,
    }
    if (Object.values(names).some((name) => (name ?? '').length > NAME_CHARACTERS_MAX)) {
      return show(member, `A name has ${NAME_CHARACTERS_MAX} characters at most.`)
    }
    const { visit, tenant, subject } = member
    try {
      await visit.options.directory.changeAccount(tenant, subject, names)
    } catch (error) {
      if (!(error instanceof RingfenceError) || error.code !== 'invalid_argument') throw error
      return show(member, 'These names cannot be saved.')
    }
    return done(member, '', 'profile')
  },
  'POST /verify-email': async (member) => {
    await formOf(member)
    const outcome = await member.visit.options.links.requestVerification(member.holder)
    if (outcome.kind === 'asked') return done(member, '', 'verification')
    if (outcome.kind === 'sign_in_again') return signIn(member.visit, '', 'again')
    return show(
      member,
      outcome.kind === 'wait' ? waitFor(outcome.seconds) : 'The link could not be sent.',
    )
  },
}

async function show(member: Member, error?: string): Promise<void> {
  const { account } = member
  const change = await emailActions(member)
  const name = (key: string, label: string, autocomplete: string, value: string | undefined) =>
    field({
      name: key,
      label,
      autocomplete,
      value,
      optional: true,
      maxLength: NAME_CHARACTERS_MAX,
    })
  showAccount(member, '', {
    title: 'Profile',
    error,
    body: html`${form({
      action: address(member, ''),
      csrf: csrfOf(member),
      children: html`${name('display_name', 'Name that others see', 'name', account.displayName)}
${name('given_name', 'First name', 'given-name', account.givenName)}
${name('family_name', 'Last name', 'family-name', account.familyName)}
${button({ label: 'Save' })}`,
    })}
<h2>What you sign in with</h2>
${rows(
  [
    ...(account.userName === undefined
      ? []
      : [row(html`<p><strong>User name</strong></p><p>${account.userName}</p>`)]),
    ...(account.email === undefined ? [] : [row(...email(member, account.email, change))]),
  ],
  'Your organisation signs you in.',
)}
${account.email === undefined && change}
<p class="muted">${change === undefined ? 'Your administrator changes these.' : 'Your administrator changes your user name.'}</p>`,
  })
}

function email(member: Member, value: string, change: Html | undefined) {
  const verified = member.account.emailVerified
  const what = html`<p><strong>E-mail address</strong></p><p>${value} <span class="muted">${verified ? '(confirmed)' : '(not confirmed)'}</span></p>`
  const confirm =
    !verified &&
    form({
      action: address(member, '/verify-email'),
      csrf: csrfOf(member),
      className: 'row',
      children: button({ label: 'Send a link to confirm', kind: 'plain' }),
    })
  return [what, html`${confirm}${change}`] as const
}
