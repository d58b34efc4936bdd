import { waitFor } from '../html/words.ts'
import { recoverPage, recoverySentPage } from '../views/links.ts'
import type { Visit } from '../visit.ts'

export const RECOVER_PATH = '/recover'
const NAME_CHARACTERS_MAX = 200

/** Asks for a link by mail. What is answered depends on nothing but that something was typed. */
export async function recoverPages(visit: Visit): Promise<void> {
  if (!visit.posts) return visit.show(page(visit))
  const name = (await visit.form(RECOVER_PATH)).get('name')
  if (name === undefined || name.length > NAME_CHARACTERS_MAX) {
    return visit.show(page(visit, 'Type your user name or e-mail address.'), { status: 400 })
  }
  const outcome = await visit.options.links.requestRecovery(visit.caller, name)
  if (outcome.kind === 'asked') return visit.show(recoverySentPage())
  visit.response.setHeader('retry-after', String(Math.ceil(outcome.seconds)))
  visit.show(page(visit, waitFor(outcome.seconds)), { status: 429 })
}

function page(visit: Visit, error?: string) {
  return recoverPage({ action: visit.to(RECOVER_PATH), csrf: visit.csrf(RECOVER_PATH), error })
}
