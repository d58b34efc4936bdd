import { RingfenceError } from '../../../core/errors.ts'
import type { Factors } from '../../sign-in/sign-in.ts'
import { button, field, form, linkButton } from '../html/controls.ts'
import { html } from '../html/html.ts'
import { day, passwordProblem, waitFor } from '../html/words.ts'
import { row, rows } from '../views/account.ts'
import { newPasswordField } from '../views/sign-in.ts'
import type { AccountHandlers } from './account-pages.ts'
import { address, csrfOf, done, formOf, type Member, showAccount, signIn } from './member.ts'

/** What the user signs in with, and the password. */
export const SECURITY_PAGES: AccountHandlers = {
  'GET /security': async (member) => {
    const factors = await factorsOf(member)
    showAccount(member, '/security', {
      title: 'Sign-in',
      body: html`${overview(member, factors)}
${factors.secondFactorRequired && html`<p class="muted">Your organisation asks for a second step: the last one cannot be removed.</p>`}`,
    })
  },
  'GET /password': async (member) => showPassword(member, await factorsOf(member)),
  'POST /password': async (member) => {
    const sent = await formOf(member)
    const { visit, holder } = member
    const outcome = await visit.options.security.changePassword(
      holder,
      visit.caller,
      sent.get('current'),
      sent.get('password') ?? '',
    )
    if (outcome.kind === 'changed') return done(member, '/security', 'password')
    if (outcome.kind === 'sign_in_again') return signIn(visit, '/password', 'again')
    const factors = await factorsOf(member)
    if (outcome.kind === 'weak') {
      return showPassword(member, factors, { next: passwordProblem(outcome.problem) })
    }
    const current = outcome.kind === 'wait' ? waitFor(outcome.seconds) : 'This password is wrong.'
    return showPassword(member, factors, { current })
  },
}

export async function factorsOf({ visit, tenant, subject }: Member): Promise<Factors> {
  const factors = await visit.options.security.factors(tenant, subject)
  if (factors === undefined) throw new RingfenceError('not_found', 'the account is gone')
  return factors
}

function overview(member: Member, factors: Factors) {
  const { passwordChangedAt: password, totpSince: totp, passkeys, recoveryCodes } = factors
  const go = (path: string, label: string, about: string) =>
    linkButton(address(member, path), html`${label}<span class="hidden"> ${about}</span>`)
  return rows(
    [
      row(
        html`<p><strong>Password</strong></p><p class="muted">${password === undefined ? 'None' : `Set on ${day(password)}`}</p>`,
        go('/password', password === undefined ? 'Set' : 'Change', 'the password'),
      ),
      row(
        html`<p><strong>Passkeys</strong></p><p class="muted">${passkeys.length === 0 ? 'None' : `${passkeys.length} in use`}</p>`,
        go('/passkeys', 'Manage', 'passkeys'),
      ),
      row(
        html`<p><strong>Authenticator app</strong></p><p class="muted">${totp === undefined ? 'Off' : `On since ${day(totp)}`}</p>`,
        go('/authenticator', totp === undefined ? 'Set up' : 'Manage', 'the authenticator app'),
      ),
      row(
        html`<p><strong>Recovery codes</strong></p><p class="muted">${recoveryCodes} left</p>`,
        go('/recovery-codes', 'Manage', 'recovery codes'),
      ),
    ],
    '',
  )
}

function showPassword(
  member: Member,
  { passwordChangedAt }: Factors,
  wrong: { readonly current?: string; readonly next?: string } = {},
): void {
  const { account } = member
  showAccount(member, '/security', {
    title: passwordChangedAt === undefined ? 'Set a password' : 'Change your password',
    error:
      Object.values(wrong).length > 0 ? 'The password is not changed. See below why.' : undefined,
    body: form({
      action: address(member, '/password'),
      csrf: csrfOf(member),
      children: html`<input class="hidden" name="name" value="${account.userName ?? account.email ?? account.subject}" autocomplete="username" tabindex="-1" aria-hidden="true" readonly>
${
  passwordChangedAt !== undefined &&
  field({
    name: 'current',
    label: 'Present password',
    type: 'password',
    autocomplete: 'current-password',
    error: wrong.current,
    maxLength: 400,
  })
}
${newPasswordField(wrong.next)}
${passwordChangedAt === undefined && wrong.current !== undefined && html`<p class="error">${wrong.current}</p>`}
${button({ label: 'Save' })}`,
    }),
  })
}
