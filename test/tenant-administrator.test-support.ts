import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateSync } from 'otplib'
import { z } from 'zod'
import { ControlClient } from '../src/cli/control-client.ts'
import { localAccess } from '../src/cli/control-access.ts'
import { TENANT_ADMIN_ROLE } from '../src/core/tenant-admin.ts'
import { TestBrowser } from '../src/identity/pages/testing/browser.test-support.ts'
import { eventually } from './trial-platform.test-support.ts'

const PASSWORD = 'violet-harbor-92-quilt'
const CLIENT = 'declares'
const BACK = 'https://console.example/signed-in'
const done = z.looseObject({})

/**
 * Somebody who administers a tenant of a platform that is up, as one becomes it: entered and invited by
 * an operator, with a password, a second factor and a client that may have the scope for it.
 * @returns the control API as that person has it
 */
export async function tenantAdministrator(state: string, tenant: string): Promise<ControlClient> {
  const access = localAccess(state)
  const operator = new ControlClient(access)
  const below = (path: string) => `/v1/tenants/${tenant}${path}`
  const change = (method: 'POST' | 'PUT', path: string, body: object) =>
    operator.change({ method, path: below(path), body }, done)
  const { issuer } = await operator.get(below('/realm'), z.object({ issuer: z.string() }))
  const email = `ana@${tenant}.example`
  await change('PUT', `/roles/${TENANT_ADMIN_ROLE}`, { scopes: ['configuration'] })
  const { id } = await change('POST', '/users', { email, email_verified: true })
  await change('PUT', '/bindings', { user: id, role: TENANT_ADMIN_ROLE })
  await change('POST', '/clients', {
    client: CLIENT,
    ...{ auth_method: 'none', grant_types: ['authorization_code'], redirect_uris: [BACK] },
    ...{ first_party: true, scopes: ['configuration'] },
  })
  await change('POST', `/users/${String(id)}/invitation`, {})
  const browser = new TestBrowser(new URL(issuer).origin)
  const invitation = await browser.get(await linkFor(state, email))
  await browser.submit(invitation, '/link/', { password: PASSWORD })
  // What is issued in the second in which a password was set is void.
  await sleep(1_000 - (Date.now() % 1_000))
  const code = await signIn(browser, issuer, email)
  const token = await exchange(issuer, code)
  return new ControlClient({ server: access.server, token })
}

/** The link in the mail to somebody, of a platform that puts its mails into files. */
async function linkFor(state: string, email: string): Promise<string> {
  const directory = join(state, 'mail')
  let link = ''
  await eventually(`a mail to ${email}`, async () => {
    const mails = readdirSync(directory)
      .filter((name) => name.endsWith('.eml'))
      .map((name) => readFileSync(join(directory, name), 'utf8'))
    const mail = mails.find((text) => text.includes(email)) ?? ''
    // Quoted-printable breaks long lines.
    link = /https?:\/\/\S+\/link\/[\w-]+/.exec(mail.replaceAll(/=\r?\n/g, ''))?.[0] ?? ''
    return link !== ''
  })
  return link
}

const VERIFIER = randomUUID() + randomUUID()

/** Sets a second factor up on the way. */
async function signIn(browser: TestBrowser, issuer: string, name: string): Promise<string> {
  const query = new URLSearchParams({
    ...{ client_id: CLIENT, response_type: 'code', redirect_uri: BACK },
    ...{ scope: 'openid configuration', acr_values: 'urn:ringfence:acr:2' },
    code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const first = await browser.get(`${issuer}/auth?${query.toString()}`)
  const second = await browser.submit(first, '/identifier', { name })
  const third = await browser.submit(second, '/password', { password: PASSWORD })
  const setup = await browser.submit(third, '/enrol-totp')
  const [, shown = ''] = /<code class="secret"[^>]*>([^<]*)/.exec(setup.text) ?? []
  const code = generateSync({ secret: shown.replaceAll(' ', '') })
  const enrolled = await browser.submit(setup, '/confirm-totp', { code })
  const [, onward = ''] = /<a class="button" href="([^"]*)"/.exec(enrolled.text) ?? []
  const { url } = await browser.get(onward)
  assert.ok(url.startsWith(BACK), url)
  return new URL(url).searchParams.get('code') ?? ''
}

async function exchange(issuer: string, code: string): Promise<string> {
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      ...{ grant_type: 'authorization_code', client_id: CLIENT, redirect_uri: BACK },
      ...{ code, code_verifier: VERIFIER },
    }),
  })
  const { access_token } = z.object({ access_token: z.string() }).parse(await answer.json())
  return access_token
}
