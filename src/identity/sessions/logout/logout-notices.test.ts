import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { TenantId } from '../../../core/tenant.ts'
import {
  type DirectorySite,
  startDirectorySite,
} from '../../directory/directory-site.test-support.ts'
import { type LogoutNotice, LogoutNotices } from './logout-notices.ts'

const ATTEMPTS_MAX = 10
let site: DirectorySite
let acme: TenantId
let globex: TenantId
before(async () => {
  site = await startDirectorySite()
  acme = await site.realm('acme')
  globex = await site.realm('globex')
})
after(() => site.stop())

const enter = (tenant: TenantId, client: string, count = 1) =>
  site.admin.query(
    `insert into identity.logout_notice (tenant, client, subject, sid)
     select $1, $2, 'alice', 'sid-' || n from generate_series(1, $3::int) n`,
    [tenant, client, count],
  )
const allDue = () => site.admin.query('update identity.logout_notice set due_at = now()')
const left = async () => {
  const { rows } = await site.admin.query<{ client: string }>(
    'select client from identity.logout_notice order by client',
  )
  return rows.map(({ client }) => client)
}

test('what was taken is gone, what was not waits for its next turn', async () => {
  const told: LogoutNotice[] = []
  const notices = new LogoutNotices(site.database, async (notice) => {
    told.push(notice)
    if (notice.client === 'refuses') throw new Error('503')
  })
  await enter(acme, 'refuses')
  await enter(acme, 'takes')
  assert.equal(await notices.round(), false)
  assert.deepEqual(await left(), ['refuses'])
  await notices.round()
  assert.equal(told.length, 2)
  assert.deepEqual(
    told.find(({ client }) => client === 'takes'),
    {
      tenant: 'acme',
      client: 'takes',
      subject: 'alice',
      sid: 'sid-1',
    },
  )
  for (let attempt = 2; attempt <= ATTEMPTS_MAX; attempt += 1) {
    assert.deepEqual(await left(), ['refuses'])
    await allDue()
    await notices.round()
  }
  assert.deepEqual(await left(), [])
  assert.equal(told.length, ATTEMPTS_MAX + 1)
})

test('those that fail wait behind others, however many they are', async () => {
  const notices = new LogoutNotices(site.database, async ({ client }) => {
    if (client === 'refuses') throw new Error('503')
  })
  await enter(acme, 'refuses', 60)
  while (await notices.round());
  await allDue()
  await enter(globex, 'takes')
  await notices.round()
  assert.ok(!(await left()).includes('takes'))
  await site.admin.query('delete from identity.logout_notice')
})

test('several processes tell nobody twice at once, and leave nobody out', async () => {
  const told: string[] = []
  const one = () =>
    new LogoutNotices(site.database, async ({ sid }) => {
      told.push(sid)
    })
  await enter(acme, 'app', 70)
  await Promise.all(
    [one(), one(), one()].map(async (notices) => {
      while ((await left()).length > 0) await notices.round()
    }),
  )
  assert.equal(told.length, 70)
  assert.equal(new Set(told).size, 70)
})
