import { messageOf, RingfenceError } from '../../core/errors.ts'
import { INTERACTION_PATH, type RealmHandler } from '../provider/realm-context.ts'
import { accountPages } from './account/account-pages.ts'
import { ACCOUNT_PATH } from './account/paths.ts'
import { interactionPages } from './interaction/interaction-pages.ts'
import { linkPages } from './links/link-pages.ts'
import { LINK_PATH } from './links/paths.ts'
import { RECOVER_PATH, recoverPages } from './links/recover-pages.ts'
import { ASSETS } from './look/asset.ts'
import { assetsOf } from './look/look.ts'
import type { PagesOptions } from './pages-options.ts'
import { sendAsset } from './respond.ts'
import { errorPage, notFoundPage } from './views/error.ts'
import { Visit } from './visit.ts'

type Pages = (visit: Visit) => Promise<void>

/** What is ours below an issuer, by the first part of the path. */
const PAGES: Readonly<Record<string, Pages>> = {
  [ASSETS.slice(0, -1)]: assetFiles,
  [INTERACTION_PATH]: interactionPages,
  [ACCOUNT_PATH]: accountPages,
  [RECOVER_PATH]: recoverPages,
  [LINK_PATH]: linkPages,
}

const METHODS = ['GET', 'HEAD', 'POST']

/** The pages of realms: sign-in, consent, account, recovery, and the files that they fetch. */
export function realmPages(options: PagesOptions): RealmHandler {
  return async (context, request, response) => {
    const first = /^\/[a-z]+(?=[/?]|$)/.exec(request.url)?.[0] ?? ''
    const pages = Object.hasOwn(PAGES, first) ? PAGES[first] : undefined
    if (pages === undefined) return false
    const visit = new Visit(context, request, response, options)
    try {
      if (!METHODS.includes(request.method)) {
        response.setHeader('allow', METHODS.join(', '))
        visit.show(notFoundPage(), { status: 405 })
      } else {
        await pages(visit)
        if (!response.writableEnded) throw new RingfenceError('internal', 'a page has no answer')
      }
    } catch (error) {
      refuse(visit, error)
    }
    return true
  }
}

async function assetFiles(visit: Visit): Promise<void> {
  const found = assetsOf(visit.look).get(visit.to(visit.path))
  if (found === undefined) throw new RingfenceError('not_found', 'no such file')
  sendAsset(visit.response, found)
}

/** What a person may know of a refusal. What is our own trouble is logged, and only named. */
function refuse(visit: Visit, error: unknown): void {
  const code = error instanceof RingfenceError ? error.code : 'internal'
  const [status, title, what] = REFUSALS[code] ?? TROUBLE
  if (status >= 500) visit.options.log(`a page failed: ${code}: ${messageOf(error)}`)
  // Half an answer is on its way: an end of the connection is all that can still be said.
  if (visit.response.headersSent) visit.response.destroy()
  else visit.show(code === 'not_found' ? notFoundPage() : errorPage(title, what), { status })
}

type Refusal = readonly [status: number, title: string, what: string]

const AGAIN = 'Go back, load the page again, and repeat what you did.'
const TROUBLE: Refusal = [500, 'Something went wrong', 'It is not your doing. Try again later.']
const BUSY: Refusal = [503, 'Not now', 'There is much to do at the moment. Try again in a minute.']
const UNREADABLE: Refusal = [400, 'This could not be read', AGAIN]

const REFUSALS: Readonly<Record<string, Refusal>> = {
  not_found: [404, '', ''],
  forbidden: [403, 'This form is not good any more', AGAIN],
  invalid_argument: UNREADABLE,
  too_large: [413, 'This is too long', AGAIN],
  conflict: [409, 'This was done before', AGAIN],
  overloaded: BUSY,
  engine_unavailable: BUSY,
}
