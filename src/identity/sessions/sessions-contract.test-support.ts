import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { parseSubject } from '../../core/names.ts'
import { until } from '../../core/until.test-support.ts'
import { FIREFOX, SAFARI, type SessionsSite, type SiteRealm } from './sessions-site.test-support.ts'

const BOB = parseSubject('bob')
const ALICE = parseSubject('alice')

/** What holds of sessions wherever they are kept. */
export function sessionsContract(store: string, start: () => Promise<SessionsSite>): void {
  describe(`sessions in ${store}`, () => {
    let site: SessionsSite
    let acme: SiteRealm
    let globex: SiteRealm
    before(async () => {
      site = await start()
      acme = await site.newRealm('acme')
      globex = await site.newRealm('globex')
      for (const { tenant } of [acme, globex]) {
        await site.identity.realms.putUser(tenant, BOB, { roles: [], scopes: ['read'] })
      }
    })
    after(() => site.stop())

    /** A realm of the test's own: ends of whole realms touch nothing else. */
    const ownRealm = (settings = {}) =>
      site.newRealm(`own-${randomBytes(6).toString('hex')}`, settings)
    const all = async ({ tenant }: SiteRealm) =>
      (await site.sessions.list(tenant, { limit: 100 })).items

    test('a session is listed as people understand it', async () => {
      const realm = await ownRealm()
      const { sid } = await site.enter(realm)
      const [session, ...rest] = await all(realm)
      assert.equal(rest.length, 0)
      assert.ok(session !== undefined)
      assert.equal(session.subject, 'alice')
      assert.equal(session.device, 'Firefox on Windows')
      assert.equal(session.userAgent, FIREFOX)
      assert.match(session.address ?? '', /^(?:::ffff:)?127\.0\.0\.1$/)
      assert.deepEqual([session.acr, session.amr], ['urn:ringfence:acr:1', ['pwd']])
      assert.deepEqual(session.clients, [{ client: 'app', sid }])
      assert.ok(session.startedAt.getTime() <= Date.now())
      assert.deepEqual(await site.sessions.get(realm.tenant, session.id), session)
      assert.deepEqual(await site.sessions.get(realm.tenant, sid), session)
    })

    test('nothing that could open a session is in its listing or its record', async () => {
      const realm = await ownRealm()
      const { browser } = await site.enter(realm)
      const cookie = site.cookieOf(browser)
      const { rows } = await site.admin.query(
        'select to_jsonb(s) from identity.session s where tenant = $1',
        [realm.tenant],
      )
      assert.ok(!JSON.stringify([rows, await all(realm)]).includes(cookie))
    })

    test('ending one session ends it with all that came of it, and no other one', async () => {
      const one = await site.enter(acme)
      const other = await site.enter(acme)
      assert.equal(await site.sessions.endSession(acme.tenant, one.sid), true)
      assert.deepEqual(await site.revoked(acme.tenant), [`session ${one.sid}`])
      assert.equal(await site.isSignedIn(acme, one.browser), false)
      assert.equal(await site.refreshes(acme, one.refreshToken), false)
      assert.equal(await site.isSignedIn(acme, other.browser), true)
      assert.equal(await site.refreshes(acme, other.refreshToken), true)
      assert.equal(await site.sessions.endSession(acme.tenant, one.sid), false)
    })

    test('what a detector has voided is ended in its realm, and in no other', async () => {
      const one = await site.enter(acme)
      const other = await site.enter(acme)
      const bobs = await site.enter(acme, { subject: 'bob' })
      const away = await site.enter(globex)
      const detected = (sid: string) =>
        site.admin.query(`select revocation.enter_detected('session', 'acme', $1)`, [sid])
      // Another realm's, and what is no session, are let be.
      for (const sid of [away.sid, 'gr-1', one.sid]) await detected(sid)
      await until(async () => {
        const { rows } = await site.admin.query('select from revocation.detected_session')
        return rows.length === 0
      })
      assert.equal(await site.isSignedIn(acme, one.browser), false)
      assert.equal(await site.refreshes(acme, one.refreshToken), false)
      for (const { browser, refreshToken, realm } of [
        { ...other, realm: acme },
        { ...bobs, realm: acme },
        { ...away, realm: globex },
      ]) {
        assert.equal(await site.isSignedIn(realm, browser), true)
        assert.equal(await site.refreshes(realm, refreshToken), true)
      }
    })

    test('what a detector has voided goes on by no refresh token, also of a session that is over', async () => {
      const realm = await ownRealm()
      const one = await site.enter(realm)
      const other = await site.enter(realm)
      await site.admin.query('delete from identity.session where tenant = $1', [realm.tenant])
      assert.equal(await site.refreshes(realm, other.refreshToken), true)
      await site.admin.query(`select revocation.enter_detected('session', $1, $2)`, [
        realm.tenant,
        one.sid,
      ])
      await until(async () => !(await site.refreshes(realm, one.refreshToken)))
    })

    test('a user ends their own sessions alone, and all but the one that asks', async () => {
      const realm = await ownRealm()
      await site.identity.realms.putUser(realm.tenant, BOB, { roles: [], scopes: ['read'] })
      const here = await site.enter(realm)
      const there = await site.enter(realm)
      const bobs = await site.enter(realm, { subject: 'bob' })
      assert.equal(await site.sessions.endSession(realm.tenant, bobs.sid, ALICE), false)
      const { id } = (await site.sessions.get(realm.tenant, here.sid)) ?? { id: '' }
      assert.equal(await site.sessions.endOthers(realm.tenant, ALICE, id), 1)
      assert.equal(await site.isSignedIn(realm, there.browser), false)
      assert.equal(await site.isSignedIn(realm, here.browser), true)
      assert.equal(await site.isSignedIn(realm, bobs.browser), true)
    })

    test('ending a user ends all of the user, also what was given for the time without a session', async () => {
      const realm = await ownRealm()
      await site.identity.realms.putUser(realm.tenant, BOB, { roles: [], scopes: ['read'] })
      const one = await site.enter(realm)
      const two = await site.enter(realm)
      const bobs = await site.enter(realm, { subject: 'bob' })
      await site.sessions.endSubject(realm.tenant, ALICE)
      assert.deepEqual(await site.revoked(realm.tenant), ['subject alice'])
      for (const { browser, refreshToken } of [one, two]) {
        assert.equal(await site.isSignedIn(realm, browser), false)
        assert.equal(await site.refreshes(realm, refreshToken), false)
      }
      assert.equal(await site.isSignedIn(realm, bobs.browser), true)
      assert.equal(await site.refreshes(realm, bobs.refreshToken), true)
      assert.deepEqual(
        (await all(realm)).map(({ subject }) => subject),
        ['bob'],
      )
    })

    test('ending a device ends the user’s sessions there, and not those elsewhere', async () => {
      const realm = await ownRealm()
      const laptop = await site.enter(realm)
      const phone = await site.enter(realm, { userAgent: SAFARI })
      assert.equal(await site.sessions.endDevice(realm.tenant, ALICE, 'Safari on iOS'), 1)
      assert.deepEqual(await site.revoked(realm.tenant), [`session ${phone.sid}`])
      assert.equal(await site.isSignedIn(realm, phone.browser), false)
      assert.equal(await site.refreshes(realm, phone.refreshToken), false)
      assert.equal(await site.isSignedIn(realm, laptop.browser), true)
      assert.equal(await site.sessions.endDevice(realm.tenant, BOB, 'Firefox on Windows'), 0)
    })

    test('ending a client ends what it was given, and leaves users signed in', async () => {
      const realm = await ownRealm()
      const { browser, refreshToken } = await site.enter(realm)
      await site.sessions.endClient(realm.tenant, 'app')
      assert.deepEqual(await site.revoked(realm.tenant), ['client app'])
      assert.equal(await site.refreshes(realm, refreshToken), false)
      const { items } = await site.sessions.list(realm.tenant, { client: 'app', limit: 10 })
      assert.deepEqual(items, [])
      assert.equal(await site.isSignedIn(realm, browser), true)
    })

    test('ending a realm ends everybody there, and nobody in another one', async () => {
      const realm = await ownRealm()
      await site.identity.realms.putUser(realm.tenant, BOB, { roles: [], scopes: ['read'] })
      const alices = await site.enter(realm)
      const bobs = await site.enter(realm, { subject: 'bob' })
      const elsewhere = await site.enter(globex)
      const before = await site.revoked(globex.tenant)
      await site.sessions.endTenant(realm.tenant)
      assert.deepEqual(await site.revoked(realm.tenant), ['tenant'])
      for (const { browser, refreshToken } of [alices, bobs]) {
        assert.equal(await site.isSignedIn(realm, browser), false)
        assert.equal(await site.refreshes(realm, refreshToken), false)
      }
      assert.deepEqual(await all(realm), [])
      assert.equal(await site.isSignedIn(globex, elsewhere.browser), true)
      assert.deepEqual(await site.revoked(globex.tenant), before)
    })

    test('a session of one realm is nothing in another, by cookie, by id and by sid', async () => {
      const { browser, sid } = await site.enter(acme)
      const cookie = site.cookieOf(browser)
      const { id } = (await site.sessions.get(acme.tenant, sid)) ?? { id: '' }
      const thief = site.browser()
      thief.steal(
        browser.cookies.map((own) => ({
          ...own,
          path: own.path.replace('/realms/acme', '/realms/globex'),
        })),
      )
      assert.equal(await site.isSignedIn(globex, thief), false)
      const { sessions } = site.identity.parts
      const key = { model: 'Session', id: cookie }
      assert.ok((await sessions.find({ tenant: acme.tenant, ...key })) !== undefined)
      assert.equal(await sessions.find({ tenant: globex.tenant, ...key }), undefined)
      assert.equal(await sessions.findByUid(globex.tenant, 'Session', id), undefined)
      await sessions.remove({ tenant: globex.tenant, ...key })
      for (const name of [id, sid]) {
        assert.equal(await site.sessions.get(globex.tenant, name), undefined)
        assert.equal(await site.sessions.endSession(globex.tenant, name), false)
      }
      assert.equal(await site.isSignedIn(acme, browser), true)
    })

    test('a cookie from before a sign-in is worth nothing after it', async () => {
      const { browser, sid } = await site.enter(acme)
      const before = site.cookieOf(browser)
      const fixed = site.browser()
      fixed.steal(browser.cookies)
      const old = await site.payloadOf(acme.tenant, before)
      const again = await site.enter(acme, { browser }, { prompt: 'login consent' })
      const after = site.cookieOf(browser)
      assert.notEqual(after, before)
      assert.equal(await site.isSignedIn(acme, fixed), false)
      // Nor when a request that began before it is written late.
      const { sessions } = site.identity.parts
      const key = { tenant: acme.tenant, model: 'Session', id: before }
      await sessions.put(key, { payload: old, seconds: 600 })
      assert.equal(await sessions.find(key), undefined)
      assert.equal(await site.isSignedIn(acme, browser), true)
      const [first, second] = await Promise.all(
        [sid, again.sid].map((one) => site.sessions.get(acme.tenant, one)),
      )
      assert.equal(first?.id, second?.id)
    })

    test('a request that began before the end does not bring a session back, nor what it gave', async () => {
      const { browser, sid } = await site.enter(acme)
      const cookie = site.cookieOf(browser)
      const key = { tenant: acme.tenant, model: 'Session', id: cookie }
      const payload = await site.payloadOf(acme.tenant, cookie)
      await site.sessions.endSession(acme.tenant, sid)
      const { artifacts, sessions } = site.identity.parts
      const grant = { tenant: acme.tenant, model: 'Grant', id: 'given-meanwhile' }
      await artifacts.put(grant, {
        payload: { kind: 'Grant', accountId: 'alice', clientId: 'app' },
        seconds: 600,
      })
      await sessions.put(key, {
        payload: { ...payload, authorizations: { app: { sid: 'new', grantId: grant.id } } },
        seconds: 600,
      })
      assert.equal(await sessions.find(key), undefined)
      assert.equal(await sessions.findByUid(acme.tenant, 'Session', String(payload.uid)), undefined)
      assert.equal(await artifacts.find(grant), undefined)
    })

    test('who signed in before the end of all sessions, and comes back after it, is not signed in', async () => {
      const realm = await ownRealm()
      const { browser } = await site.enter(realm)
      const payload = await site.payloadOf(realm.tenant, site.cookieOf(browser))
      const { sessions } = site.identity.parts
      await site.sessions.endSubject(realm.tenant, ALICE)
      const late = { tenant: realm.tenant, model: 'Session', id: 'another-cookie' }
      const uid = 'another-session'
      await sessions.put(late, { payload: { ...payload, uid, authorizations: {} }, seconds: 600 })
      assert.equal(await sessions.find(late), undefined)
      const loginTs = Math.floor(Date.now() / 1000) + 1
      await sessions.put(late, {
        payload: { ...payload, uid, loginTs, authorizations: {} },
        seconds: 600,
      })
      assert.equal((await sessions.find(late))?.uid, uid)
    })

    test('with one session too many the oldest ends, with what came of it', async () => {
      const realm = await ownRealm({ session: { most: 2 } })
      const first = await site.enter(realm)
      const second = await site.enter(realm)
      const third = await site.enter(realm)
      assert.equal((await all(realm)).length, 2)
      assert.deepEqual(await site.revoked(realm.tenant), [`session ${first.sid}`])
      assert.equal(await site.isSignedIn(realm, first.browser), false)
      assert.equal(await site.refreshes(realm, first.refreshToken), false)
      assert.equal(await site.isSignedIn(realm, second.browser), true)
      assert.equal(await site.isSignedIn(realm, third.browser), true)
    })

    test('a session ends by itself when it is idle or old, by the settings of today', async () => {
      const realm = await ownRealm()
      const { tenant } = realm
      const { browser } = await site.enter(realm)
      const backdate = (column: 'seen_at' | 'signed_in_at', minutes: number) =>
        site.admin.query(
          `update identity.session set ${column} = now() - make_interval(mins => $2)
           where tenant = $1`,
          [tenant, minutes],
        )
      await backdate('seen_at', 10)
      await site.identity.realms.putSettings(tenant, { session: { idleSeconds: 900 } })
      assert.equal((await all(realm)).length, 1)
      await site.identity.realms.putSettings(tenant, { session: { idleSeconds: 300 } })
      assert.equal((await all(realm)).length, 0)
      assert.equal(await site.isSignedIn(realm, browser), false)
      await backdate('seen_at', 0)
      await backdate('signed_in_at', 20)
      await site.identity.realms.putSettings(tenant, { session: { seconds: 1_500 } })
      assert.equal((await all(realm)).length, 1)
      await site.identity.realms.putSettings(tenant, { session: { seconds: 900 } })
      assert.equal((await all(realm)).length, 0)
    })

    test('when it was last seen is written once a minute, and a new device at once', async () => {
      const realm = await ownRealm()
      const { browser } = await site.enter(realm)
      const seen = async () => (await all(realm))[0]?.seenAt.getTime()
      const first = await seen()
      assert.equal(await site.isSignedIn(realm, browser), true)
      assert.equal(await seen(), first)
      await site.admin.query(
        `update identity.session set seen_at = seen_at - interval '61 seconds' where tenant = $1`,
        [realm.tenant],
      )
      assert.equal(await site.isSignedIn(realm, browser), true)
      assert.ok(Number(await seen()) >= Number(first))
      const other = await site.with(SAFARI)
      other.steal(browser.cookies)
      assert.equal(await site.isSignedIn(realm, other), true)
      assert.equal((await all(realm))[0]?.device, 'Safari on iOS')
    })

    test('signing out ends the session, and a request that began before does not bring it back', async () => {
      const realm = await ownRealm()
      const { browser } = await site.enter(realm)
      const cookie = site.cookieOf(browser)
      const payload = await site.payloadOf(realm.tenant, cookie)
      const { sessions } = site.identity.parts
      const key = { tenant: realm.tenant, model: 'Session', id: cookie }
      await sessions.remove(key)
      assert.deepEqual(await all(realm), [])
      for (const id of [cookie, 'one-that-it-got-meanwhile']) {
        await sessions.put({ ...key, id }, { payload, seconds: 600 })
        assert.equal(await sessions.find({ ...key, id }), undefined)
      }
    })

    test('pages show every session once, and take cursors of sessions alone', async () => {
      const realm = await ownRealm()
      for (let count = 0; count < 3; count += 1) await site.enter(realm)
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await site.sessions.list(realm.tenant, { subject: ALICE, limit: 1, cursor })
        seen.push(...page.items.map(({ id }) => id))
        cursor = page.next
      } while (cursor !== undefined)
      assert.equal(new Set(seen).size, 3)
      assert.equal(seen.length, 3)
      const invalid = { code: 'invalid_argument' }
      for (const wrong of ['', 'x', '1.', "1.'; drop table", `1.${'a'.repeat(101)}`]) {
        await assert.rejects(site.sessions.list(realm.tenant, { limit: 1, cursor: wrong }), invalid)
      }
      for (const limit of [0, 501, 1.5, Number.NaN]) {
        await assert.rejects(site.sessions.list(realm.tenant, { limit }), invalid)
      }
    })

    test('names that nobody has are nobody, whatever is in them', async () => {
      const { tenant } = acme
      const before = (await all(acme)).length
      for (const name of ['', '\0', '%', "' or true --", '*', 'a'.repeat(5_000), '\u{d800}']) {
        assert.equal(await site.sessions.get(tenant, name), undefined)
        assert.equal(await site.sessions.endSession(tenant, name), false)
        const query = { subject: name, client: name, device: name, limit: 10 }
        assert.deepEqual((await site.sessions.list(tenant, query)).items, [])
      }
      assert.equal((await all(acme)).length, before)
    })
  })
}
