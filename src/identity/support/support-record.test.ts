import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { parseSubject } from '../../core/names.ts'
import { type ShownSupport, termsDigest } from '../../core/support-terms.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { type Listening, listen } from '../../http/listen.ts'
import { verifyAccessToken } from '../../tokens/access-token.ts'
import { SigningKey } from '../../tokens/signing-key.ts'
import { KeySet } from '../../tokens/verify-token.ts'
import {
  ADMIN_AUDIENCE,
  AUDIENCE,
  BASE,
  CONTROL,
  CONTROL_KEY,
  type IdentitySite,
  startIdentitySite,
} from '../identity-site.test-support.ts'
import { type Operators, openOperators } from '../operators/open-operators.ts'
import { remoteSupport } from './support-admin.ts'
import { TENANT_ADMIN_ROLE } from './support-record.ts'

const acme = parseTenantId('acme')
const beta = parseTenantId('beta')
const alice = parseSubject('alice')
const bob = parseSubject('bob')

let site: IdentitySite
let operators: Operators
let door: Listening
let desk: ReturnType<typeof remoteSupport>

before(async () => {
  site = await startIdentitySite({
    mount: (parts) => {
      const links = { invite: () => Promise.resolve() }
      operators = openOperators({ ...parts, links, audience: AUDIENCE })
      return { admin: operators.admin }
    },
  })
  const { realms, admin } = site.identity
  for (const tenant of [acme, beta]) {
    await realms.ensure(tenant, tenant)
    await realms.putUser(tenant, alice, { roles: [TENANT_ADMIN_ROLE], scopes: [] })
    await realms.putUser(tenant, bob, { roles: ['nurse'], scopes: [] })
  }
  door = await listen(admin.fetch, { socket: join(site.directory, 'admin.sock') })
  desk = remoteSupport({
    address: door.url,
    audience: ADMIN_AUDIENCE,
    client: CONTROL,
    key: CONTROL_KEY,
  })
})
after(async () => {
  await door?.close()
  await site?.stop()
})
beforeEach(() => {
  site.revocations.length = 0
})

let made = 0
/** An access as the control plane shows it. */
function access(more: Partial<ShownSupport> = {}): ShownSupport {
  made += 1
  return {
    id: `support-${made}`,
    tenant: acme,
    operator: 'otto',
    scope: 'read',
    seconds: 1_800,
    reason: 'ticket 4711',
    policy: 'consent-and-second-person',
    state: 'approved',
    requestedAt: new Date(),
    decideBy: new Date(Date.now() + 3_600_000),
    endsAt: undefined,
    changes: [
      { at: new Date(), from: undefined, to: 'requested', by: 'person:otto', why: 'ticket 4711' },
    ],
    revision: 1,
    ...more,
  }
}

const activated = (shown: ShownSupport, seconds = 1_800): ShownSupport => ({
  ...shown,
  state: 'active',
  endsAt: new Date(Date.now() + seconds * 1000),
  revision: shown.revision + 1,
})

async function shown(more: Partial<ShownSupport> = {}): Promise<ShownSupport> {
  const one = access(more)
  await desk.show(one)
  return one
}

describe('a tenant’s own record', () => {
  test('shows what the control plane showed, to this tenant and to no other', async () => {
    const one = await shown()
    const [newest] = await operators.record.list(acme)
    assert.deepEqual(newest, { ...one, said: [] })
    assert.ok(!(await operators.record.list(beta)).some(({ id }) => id === one.id))
  })

  test('goes on with newer revisions alone, and never changes what was asked for', async () => {
    const one = await shown()
    await desk.show({ ...one, state: 'expired', revision: 3 })
    await desk.show({ ...one, state: 'active', revision: 2 })
    assert.equal((await operators.record.list(acme))[0]?.state, 'expired')
    await assert.rejects(desk.show({ ...one, seconds: 14_400, revision: 4 }), { code: 'conflict' })
    assert.equal((await operators.record.list(acme))[0]?.seconds, 1_800)
  })

  test('is of realms that there are', async () => {
    await assert.rejects(shown({ tenant: parseTenantId('absent') }), { code: 'not_found' })
  })

  test('is written by the control plane alone', async () => {
    const other = remoteSupport({
      address: door.url,
      audience: ADMIN_AUDIENCE,
      client: CONTROL,
      key: await SigningKey.create('ES256'),
    })
    await assert.rejects(other.show(access()), { code: 'not_authenticated' })
    await assert.rejects(other.decisions(acme), { code: 'not_authenticated' })
  })
})

describe('a tenant’s administrator', () => {
  test('agrees to the terms that are shown, once, and the control plane hears of it', async () => {
    const one = await shown()
    await operators.record.consent(acme, one.id, alice)
    await operators.record.consent(acme, one.id, alice)
    const said = (await desk.decisions(acme)).filter(({ access: id }) => id === one.id)
    assert.deepEqual(
      said.map(({ kind, by, digest }) => [kind, by, digest]),
      [['consent', 'alice', termsDigest(one)]],
    )
    assert.deepEqual(site.revocations, [])
  })

  test('takes back what it agreed to, and all that was issued is void at once', async () => {
    const one = await shown()
    await operators.record.consent(acme, one.id, alice)
    await desk.show(activated(one))
    await operators.record.revoke(acme, one.id, alice)
    assert.deepEqual(
      site.revocations.map(({ at: _at, ...what }) => what),
      [{ kind: 'session', tenant: acme, id: one.id }],
    )
    // The control plane has not heard of it yet, and still calls it active.
    await assert.rejects(desk.issue(acme, one.id, 300), { code: 'conflict' })
  })

  test('refuses, and is not asked to agree again', async () => {
    const one = await shown()
    await operators.record.deny(acme, one.id, alice)
    await assert.rejects(operators.record.consent(acme, one.id, alice), { code: 'conflict' })
    const [seen] = await operators.support.list(acme)
    assert.deepEqual([seen?.state, seen?.awaitsConsent], ['denied', false])
  })

  test('is nobody at another tenant, and nobody else is one', async () => {
    const one = await shown()
    await assert.rejects(operators.record.consent(acme, one.id, bob), { code: 'forbidden' })
    await assert.rejects(operators.record.consent(beta, one.id, alice), { code: 'not_found' })
    await assert.rejects(operators.record.revoke(beta, one.id, alice), { code: 'not_found' })
    assert.equal(await operators.record.mayDecide(acme, bob), false)
    assert.equal(await operators.record.mayDecide(acme, parseSubject('nobody')), false)
  })

  test('says nothing any more to what is over, or past its time', async () => {
    const over = await shown({ state: 'expired' })
    const late = await shown({ decideBy: new Date(Date.now() - 1_000) })
    for (const { id } of [over, late]) {
      await assert.rejects(operators.record.consent(acme, id, alice), { code: 'conflict' })
    }
    const asksNobody = await shown({ policy: 'second-person', state: 'requested' })
    await assert.rejects(operators.record.consent(acme, asksNobody.id, alice), { code: 'conflict' })
  })

  test('is asked on its pages until it has answered', async () => {
    const one = await shown({ state: 'requested' })
    const seen = async () => (await operators.support.list(acme)).find(({ id }) => id === one.id)
    assert.deepEqual([(await seen())?.state, (await seen())?.awaitsConsent], ['requested', true])
    await operators.support.consent(acme, one.id, alice)
    assert.deepEqual([(await seen())?.state, (await seen())?.awaitsConsent], ['approved', false])
  })
})

describe('a token for an access', () => {
  test('is of the tenant’s realm, of the operator, for its scope and time, and names the access', async () => {
    const one = await shown()
    await operators.record.consent(acme, one.id, alice)
    await desk.show(activated(one, 120))
    const { token, expiresAt } = await desk.issue(acme, one.id, 300)
    const keys = new KeySet(await site.identity.parts.keys.verifying(acme))
    const realm = { issuer: `${BASE}/realms/acme`, audience: AUDIENCE }
    const seen = await verifyAccessToken(token, keys, realm)
    assert.deepEqual(
      [seen.tenant, seen.subject, seen.scopes, seen.session, seen.actor?.subject],
      [acme, 'support:otto', ['read'], one.id, 'otto'],
    )
    assert.ok(seen.expiresAt.getTime() <= Date.now() + 120_000)
    assert.ok(Math.abs(seen.expiresAt.getTime() - expiresAt.getTime()) <= 1_000)
  })

  test('is not issued without the tenant’s own word, whatever the control plane says', async () => {
    const one = await shown()
    await desk.show(activated(one))
    await assert.rejects(desk.issue(acme, one.id, 300), { code: 'conflict' })
    const narrow = await shown({ policy: 'second-person', state: 'requested' })
    await desk.show(activated(narrow))
    await desk.issue(acme, narrow.id, 300)
  })

  test('is not issued before the access is active, after its end, at another tenant or a closed realm', async () => {
    const one = await shown({ policy: 'second-person', state: 'requested' })
    await assert.rejects(desk.issue(acme, one.id, 300), { code: 'conflict' })
    await desk.show(activated(one, 0))
    await assert.rejects(desk.issue(acme, one.id, 300), { code: 'conflict' })
    const other = await shown({ policy: 'second-person', state: 'requested' })
    await desk.show(activated(other))
    await assert.rejects(desk.issue(beta, other.id, 300), { code: 'not_found' })
    await site.identity.realms.setOpen(acme, false)
    await assert.rejects(desk.issue(acme, other.id, 300), { code: 'not_found' })
    await site.identity.realms.setOpen(acme, true)
  })
})
