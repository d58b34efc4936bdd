import { RingfenceError } from '../../../core/errors.ts'
import type { ApiKey } from '../../provider/api-keys.ts'
import type { PagesOptions } from '../pages-options.ts'
import { button, checkbox, field, form, hidden, linkButton } from '../html/controls.ts'
import { html } from '../html/html.ts'
import { day } from '../html/words.ts'
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

const SECTION = '/api-keys'
const NAME_CHARACTERS_MAX = 60
const DAYS = { least: 1, most: 365, usual: 90 }

/** Keys with which the user's own programs act for them. */
export const API_KEY_PAGES: AccountHandlers = {
  'GET /api-keys': (member) => show(member),
  'POST /api-keys': async (member) => {
    const sent = await formOf(member)
    if (!(await isFresh(member))) return signIn(member.visit, SECTION, 'again')
    const { tenant, subject } = member
    const own = await scopesOf(member)
    const name = sent.get('name') ?? ''
    const days = Number(sent.get('days'))
    // Boxes are numbered: a scope may have characters that a field's name has not.
    const scopes = own.filter((_, index) => sent.get(`scope-${index}`) === 'yes')
    if (name === '' || name.length > NAME_CHARACTERS_MAX) return show(member, 'Give it a name.')
    if (!Number.isInteger(days) || days < DAYS.least || days > DAYS.most) {
      return show(member, `A key works for ${DAYS.least} to ${DAYS.most} days.`)
    }
    if (scopes.length === 0) return show(member, 'Choose what the key is for.')
    try {
      const key = { label: name, scopes, days }
      const { secret } = await source(member).create(tenant, subject, key)
      return showKey(member, name, secret)
    } catch (error) {
      if (!(error instanceof RingfenceError)) throw error
      if (error.code !== 'conflict' && error.code !== 'invalid_argument') throw error
      return show(member, 'This key cannot be made. Remove one that you do not need any more.')
    }
  },
  'POST /api-keys/remove': async (member) => {
    const id = (await formOf(member)).get('id') ?? ''
    await source(member).remove(member.tenant, member.subject, id)
    return done(member, SECTION, 'key-removed')
  },
}

function source({ visit }: Member) {
  return visit.options.apiKeys as NonNullable<PagesOptions['apiKeys']>
}

/** A key can be given no more than its owner has. */
async function scopesOf({ visit, tenant, subject }: Member): Promise<readonly string[]> {
  return (await visit.options.directory.authority(tenant, subject))?.scopes ?? []
}

async function show(member: Member, error?: string): Promise<void> {
  const [keys, scopes] = await Promise.all([
    source(member).list(member.tenant, member.subject),
    scopesOf(member),
  ])
  showAccount(member, SECTION, {
    title: 'API keys',
    error,
    body: html`<p>With a key a program of yours acts for you. Give each program its own.</p>
${rows(
  keys.map((key) => row(describe(key), removing(member, key))),
  'You have no keys.',
)}
<h2>New key</h2>
${form({
  action: address(member, SECTION),
  csrf: csrfOf(member),
  children: html`${field({ name: 'name', label: 'Name', hint: 'Which program it is for.', autocomplete: 'off', maxLength: NAME_CHARACTERS_MAX })}
${field({ name: 'days', label: 'Days until it ends', autocomplete: 'off', inputMode: 'numeric', value: String(DAYS.usual), maxLength: 3 })}
<fieldset><legend>What it is for</legend>${scopes.map((scope, index) => checkbox(`scope-${index}`, html`<code>${scope}</code>`))}</fieldset>
${button({ label: 'Make the key' })}`,
})}`,
  })
}

function showKey(member: Member, name: string, key: string): void {
  showAccount(member, SECTION, {
    title: 'Your new key',
    body: html`<p>This is the key for <strong>${name}</strong>. Keep it now: it is not shown again.</p>
<code class="secret">${key}</code>
${linkButton(address(member, SECTION), 'I have kept it')}`,
  })
}

function describe({ label, scopes, expiresAt, usedAt }: ApiKey) {
  const used = usedAt === undefined ? 'not used yet' : `last used on ${day(usedAt)}`
  return html`<p><strong>${label}</strong></p>
<p class="muted">For ${scopes.join(', ')}. Ends on ${day(expiresAt)}, ${used}.</p>`
}

function removing(member: Member, { id, label }: ApiKey) {
  return form({
    action: address(member, '/api-keys/remove'),
    csrf: csrfOf(member),
    className: 'row',
    children: html`${hidden('id', id)}${button({ label: 'Remove', kind: 'danger', about: label })}`,
  })
}
