import { RingfenceError } from '../../../core/errors.ts'
import type { LinkOutcome, OpenLink } from '../../sign-in/sign-in.ts'
import type { Page } from '../html/layout.ts'
import { passwordProblem, waitFor } from '../html/words.ts'
import { errorPage } from '../views/error.ts'
import {
  doneWithLinkPage,
  emailTakenPage,
  linkGonePage,
  setPasswordPage,
  verifyEmailPage,
} from '../views/links.ts'
import type { Visit } from '../visit.ts'
import { LINK_PATH } from './paths.ts'
import { RECOVER_PATH } from './recover-pages.ts'

const SECRET = /^[\w-]{1,200}$/

/** What a link from a mail opens: `/link/<secret>`. To look at it uses nothing up. */
export async function linkPages(visit: Visit): Promise<void> {
  const secret = visit.path.slice(LINK_PATH.length + 1)
  if (!SECRET.test(secret)) throw new RingfenceError('not_found', 'no such page')
  const binding = `link ${secret}`
  const form = visit.posts ? await visit.form(binding) : undefined
  const { links, emailChange } = visit.options
  const waiting = await emailChange?.open(visit.context.tenant, secret)
  if (waiting !== undefined) return newAddress(visit, secret, waiting.name, form !== undefined)
  const opened = await links.open(visit.caller, secret)
  if (!('purpose' in opened)) return showOutcome(visit, opened)
  if (form === undefined) return visit.show(askingPage(visit, secret, opened))
  if (opened.purpose === 'verify_email') return verify(visit, secret)
  return setPassword(visit, secret, opened, form.get('password') ?? '')
}

function askingPage(visit: Visit, secret: string, opened: OpenLink, error?: string): Page {
  const sent = {
    action: visit.to(`${LINK_PATH}/${secret}`),
    csrf: visit.csrf(`link ${secret}`),
    error,
  }
  return opened.purpose === 'verify_email'
    ? verifyEmailPage(opened.name, sent)
    : setPasswordPage(opened.purpose, opened.name, sent)
}

async function setPassword(
  visit: Visit,
  secret: string,
  opened: OpenLink,
  password: string,
): Promise<void> {
  const outcome = await visit.options.links.setPassword(visit.caller, secret, password)
  if (outcome.kind === 'weak') {
    const page = askingPage(visit, secret, opened, passwordProblem(outcome.problem))
    return visit.show(page, { status: 400 })
  }
  if (outcome.kind !== 'changed') return showOutcome(visit, outcome)
  visit.rememberDevice(outcome.device)
  const what = 'Sign in with it where you were, or look at your account.'
  visit.show(doneWithLinkPage('Your password is set', what, visit.to('/account')))
}

async function verify(visit: Visit, secret: string): Promise<void> {
  const outcome = await visit.options.links.verifyEmail(visit.caller, secret)
  if (outcome.kind === 'taken') return visit.show(emailTakenPage(), { status: 409 })
  if (outcome.kind !== 'verified') return showOutcome(visit, outcome)
  const what = 'We know now that this address is yours.'
  visit.show(doneWithLinkPage('Thank you', what, visit.to('/account')))
}

/** The address that the user of an account wants for it: asked of whoever reads its mail. */
async function newAddress(
  visit: Visit,
  secret: string,
  name: string,
  confirmed: boolean,
): Promise<void> {
  const { emailChange } = visit.options
  if (!confirmed || emailChange === undefined) {
    const action = visit.to(`${LINK_PATH}/${secret}`)
    return visit.show(verifyEmailPage(name, { action, csrf: visit.csrf(`link ${secret}`) }))
  }
  const outcome = await emailChange.confirm(visit.context.tenant, secret)
  if (outcome.kind === 'taken') return visit.show(emailTakenPage(), { status: 409 })
  if (outcome.kind !== 'changed') return showOutcome(visit, outcome)
  const what = 'This is the address of your account now.'
  visit.show(doneWithLinkPage('Thank you', what, visit.to('/account')))
}

function showOutcome(visit: Visit, outcome: LinkOutcome): void {
  if (outcome.kind === 'gone') {
    return visit.show(linkGonePage(visit.to(RECOVER_PATH)), { status: 404 })
  }
  visit.response.setHeader('retry-after', String(Math.ceil(outcome.seconds)))
  visit.show(errorPage('Not now', waitFor(outcome.seconds)), { status: 429 })
}
