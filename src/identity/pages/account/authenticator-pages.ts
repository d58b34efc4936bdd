import type { Refused } from '../../sign-in/sign-in.ts'
import { button, form } from '../html/controls.ts'
import { html } from '../html/html.ts'
import { day, waitFor } from '../html/words.ts'
import { WRONG_FIRST_CODE } from '../interaction/enrol-steps.ts'
import { type TotpSetup, totpSetup } from '../views/enrolment.ts'
import type { AccountHandlers } from './account-pages.ts'
import { address, csrfOf, done, formOf, type Member, showAccount, signIn } from './member.ts'
import { showCodes } from './passkey-pages.ts'
import { factorsOf } from './security-pages.ts'

/** The authenticator app, and the recovery codes. */
export const AUTHENTICATOR_PAGES: AccountHandlers = {
  'GET /authenticator': (member) => showApp(member),
  'POST /authenticator/begin': async (member) => {
    await formOf(member)
    const enrolment = await member.visit.options.security.enrolTotp(member.holder)
    if (enrolment.kind !== 'enrolment') return refused(member, enrolment, '/authenticator')
    return showSetup(member, { enrolment })
  },
  'POST /authenticator/confirm': async (member) => {
    const code = ((await formOf(member)).get('code') ?? '').replace(/\s/g, '')
    const outcome = await member.visit.options.security.confirmTotp(member.holder, code)
    if (outcome.kind === 'sign_in_again') return refused(member, outcome, '/authenticator')
    if (outcome.kind !== 'enrolled') {
      const error = outcome.kind === 'wait' ? waitFor(outcome.seconds) : WRONG_FIRST_CODE
      return showSetup(member, { error })
    }
    if (outcome.recoveryCodes === undefined) return done(member, '/security', 'totp-added')
    return showCodes(member, outcome.recoveryCodes)
  },
  'POST /authenticator/remove': async (member) => {
    await formOf(member)
    const outcome = await member.visit.options.security.removeTotp(member.holder)
    if (outcome.kind !== 'removed') return refused(member, outcome, '/authenticator')
    return done(member, '/security', 'totp-removed')
  },
  'GET /recovery-codes': (member) => showRecovery(member),
  'POST /recovery-codes': async (member) => {
    await formOf(member)
    const outcome = await member.visit.options.security.newRecoveryCodes(member.holder)
    if (outcome.kind !== 'codes') return refused(member, outcome, '/recovery-codes')
    return showCodes(member, outcome.codes)
  },
}

async function refused(member: Member, outcome: Refused, path: string): Promise<void> {
  if (outcome.kind === 'sign_in_again') return signIn(member.visit, path, 'again')
  const error = outcome.kind === 'wait' ? waitFor(outcome.seconds) : 'This could not be done.'
  return path === '/recovery-codes' ? showRecovery(member, error) : showApp(member, error)
}

async function showApp(member: Member, error?: string): Promise<void> {
  const { totpSince } = await factorsOf(member)
  const press = (path: string, label: string, kind: 'primary' | 'danger') =>
    form({
      action: address(member, path),
      csrf: csrfOf(member),
      children: button({ label, kind }),
    })
  showAccount(member, '/security', {
    title: 'Authenticator app',
    error,
    body:
      totpSince === undefined
        ? html`<p>An app on your telephone shows a new code every half minute. Whoever has your password alone does not get in.</p>
${press('/authenticator/begin', 'Set up', 'primary')}`
        : html`<p>On since ${day(totpSince)}.</p>
${press('/authenticator/begin', 'Set up anew', 'primary')}
${press('/authenticator/remove', 'Turn off', 'danger')}`,
  })
}

function showSetup(member: Member, setup: Pick<TotpSetup, 'enrolment' | 'error'>): void {
  showAccount(member, '/security', {
    title: 'Set up an authenticator app',
    error: setup.error,
    body: totpSetup({
      ...setup,
      base: address(member, '/authenticator'),
      csrf: csrfOf(member),
      restart: address(member, '/authenticator/begin'),
      confirm: address(member, '/authenticator/confirm'),
    }),
  })
}

async function showRecovery(member: Member, error?: string): Promise<void> {
  const { recoveryCodes } = await factorsOf(member)
  showAccount(member, '/security', {
    title: 'Recovery codes',
    error,
    body: html`<p>You have ${recoveryCodes} left. Each lets you in once, should you lose your other ways.</p>
${form({
  action: address(member, '/recovery-codes'),
  csrf: csrfOf(member),
  children: button({ label: 'Make new ones' }),
})}
<p class="muted">New ones take the place of those before.</p>`,
  })
}
