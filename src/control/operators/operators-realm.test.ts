import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject } from '../../core/names.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { type Revocable } from '../../revocation/revocation.ts'
import { SigningKey } from '../../tokens/signing-key.ts'
import type { Realms } from '../ports.ts'
import { isSamePerson, OperatorsRealm } from './operators-realm.ts'
import { ONE_FACTOR, OPERATORS_ISSUER, testOperatorsRealm } from './sign-in.test-support.ts'

const REFUSED = { code: 'not_authenticated' }
const AUDIENCE = 'urn:ringfence:control'

async function setUp(options: { readonly revokes?: (token: Revocable) => boolean } = {}) {
  const realm = await testOperatorsRealm()
  let now = 0
  let down = false
  let asked = 0
  const realms: Pick<Realms, 'ensure'> = {
    ensure: async () => {
      asked += 1
      if (down) throw new RingfenceError('engine_unavailable', 'away')
      return { issuer: OPERATORS_ISSUER, keys: [realm.key.publicJwk] }
    },
  }
  const { revokes } = options
  const people = new OperatorsRealm({
    realms,
    audience: AUDIENCE,
    now: () => now,
    ...(revokes === undefined ? {} : { revocations: { revokes } }),
  })
  return {
    realm,
    people,
    asked: () => asked,
    later: (ms: number) => {
      now += ms
    },
    fail: () => {
      down = true
    },
  }
}

describe('a person of the operators’ realm', () => {
  test('may do what its roles say, after a sign-in with two factors', async () => {
    const { realm, people } = await setUp()
    const actor = await people.authenticate(await realm.token('jane', ['approver']), 'r1')
    assert.equal(actor.name, 'person:jane')
    assert.equal(actor.person, 'jane')
    assert.deepEqual(actor.scopes, [
      'tenants:read',
      'leases:read',
      'support:read',
      'configuration:read',
      'approvals:write',
    ])
  })

  test('reads with one factor and does no more', async () => {
    const { realm, people } = await setUp()
    for (const acr of [ONE_FACTOR, 'urn:mace:incommon:iap:silver']) {
      const token = await realm.token('jane', ['operator', 'security'], { acr })
      const { scopes, signedIn } = await people.authenticate(token, 'r1')
      assert.deepEqual(scopes, [
        'tenants:read',
        'leases:read',
        'support:read',
        'configuration:read',
      ])
      assert.equal(signedIn?.twoFactors, false)
      assert.ok(signedIn?.beyond.includes('tenants:write'))
    }
  })

  test('without a role that we know may do nothing', async () => {
    const { realm, people } = await setUp()
    const token = await realm.token('jane', [], { access: { roles: ['admin', 'root'] } })
    assert.deepEqual((await people.authenticate(token, 'r1')).scopes, [])
  })
})

describe('a token is refused', () => {
  test('that is for somebody else, of another realm, of another key, expired or acting', async () => {
    const { realm, people } = await setUp()
    const stranger = await SigningKey.create('ES256')
    const acme = parseTenantId('acme')
    const wrong = [
      await realm.token('jane', ['security'], { audience: 'https://api.example.test' }),
      await realm.token('jane', ['security'], { issuer: 'https://id.example.test/realms/acme' }),
      await realm.token('jane', ['security'], { issuer: `${OPERATORS_ISSUER}/` }),
      await realm.token('jane', ['security'], { key: stranger }),
      await realm.token('jane', ['security'], { access: { tenant: acme } }),
      await realm.token('jane', ['security'], { seconds: -60 }),
      await realm.token('jane', ['security'], {
        access: { actor: { subject: parseSubject('mallory') } },
      }),
      await realm.token('jane', ['security'], { access: { boundTo: 'x'.repeat(43) } }),
      await realm.token('person:jane', ['security']),
      'e30.e30.e30',
    ]
    for (const token of wrong) {
      await assert.rejects(people.authenticate(token, 'r1'), {
        ...REFUSED,
        message: 'the operator’s access token is not valid',
      })
    }
  })

  test('that was revoked', async () => {
    const asked: Revocable[] = []
    const { realm, people } = await setUp({
      revokes: (token) => {
        asked.push(token)
        return token.session === 'session-of-jane'
      },
    })
    await assert.rejects(people.authenticate(await realm.token('jane', ['viewer']), 'r1'), REFUSED)
    await people.authenticate(await realm.token('erin', ['viewer']), 'r1')
    assert.deepEqual(
      asked.map(({ tenant, subject }) => `${tenant} ${subject}`),
      ['ringfence-operators jane', 'ringfence-operators erin'],
    )
  })

  test('while nobody knows what was revoked', async () => {
    const { realm, people } = await setUp({
      revokes: () => {
        throw new RingfenceError('engine_unavailable', 'not known')
      },
    })
    const token = await realm.token('jane', ['viewer'])
    await assert.rejects(people.authenticate(token, 'r1'), { code: 'engine_unavailable' })
  })
})

describe('the keys', () => {
  test('are asked for once, and anew when a token names one that is not known', async () => {
    const { realm, people, asked, later } = await setUp()
    await people.authenticate(await realm.token('jane', ['viewer']), 'r1')
    await people.authenticate(await realm.token('jane', ['viewer']), 'r1')
    assert.equal(asked(), 1)
    later(6_000)
    await realm.replaceKey()
    await people.authenticate(await realm.token('jane', ['viewer']), 'r1')
    assert.equal(asked(), 2)
  })

  test('are not asked for by everybody who makes up a key', async () => {
    const { realm, people, asked } = await setUp()
    await people.authenticate(await realm.token('jane', ['viewer']), 'r1')
    for (let n = 0; n < 20; n += 1) {
      const key = await SigningKey.create('ES256')
      await assert.rejects(
        people.authenticate(await realm.token('jane', ['viewer'], { key }), 'r1'),
        REFUSED,
      )
    }
    assert.equal(asked(), 1)
  })

  test('that were taken back are good for a minute at most', async () => {
    const { realm, people, later } = await setUp()
    const stolen = realm.key
    await people.authenticate(await realm.token('jane', ['viewer']), 'r1')
    await realm.replaceKey()
    later(60_000)
    await assert.rejects(
      people.authenticate(await realm.token('jane', ['viewer'], { key: stolen }), 'r1'),
      REFUSED,
    )
  })

  test('outlive the identity plane by minutes, and are not believed for ever', async () => {
    const { realm, people, later, fail } = await setUp()
    await people.authenticate(await realm.token('jane', ['viewer']), 'r1')
    fail()
    later(14 * 60_000)
    await people.authenticate(await realm.token('jane', ['viewer']), 'r1')
    later(60_000)
    await assert.rejects(people.authenticate(await realm.token('jane', ['viewer']), 'r1'), {
      code: 'engine_unavailable',
    })
  })
})

test('one person is known by every credential', () => {
  const jane = parseSubject('jane')
  assert.ok(isSamePerson({ name: 'person:jane', person: jane }, { name: 'ci', person: jane }))
  assert.ok(isSamePerson({ name: 'person:jane', person: jane }, { name: 'Jane' }))
  assert.ok(isSamePerson({ name: 'ci' }, { name: 'ci' }))
  assert.ok(!isSamePerson({ name: 'ci' }, { name: 'cd' }))
  assert.ok(!isSamePerson({ name: 'person:jane', person: jane }, { name: 'erin' }))
})
