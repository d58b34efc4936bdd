import { RingfenceError } from '../../../core/errors.ts'
import type { Subject } from '../../../core/names.ts'
import type { TenantId } from '../../../core/tenant.ts'
import { ACCOUNT_SIGNED_IN_PATH } from '../../provider/built-in-clients.ts'
import type { Section } from '../views/account.ts'
import { errorPage } from '../views/error.ts'
import type { Visit } from '../visit.ts'
import { API_KEY_PAGES } from './api-key-pages.ts'
import { APP_PAGES } from './app-pages.ts'
import { AUTHENTICATOR_PAGES } from './authenticator-pages.ts'
import { EMAIL_PAGES } from './email-pages.ts'
import { type Member, memberOf, signIn } from './member.ts'
import { ACCOUNT_PATH } from './paths.ts'
import { PASSKEY_PAGES } from './passkey-pages.ts'
import { PROFILE_PAGES } from './profile-pages.ts'
import { SECURITY_PAGES } from './security-pages.ts'
import { SESSION_PAGES } from './session-pages.ts'
import { SUPPORT_PAGES } from './support-pages.ts'

/** Shows a page of the account, or does what its form says. */
export type AccountHandler = (member: Member) => Promise<void>

/** Pages and forms by their path below the account: `GET /password`, `POST /password`. */
export type AccountHandlers = Readonly<Record<string, AccountHandler>>

const HANDLERS: AccountHandlers = {
  ...PROFILE_PAGES,
  ...EMAIL_PAGES,
  ...SECURITY_PAGES,
  ...PASSKEY_PAGES,
  ...AUTHENTICATOR_PAGES,
  ...SESSION_PAGES,
  ...APP_PAGES,
  ...API_KEY_PAGES,
  ...SUPPORT_PAGES,
}

/** `/account` and what is below it: for whoever is signed in, and about nobody else. */
export async function accountPages(visit: Visit): Promise<void> {
  if (visit.path === ACCOUNT_SIGNED_IN_PATH) return comeBack(visit)
  const path = visit.path.slice(ACCOUNT_PATH.length)
  const handler = handlerOf(visit.posts ? 'POST' : 'GET', path)
  const member = await memberOf(visit, (tenant, subject) => sections(visit, tenant, subject))
  if (member === undefined) return signIn(visit, isPage(path) ? path : '')
  const offered = member.sections.some((section) => belongs(path, section))
  // A section that this user has not is as absent as one that nobody has.
  if (handler === undefined || !offered) throw new RingfenceError('not_found', 'no such page')
  return handler(member)
}

/** From the sign-in. The state is one of our own pages, and anything else leads to the first. */
function comeBack(visit: Visit): void {
  const refused = visit.query.get('error')
  if (refused !== null) {
    return visit.show(
      errorPage('You are not signed in', 'Nothing was changed. You can close this page.'),
      { status: 403 },
    )
  }
  const path = visit.query.get('state') ?? ''
  visit.go(`${ACCOUNT_PATH}${isPage(path) ? path : ''}`)
}

function isPage(path: string): boolean {
  return handlerOf('GET', path) !== undefined
}

function handlerOf(method: 'GET' | 'POST', path: string): AccountHandler | undefined {
  const key = `${method} ${path}`
  return Object.hasOwn(HANDLERS, key) ? HANDLERS[key] : undefined
}

async function sections(
  visit: Visit,
  tenant: TenantId,
  subject: Subject,
): Promise<readonly Section[]> {
  const { sessions, apps, apiKeys, support } = visit.options
  const decides = (await support?.mayDecide(tenant, subject)) === true
  return [
    section('', 'Profile'),
    section('/security', 'Sign-in'),
    ...(sessions === undefined ? [] : [section('/sessions', 'Sessions')]),
    ...(apps === undefined ? [] : [section('/apps', 'Applications')]),
    ...(apiKeys === undefined ? [] : [section('/api-keys', 'API keys')]),
    ...(decides ? [section('/support', 'Support access')] : []),
  ]
}

function section(path: string, label: string): Section {
  return { path: `${ACCOUNT_PATH}${path}`, label }
}

/** Profile and sign-in are for everybody; their pages need no section of their own. */
function belongs(path: string, { path: section }: Section): boolean {
  const own = section.slice(ACCOUNT_PATH.length)
  const elsewhere = ['/sessions', '/apps', '/api-keys', '/support']
  return own === ''
    ? !elsewhere.some((other) => path.startsWith(other))
    : path === own || path.startsWith(`${own}/`)
}
