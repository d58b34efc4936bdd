import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { CALLBACK } from '../provider/provider-site.test-support.ts'
import type { Page } from './browser.test-support.ts'
import {
  type Begun,
  linkOf,
  type SignInSite,
  startSignInSite,
} from './sign-in-site.test-support.ts'

const ANN = { id: 'ann-at-idp', claims: { name: 'Ann Able' } }

let signIn: SignInSite
before(async () => {
  signIn = await startSignInSite()
})
after(() => signIn.stop())
beforeEach(() => {
  signIn.idp.person = ANN
  signIn.logged.length = 0
})

async function accessOf(begun: Begun, page: Page) {
  const tokens = await signIn.tokensOf(begun, page)
  return signIn.site.verify(signIn.tenant, tokens.access_token)
}

test('a person signs in at an application through the tenant’s own OpenID provider', async () => {
  const begun = await signIn.begin()
  const access = await accessOf(begun, await signIn.throughOidc(begun))
  assert.equal(access.tenant, signIn.tenant)
  const { directory } = signIn.site.identity.parts
  const account = await directory.account(signIn.tenant, access.subject)
  assert.equal(account?.displayName, 'Ann Able')
})

test('the same person comes back as the same user, in another browser', async () => {
  const subjects = []
  for (let i = 0; i < 2; i++) {
    const begun = await signIn.begin()
    subjects.push((await accessOf(begun, await signIn.throughOidc(begun))).subject)
  }
  assert.equal(subjects[0], subjects[1])
})

test('a person signs in at an application through the tenant’s own SAML provider', async () => {
  const begun = await signIn.begin()
  assert.equal((await accessOf(begun, await signIn.throughSaml(begun))).tenant, signIn.tenant)
})

test('a second factor that is demanded is asked for, unless the provider is believed about it', async () => {
  const demand = { acr_values: 'urn:ringfence:acr:2' }
  const stopped = await signIn.throughOidc(await signIn.begin(demand))
  assert.equal(stopped.location, undefined)
  assert.equal(stopped.status, 200)
  const page = await signIn.throughSaml(
    await signIn.begin(demand),
    'https://refeds.org/profile/mfa',
  )
  assert.ok(page.location?.startsWith(CALLBACK), `${page.status} ${page.text}`)
})

test('whoever has only the address of an interaction begins nothing with it', async () => {
  const begun = await signIn.begin()
  const page = await signIn.browser().get(linkOf(begun.page, 'Acme staff'))
  assert.equal(page.status, 403)
  assert.match(signIn.logged.at(-1) ?? '', /request_unknown/)
})

test('who is refused by the provider is not signed in', async () => {
  signIn.idp.person = undefined
  const begun = await signIn.begin()
  const page = await signIn.throughOidc(begun)
  assert.equal(page.status, 403)
  assert.match(signIn.logged.at(-1) ?? '', /provider_refused/)
})
