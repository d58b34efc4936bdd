import { randomBytes } from 'node:crypto'
import { parseSubject, type Subject } from '../../../core/names.ts'
import type { TenantId } from '../../../core/tenant.ts'
import type { Account } from '../../directory/directory.ts'
import { ACCOUNT_CLIENT, ACCOUNT_SIGNED_IN_PATH } from '../../provider/built-in-clients.ts'
import type { Acr, Holder } from '../../sign-in/sign-in.ts'
import type { PageForm } from '../guard/page-form.ts'
import { type AccountFrame, type AccountPage, accountPage, type Section } from '../views/account.ts'
import type { Visit } from '../visit.ts'
import { ACCOUNT_PATH } from './paths.ts'

const TWO_FACTORS = 'urn:ringfence:acr:2'

/** Somebody who is signed in and looks at their own account. */
export interface Member {
  readonly visit: Visit
  readonly tenant: TenantId
  readonly subject: Subject
  readonly account: Account
  /** The session's uid, which stays when its id changes. */
  readonly session: string
  readonly holder: Holder & { readonly by: 'session' }
  readonly sections: readonly Section[]
  /** Path of the page below the account: '' or `/password`. */
  readonly path: string
}

/**
 * Who is signed in, by the session's own cookie. Undefined when nobody is, or the user is not
 * active any more: an inactive user's session shows nothing.
 */
export async function memberOf(
  visit: Visit,
  sections: (tenant: TenantId, subject: Subject) => Promise<readonly Section[]>,
): Promise<Member | undefined> {
  const { provider, tenant } = visit.context
  const session = await provider.Session.get(provider.createContext(visit.request, visit.response))
  if (session.accountId === undefined || session.loginTs === undefined) return undefined
  const subject = parseSubject(session.accountId)
  const account = await visit.options.directory.account(tenant, subject)
  if (account?.active !== true) return undefined
  const signedInAt = new Date(session.loginTs * 1000)
  return {
    visit,
    tenant,
    subject,
    account,
    session: session.uid,
    holder: { by: 'session', tenant, subject, acr: acrOf(session.acr), signedInAt },
    sections: await sections(tenant, subject),
    path: visit.path.slice(ACCOUNT_PATH.length),
  }
}

/** What is not known to be two factors is one. */
function acrOf(acr: string | undefined): Acr {
  return acr === TWO_FACTORS ? acr : 'urn:ringfence:acr:1'
}

/** So fresh must a sign-in be for what outlives it. */
const FRESH_MS = 10 * 60_000

/**
 * Whether the session is good for what would outlive it, a key or a consent: signed in just now, and as
 * sure as the account can be. Who has found an open browser has neither.
 */
export async function isFresh({ visit, holder, tenant, subject }: Member): Promise<boolean> {
  const { security, now = Date.now } = visit.options
  const factors = await security.factors(tenant, subject)
  if (factors === undefined) return false
  const hasSecond = factors.totpSince !== undefined || factors.passkeys.length > 0
  const sure = !hasSecond || holder.acr === TWO_FACTORS
  return sure && now() - holder.signedInAt.getTime() <= FRESH_MS
}

/**
 * To sign in, and back to this page, by the provider's own authorization endpoint, so that sessions are
 * made and renewed in one way only. The code that comes back is left to expire: what these pages need
 * is the session's cookie, and nobody knows the verifier.
 * @param surer again, and with a second factor where there is one
 */
export function signIn(visit: Visit, path: string, surer?: 'again'): void {
  const { provider, issuer } = visit.context
  const query = new URLSearchParams({
    client_id: ACCOUNT_CLIENT,
    response_type: 'code',
    code_challenge: randomBytes(32).toString('base64url'),
    code_challenge_method: 'S256',
    scope: 'openid',
    redirect_uri: `${issuer}${ACCOUNT_SIGNED_IN_PATH}`,
    state: path,
    ...(surer === undefined ? {} : { prompt: 'login' }),
  })
  visit.go(`${provider.pathFor('authorization', { mountPath: '' })}?${query.toString()}`)
}

export function binding(member: Member): string {
  return `session ${member.session}`
}

export function csrfOf(member: Member): string {
  return member.visit.csrf(binding(member))
}

export function formOf(member: Member): Promise<PageForm> {
  return member.visit.form(binding(member))
}

export function address(member: Member, path: string): string {
  return member.visit.to(`${ACCOUNT_PATH}${path}`)
}

/** @param section the path of the section that the page belongs to, below the account */
export function showAccount(member: Member, section: string, page: AccountPage): void {
  const { visit, sections } = member
  const frame: AccountFrame = {
    sections,
    current: `${ACCOUNT_PATH}${section}`,
    signOut: visit.to(visit.context.provider.pathFor('end_session', { mountPath: '' })),
    to: (path) => visit.to(path),
  }
  const shown = accountPage({ ...page, done: page.done ?? doneOf(visit) }, frame)
  visit.show(shown, page.error === undefined ? {} : { status: 400 })
}

/** What was done before this page was asked for, as one of these words in its address. */
const DONE: Readonly<Record<string, string>> = {
  profile: 'Your profile is saved.',
  password: 'Your password is changed.',
  'passkey-added': 'The passkey is added.',
  'passkey-renamed': 'The passkey has its new name.',
  'passkey-removed': 'The passkey is removed.',
  'totp-added': 'The authenticator app is on.',
  'totp-removed': 'The authenticator app is off.',
  verification: 'A link is on its way to your address.',
  'email-asked': 'A link is on its way to the new address. It works for an hour.',
  'email-kept': 'Your address stays as it is.',
  'session-ended': 'The session is ended.',
  'sessions-ended': 'All other sessions are ended.',
  'app-removed': 'The application has no access any more.',
  'key-removed': 'The key works no more.',
  decided: 'Your answer is recorded.',
}

/** Back to a page of the account, which then says what was done. */
export function done(member: Member, path: string, what: keyof typeof DONE): void {
  member.visit.go(`${ACCOUNT_PATH}${path}?done=${what}`)
}

function doneOf(visit: Visit): string | undefined {
  const what = visit.query.get('done') ?? ''
  return Object.hasOwn(DONE, what) ? DONE[what] : undefined
}
