import { RingfenceError } from '../../../core/errors.ts'
import { deviceName } from '../../sessions/device-name.ts'
import type { Passkey, Refused } from '../../sign-in/sign-in.ts'
import { button, form, hidden, linkButton } from '../html/controls.ts'
import { html } from '../html/html.ts'
import { day, waitFor } from '../html/words.ts'
import { responseOf } from '../interaction/sign-in-steps.ts'
import { row, rows } from '../views/account.ts'
import { passkeySetup, recoveryCodes } from '../views/enrolment.ts'
import type { AccountHandlers } from './account-pages.ts'
import { address, csrfOf, done, formOf, type Member, showAccount, signIn } from './member.ts'
import { factorsOf } from './security-pages.ts'

const LABEL_CHARACTERS_MAX = 60

/** The user's passkeys: list, add, rename, remove. */
export const PASSKEY_PAGES: AccountHandlers = {
  'GET /passkeys': async (member) => show(member),
  'GET /passkeys/add': async (member) => showSetup(member),
  'POST /passkeys/add': async (member) => {
    const sent = await formOf(member)
    const label = sent.get('label') ?? labelOf(member)
    const { security } = member.visit.options
    const outcome = await security.registerPasskey(member.holder, responseOf(sent), label)
    if (outcome.kind !== 'enrolled') return refused(member, outcome, '/passkeys/add')
    if (outcome.recoveryCodes === undefined) return done(member, '/passkeys', 'passkey-added')
    return showCodes(member, outcome.recoveryCodes)
  },
  'POST /passkeys/rename': async (member) => {
    const sent = await formOf(member)
    const [id, label] = [sent.get('id') ?? '', sent.get('label') ?? '']
    try {
      const { security } = member.visit.options
      const outcome = await security.renamePasskey(member.holder, id, label)
      if (outcome.kind !== 'renamed') return refused(member, outcome, '/passkeys')
    } catch (error) {
      if (!(error instanceof RingfenceError) || error.code !== 'invalid_argument') throw error
      return show(member, `A name has 1 to ${LABEL_CHARACTERS_MAX} characters.`)
    }
    return done(member, '/passkeys', 'passkey-renamed')
  },
  'POST /passkeys/remove': async (member) => {
    const sent = await formOf(member)
    const { security } = member.visit.options
    const outcome = await security.removePasskey(member.holder, sent.get('id') ?? '')
    if (outcome.kind !== 'removed') return refused(member, outcome, '/passkeys')
    return done(member, '/passkeys', 'passkey-removed')
  },
}

/** Codes are shown in the answer itself: no address leads to them a second time. */
export function showCodes(member: Member, codes: readonly string[]): void {
  showAccount(member, '/security', {
    title: 'Keep your recovery codes',
    body: recoveryCodes(codes, address(member, '/security')),
  })
}

async function refused(member: Member, outcome: Refused, path: string): Promise<void> {
  if (outcome.kind === 'sign_in_again') return signIn(member.visit, path, 'again')
  const error = outcome.kind === 'wait' ? waitFor(outcome.seconds) : 'This could not be done.'
  return path === '/passkeys/add' ? showSetup(member, error) : show(member, error)
}

async function show(member: Member, error?: string): Promise<void> {
  const { passkeys } = await factorsOf(member)
  showAccount(member, '/security', {
    title: 'Passkeys',
    error,
    body: html`${rows(
      passkeys.map((passkey) => row(...passkeyRow(member, passkey))),
      'You have no passkeys yet.',
    )}
${linkButton(address(member, '/passkeys/add'), 'Add a passkey')}`,
  })
}

function passkeyRow(member: Member, { id, label, synced, createdAt, lastUsedAt }: Passkey) {
  const used = lastUsedAt === undefined ? 'not used yet' : `last used on ${day(lastUsedAt)}`
  const what = html`<p><strong>${label}</strong></p>
<p class="muted">Added on ${day(createdAt)}, ${used}${synced && ', kept in sync by its maker'}</p>
<details><summary class="inline">Rename<span class="hidden"> ${label}</span></summary>${form({
    action: address(member, '/passkeys/rename'),
    csrf: csrfOf(member),
    children: html`${hidden('id', id)}<div class="field"><label for="l-${id}">Name</label><input id="l-${id}" name="label" value="${label}" maxlength="${LABEL_CHARACTERS_MAX}" autocomplete="off" required></div>
${button({ label: 'Save', kind: 'plain' })}`,
  })}</details>`
  const action = form({
    action: address(member, '/passkeys/remove'),
    csrf: csrfOf(member),
    className: 'row',
    children: html`${hidden('id', id)}${button({ label: 'Remove', kind: 'danger', about: label })}`,
  })
  return [what, action] as const
}

async function showSetup(member: Member, error?: string): Promise<void> {
  const { security } = member.visit.options
  const begun = await security.passkeyRegistrationOptions(member.holder)
  if (begun.kind !== 'options') {
    if (begun.kind === 'sign_in_again') return signIn(member.visit, '/passkeys/add', 'again')
    return show(member, begun.kind === 'wait' ? waitFor(begun.seconds) : 'This could not be done.')
  }
  showAccount(member, '/security', {
    title: 'Add a passkey',
    script: true,
    body: passkeySetup({
      base: address(member, '/passkeys'),
      csrf: csrfOf(member),
      error,
      options: begun.options,
      action: address(member, '/passkeys/add'),
      label: labelOf(member),
    }),
  })
}

function labelOf({ visit }: Member): string {
  return deviceName(visit.request.headers['user-agent']).slice(0, LABEL_CHARACTERS_MAX)
}
