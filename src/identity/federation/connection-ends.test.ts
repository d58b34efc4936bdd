import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import * as client from 'openid-client'
import { scratch } from '../../clusters/scratch.test-support.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseClientId, parseSubject } from '../../core/names.ts'
import { PostgresRevocations } from '../../revocation/postgres-revocations.ts'
import { RevocationFollower } from '../../revocation/revocation-follower.ts'
import { CALLBACK } from '../provider/provider-site.test-support.ts'
import { ENTITY_ID } from './saml/saml-site.test-support.ts'
import { type Begun, type SignInSite, startSignInSite } from './sign-in-site.test-support.ts'

const LOOKS_MAX = 2_000
const OFFLINE = { scope: 'openid offline_access read', prompt: 'consent' }
const ANN = { id: 'ann-at-idp', claims: { name: 'Ann Able' } }

const revocations = new PostgresRevocations()
let publishing: (() => Promise<void>) | undefined
let signIn: SignInSite
before(async () => {
  signIn = await startSignInSite({
    publisher: {
      async publish(rows, revocation) {
        await revocations.publish(rows, revocation)
        await publishing?.()
      },
    },
  })
})
after(() => signIn.stop())
beforeEach(async () => {
  signIn.idp.person = ANN
  await signIn.connectOidc()
  await signIn.connectSaml()
})

/** Somebody who has signed in, with a refresh token that outlives the session. */
async function entered(by: 'oidc' | 'saml') {
  const begun = await signIn.begin(OFFLINE)
  const page = await (by === 'oidc' ? signIn.throughOidc(begun) : signIn.throughSaml(begun))
  const { access_token, refresh_token = '' } = await signIn.tokensOf(
    begun,
    await signIn.consented(begun, page),
  )
  const { sid, sub, jti, iat = 0 } = decodeJwt(access_token)
  return { begun, refresh: refresh_token, sid: String(sid), sub: String(sub), jti, iat }
}
type Entered = Awaited<ReturnType<typeof entered>>

const refreshes = ({ refresh }: Entered) =>
  signIn.site.refreshes({ tenant: signIn.tenant, app: signIn.app }, refresh)

async function isSignedIn({ begun }: Entered): Promise<boolean> {
  const url = client.buildAuthorizationUrl(signIn.app, {
    redirect_uri: CALLBACK,
    scope: 'openid read',
    prompt: 'none',
    code_challenge: await client.calculatePKCECodeChallenge(begun.verifier),
    code_challenge_method: 'S256',
  })
  const { location = '' } = await begun.browser.get(url.href)
  return location.includes('code=')
}

const ENDS: Readonly<Record<string, (oidc: Entered) => Promise<void>>> = {
  'a connection that is removed': () =>
    administration().removeConnection(signIn.tenant, 'corporate'),
  'a connection that is disabled': () => signIn.connectOidc({ enabled: false }),
  'a provider that the realm no longer allows': () =>
    administration().disallowSource(signIn.tenant, { kind: 'oidc', source: signIn.idp.issuer }),
  'a user who is no longer linked': ({ sub }) =>
    administration().unlink(signIn.tenant, 'corporate', parseSubject(sub)),
}
const administration = () => signIn.federation.administration

for (const [what, end] of Object.entries(ENDS)) {
  test(`${what} ends the sessions and refresh tokens that came through it, and no others`, async (t) => {
    const [oidc, saml] = [await entered('oidc'), await entered('saml')]
    assert.deepEqual([await isSignedIn(oidc), await isSignedIn(saml)], [true, true])
    const gateway = await RevocationFollower.open({
      directory: `${scratch(t)}/revocations`,
      database: signIn.site.options.database,
    })
    t.after(() => gateway.close())
    await gateway.ready()
    const revokes = ({ sid, sub, jti, iat }: Entered) =>
      gateway.revokes({
        tenant: signIn.tenant,
        id: String(jti),
        session: sid,
        subject: parseSubject(sub),
        client: parseClientId('app'),
        issuedAt: new Date(iat * 1000),
      })
    await end(oidc)
    for (let looks = 0; !revokes(oidc) && looks < LOOKS_MAX; looks += 1) await setTimeout(10)
    assert.deepEqual([revokes(oidc), revokes(saml)], [true, false])
    assert.deepEqual([await isSignedIn(oidc), await isSignedIn(saml)], [false, true])
    assert.deepEqual([await refreshes(oidc), await refreshes(saml)], [false, true])
  })
}

test('what outlived its session ends with the connection too', async () => {
  const oidc = await entered('oidc')
  // Signing out leaves what was given for the time without a session.
  const { tenant, site } = signIn
  await site.admin.query('delete from identity.session where tenant = $1 and subject = $2', [
    tenant,
    oidc.sub,
  ])
  assert.equal(await refreshes(oidc), true)
  const again = await entered('oidc')
  await administration().removeConnection(tenant, 'corporate')
  assert.equal(await refreshes(again), false)
  const { rows } = await site.admin.query(
    `select from identity.artifact where tenant = $1 and subject = $2 and model in ('Grant', 'RefreshToken')`,
    [tenant, oidc.sub],
  )
  assert.deepEqual(rows, [])
})

test('a sign-in that was under way comes to nothing', async () => {
  const demanding = await signIn.begin({ acr_values: 'urn:ringfence:acr:2' })
  const stopped = await signIn.throughOidc(demanding)
  assert.equal(stopped.status, 200)
  await administration().removeConnection(signIn.tenant, 'corporate')
  const { rows } = await signIn.site.admin.query<{ subject: string | null }>(
    'select subject from identity.sign_in_attempt where tenant = $1 and connection is not null',
    [signIn.tenant],
  )
  assert.deepEqual(rows, [])
})

test('a session does not begin from a sign-in by a connection that has ended meanwhile', async () => {
  const begun = await signIn.begin()
  const answered = await signIn.samlAnswer(begun)
  assert.equal(answered.status, 303)
  // The realm's own part is done; what the provider makes of it is still to come.
  let page = await begun.browser.get(answered.location ?? '')
  for (let hops = 0; hops < 8 && !/\/auth\/[\w-]+$/.test(page.location ?? ''); hops += 1) {
    page = await begun.browser.get(page.location ?? '')
  }
  await administration().disallowSource(signIn.tenant, { kind: 'saml', source: ENTITY_ID })
  page = await begun.browser.get(page.location ?? '')
  assert.equal(await isSignedIn({ begun } as Entered), false)
  await assert.rejects(tokens(begun, page.location ?? ''))
})

async function tokens({ verifier }: Begun, location: string) {
  return client.authorizationCodeGrant(signIn.app, new URL(location), {
    pkceCodeVerifier: verifier,
    expectedState: 'the-state',
  })
}

test('when the revocation cannot be entered nothing has ended, and the connection is there', async () => {
  const oidc = await entered('oidc')
  publishing = () => Promise.reject(new RingfenceError('engine_unavailable', 'not now'))
  try {
    for (const end of Object.values(ENDS)) {
      await assert.rejects(end(oidc), { code: 'engine_unavailable' })
    }
  } finally {
    publishing = undefined
  }
  assert.deepEqual([await isSignedIn(oidc), await refreshes(oidc)], [true, true])
  assert.ok(await administration().connection(signIn.tenant, 'corporate'))
})
