import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { runCommandLine } from '../src/cli/program.ts'
import { type ServedControl, servedControl } from '../src/cli/served-control.test-support.ts'
import { OPERATOR_CLI_CLIENT } from '../src/control/operators/operator-access.ts'
import { isOperatorToken } from '../src/control/operators/operator-token.ts'
import { OperatorsRealm } from '../src/control/operators/operators-realm.ts'
import { parseSubject } from '../src/core/names.ts'
import { OPERATORS_REALM } from '../src/core/operators-realm.ts'
import { type Listening, listenWith } from '../src/http/listen.ts'
import { Browser } from '../src/identity/provider/browser.test-support.ts'
import {
  type ProviderSite,
  startProviderSite,
} from '../src/identity/provider/provider-site.test-support.ts'

const CONTROL_API = 'urn:ringfence:control'

let site: ProviderSite
let door: Listening
let base: string

before(async () => {
  base = `http://127.0.0.1:${await freePort()}`
  site = await startProviderSite({ baseUrl: base, operatorsAudience: CONTROL_API })
  const { hostname, port } = new URL(base)
  door = await listenWith(createServer(site.identity.app), { host: hostname, port: Number(port) })
  await site.identity.realms.putUser(OPERATORS_REALM, parseSubject('jane'), {
    roles: ['operator'],
    scopes: [],
  })
  Object.assign(site.signsIn, { subject: 'jane', acr: 'urn:ringfence:acr:2', amr: ['otp', 'pwd'] })
})
after(async () => {
  await door?.close()
  await site?.stop()
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A control API that takes this realm's people. */
async function controlOf(t: TestContext): Promise<ServedControl & { readonly config: string }> {
  const control = await servedControl(t)
  const people = new OperatorsRealm({ realms: site.identity.realms, audience: CONTROL_API })
  const { operators } = control.plane
  const byToken = operators.authenticate.bind(operators)
  Object.assign(operators, {
    signIn: async () => ({
      issuer: await people.issuer(),
      audience: CONTROL_API,
      client: OPERATOR_CLI_CLIENT,
    }),
    authenticate: (token: string, requestId: string) =>
      token.split('.').length === 3 && !isOperatorToken(token)
        ? people.authenticate(token, requestId)
        : byToken(token, requestId),
  })
  const config = mkdtempSync(join(tmpdir(), 'rf-login-'))
  t.after(() => rmSync(config, { recursive: true, force: true }))
  return { ...control, config }
}

/** Runs a command as somebody who follows the addresses that it writes. */
async function run(control: { state: string; config: string }, ...args: readonly string[]) {
  let out = ''
  let err = ''
  const visits: Promise<unknown>[] = []
  const code = await runCommandLine([...args, '--state', control.state], {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
      const [url] = /https?:\S+/.exec(text) ?? []
      if (url !== undefined) visits.push(visit(url))
    },
    isTty: false,
    width: 100,
    environment: { RINGFENCE_CONFIG_DIR: control.config },
  })
  await Promise.all(visits)
  return { code, out, err }
}

async function visit(url: string): Promise<void> {
  const browser = new Browser((to, init) => fetch(to, { ...init, redirect: 'manual' }))
  const redirect = new URL(url).searchParams.get('redirect_uri')
  assert.ok(redirect)
  await fetch(await browser.until(url, redirect))
}

const logins = (config: string) => join(config, 'logins.json')

test('whoever signs in acts as herself from then on, and as nobody after signing out', async (t) => {
  const control = await controlOf(t)
  const signedIn = await run(control, 'login', '--no-browser')
  assert.equal(signedIn.code, 0, signedIn.err)
  assert.match(signedIn.out, /signed in as jane: operator/)
  assert.equal(statSync(logins(control.config)).mode & 0o777, 0o600)
  const who = JSON.parse((await run(control, 'whoami', '-o', 'json')).out)
  assert.deepEqual([who.person, who.roles, who.two_factors], ['jane', ['operator'], true])
  assert.equal((await run(control, 'logout')).code, 0)
  // The token in the state directory again.
  assert.equal(JSON.parse((await run(control, 'whoami', '-o', 'json')).out).name, 'first')
})

test('a token that has ended is renewed once, however many commands run at once', async (t) => {
  const control = await controlOf(t)
  assert.equal((await run(control, 'login', '--no-browser')).code, 0)
  const path = logins(control.config)
  const all = JSON.parse(readFileSync(path, 'utf8'))
  for (const login of Object.values<{ expiresAt: number }>(all)) login.expiresAt = 0
  writeFileSync(path, JSON.stringify(all), { mode: 0o600 })
  const ran = await Promise.all([1, 2, 3, 4].map(() => run(control, 'whoami', '-o', 'json')))
  assert.deepEqual(
    ran.map(({ code, out }) => `${code} ${JSON.parse(out).person}`),
    ['0 jane', '0 jane', '0 jane', '0 jane'],
  )
})

test('a sign-in that the realm has ended says to sign in again', async (t) => {
  const control = await controlOf(t)
  assert.equal((await run(control, 'login', '--no-browser')).code, 0)
  const path = logins(control.config)
  const all = JSON.parse(readFileSync(path, 'utf8'))
  for (const login of Object.values<{ expiresAt: number; refreshToken: string }>(all)) {
    login.expiresAt = 0
    login.refreshToken = 'another'
  }
  writeFileSync(path, JSON.stringify(all), { mode: 0o600 })
  const ran = await run(control, 'whoami')
  assert.equal(ran.code, 2)
  assert.match(ran.err, /the sign-in has ended: ringfence login/)
})

test('a file of sign-ins that others can read is not used', async (t) => {
  const control = await controlOf(t)
  writeFileSync(logins(control.config), '{}', { mode: 0o644 })
  const ran = await run(control, 'whoami')
  assert.equal(ran.code, 2)
  assert.match(ran.err, /can be read by others/)
})
