import assert from 'node:assert/strict'
import { type Shown, TestBrowser } from './browser.test-support.ts'
import { PASSWORD, type PagesRealm, type PagesSite } from './pages-site.test-support.ts'

/** The page after the name, of a sign-in that an application began. */
export async function typed(
  who: TestBrowser,
  realm: PagesRealm,
  name: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Shown> {
  const first = await who.get(realm.authorize(more))
  return who.submit(first, '/identifier', { name })
}

/** The page after the password. */
export async function signedIn(
  who: TestBrowser,
  realm: PagesRealm,
  name: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Shown> {
  return who.submit(await typed(who, realm, name, more), '/password', { password: PASSWORD })
}

/** Sets up an authenticator app in the midst of a sign-in, and gives its secret and recovery codes. */
export async function enrol(site: PagesSite, who: TestBrowser, step: Shown) {
  const setup = await who.submit(step, '/enrol-totp')
  assert.match(setup.text, /<svg class="qr" role="img"/)
  const secret = (/<code class="secret"[^>]*>([^<]*)/.exec(setup.text)?.[1] ?? '').replaceAll(
    ' ',
    '',
  )
  const wrong = await who.submit(setup, '/confirm-totp', { code: '12' })
  assert.equal(wrong.status, 400)
  assert.doesNotMatch(wrong.text, new RegExp(secret))
  const done = await who.submit(wrong, '/confirm-totp', { code: site.codeOf(secret) })
  assert.match(done.title, /Keep your recovery codes/)
  const codes = [...done.text.matchAll(/<li><code>([^<]*)/g)].map(([, code = '']) => code)
  const onward = /<a class="button" href="([^"]*)"/.exec(done.text)?.[1] ?? ''
  return { secret, codes, after: await who.get(onward) }
}
