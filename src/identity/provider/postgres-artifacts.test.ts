import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { parseSubject } from '../../core/names.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { type IdentitySite, startIdentitySite } from '../identity-site.test-support.ts'
import type { ArtifactsOf } from './artifact-store.ts'
import type { PostgresArtifacts } from './postgres-artifacts.ts'

const [ACME, GLOBEX] = [parseTenantId('acme'), parseTenantId('globex')]

let site: IdentitySite
let artifacts: PostgresArtifacts
before(async () => {
  site = await startIdentitySite()
  for (const tenant of [ACME, GLOBEX]) await site.identity.realms.ensure(tenant, tenant)
  ;({ artifacts } = site.identity.parts)
})
after(() => site.stop())

const key = (tenant: typeof ACME, model: string, id: string) => ({ tenant, model, id })

describe('an artifact', () => {
  test('of one realm is not found, used, removed or replaced by the other realm', async () => {
    for (const model of ['Session', 'RefreshToken', 'DeviceCode', 'Grant', 'Interaction']) {
      const [mine, theirs] = [key(ACME, model, 'same-id'), key(GLOBEX, model, 'same-id')]
      const payload = { accountId: 'alice', uid: 'same-uid', userCode: undefined }
      await artifacts.put(mine, { payload, seconds: 60 })
      assert.equal(await artifacts.find(theirs), undefined)
      assert.equal(await artifacts.findByUid(GLOBEX, model, 'same-uid'), undefined)
      assert.equal(await artifacts.consume(theirs), false)
      await artifacts.remove(theirs)
      await artifacts.put(theirs, { payload: { accountId: 'mallory' }, seconds: 60 })
      const found = await artifacts.find(mine)
      assert.deepEqual([found?.accountId, found?.consumed], ['alice', undefined])
    }
  })

  test('is used by one of all who try at once', async () => {
    const code = key(ACME, 'AuthorizationCode', 'once')
    await artifacts.put(code, { payload: { grantId: 'g' }, seconds: 60 })
    const tries = await Promise.all(Array.from({ length: 20 }, () => artifacts.consume(code)))
    assert.equal(tries.filter(Boolean).length, 1)
    assert.ok((await artifacts.find(code))?.consumed !== undefined)
  })

  test('that may be entered once is entered once, and again when its time was over', async () => {
    const proof = key(ACME, 'ReplayDetection', 'jti')
    const enter = (seconds: number) => artifacts.putFirst(proof, { payload: {}, seconds })
    const tries = await Promise.all(Array.from({ length: 20 }, () => enter(60)))
    assert.equal(tries.filter(Boolean).length, 1)
    await site.admin.query(`update identity.artifact set expires_at = now() - interval '1 s'`)
    assert.equal(await enter(60), true)
  })

  test('is gone when its time is over, before anybody has swept', async () => {
    const session = key(ACME, 'Session', 'short')
    await artifacts.put(session, { payload: { uid: 'short-uid' }, seconds: 60 })
    await site.admin.query(`update identity.artifact set expires_at = now() - interval '1 s'`)
    assert.equal(await artifacts.find(session), undefined)
    assert.equal(await artifacts.findByUid(ACME, 'Session', 'short-uid'), undefined)
    await site.identity.maintain()
    const { rows } = await site.admin.query('select from identity.artifact')
    assert.equal(rows.length, 0)
  })
})

describe('ending', () => {
  const alice = parseSubject('alice')
  const cases: readonly (readonly [ArtifactsOf, readonly string[]])[] = [
    [{ kind: 'subject', subject: alice }, ['bob']],
    [{ kind: 'client', client: 'app' }, ['bob']],
    [{ kind: 'tenant' }, []],
  ]
  for (const [of, left] of cases) {
    test(`by ${of.kind} ends those, no other’s, and leaves what was used once used`, async () => {
      for (const tenant of [ACME, GLOBEX]) {
        const mine = { accountId: 'alice', clientId: 'app' }
        const others = { accountId: 'bob', clientId: 'other' }
        await artifacts.put(key(tenant, 'Session', 'a'), { payload: mine, seconds: 60 })
        await artifacts.put(key(tenant, 'RefreshToken', 'b'), { payload: mine, seconds: 60 })
        await artifacts.put(key(tenant, 'RefreshToken', 'c'), { payload: others, seconds: 60 })
        await artifacts.put(key(tenant, 'ReplayDetection', 'd'), { payload: mine, seconds: 60 })
      }
      await site.identity.parts.database.transaction((rows) => artifacts.end(rows, ACME, of))
      const subjects = async (tenant: string) => {
        const { rows } = await site.admin.query<{ subject: string; model: string }>(
          'select subject, model from identity.artifact where tenant = $1 order by subject',
          [tenant],
        )
        assert.ok(rows.some(({ model }) => model === 'ReplayDetection'))
        return rows.filter(({ model }) => model !== 'ReplayDetection').map(({ subject }) => subject)
      }
      assert.deepEqual(await subjects(ACME), left)
      assert.deepEqual(await subjects(GLOBEX), ['alice', 'alice', 'bob'])
    })
  }
})
