import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ScimSite, sourceOf, startScimSite } from '../scim-site.test-support.ts'

let site: ScimSite
before(async () => {
  site = await startScimSite()
})
after(() => site.stop())

const refusal = (code: string) => ({ name: 'RingfenceError', code })

test('a token is told once, kept as a hash, and listed without it', async () => {
  const tenant = await site.realm('told')
  const made = await site.administration.create(tenant, { name: 'Entra ID', days: 30 })
  assert.match(made.secret, /^rfs_[A-Za-z0-9_-]{43}$/)
  const { secret, ...listed } = made
  assert.deepEqual(await site.administration.list(tenant), [listed])
  assert.equal(Math.round((made.expiresAt.getTime() - made.madeAt.getTime()) / 86_400_000), 30)
  const { rows } = await site.admin.query('select * from identity.scim_token')
  assert.ok(!JSON.stringify(rows).includes(secret))
})

test('a token that is used says so, to the minute', async () => {
  const source = await site.source('used')
  const lastUsed = async () => (await site.administration.list(source.tenant))[0]?.lastUsedAt
  assert.equal(await lastUsed(), undefined)
  await Promise.all([source.ask('/Users'), source.ask('/Groups')])
  assert.equal(
    (await lastUsed())?.getTime(),
    Math.trunc(((await lastUsed())?.getTime() ?? 1) / 60_000) * 60_000,
  )
})

test('after a rotation both tokens work, and the one before ends with the overlap', async () => {
  const source = await site.source('rotated', { emailsVerified: true, name: 'Okta' })
  const [before] = await site.administration.list(source.tenant)
  const next = await site.administration.rotate(source.tenant, before?.id ?? '', 3_600)
  assert.equal(next.name, 'Okta')
  assert.equal(next.emailsVerified, true)
  assert.equal((await source.ask('/Users')).status, 200)
  assert.equal((await sourceOf(site.url, source.tenant, next.secret).ask('/Users')).status, 200)
  const left = (await site.administration.list(source.tenant)).find(({ id }) => id === before?.id)
  assert.ok((left?.expiresAt.getTime() ?? 0) < Date.now() + 3_600_000)
  assert.ok(next.expiresAt > (left?.expiresAt ?? next.expiresAt))
  const last = await site.administration.rotate(source.tenant, next.id, 0)
  assert.equal((await sourceOf(site.url, source.tenant, next.secret).ask('/Users')).status, 401)
  assert.equal((await sourceOf(site.url, source.tenant, last.secret).ask('/Users')).status, 200)
  await assert.rejects(site.administration.rotate(source.tenant, next.id), refusal('not_found'))
})

test('a rotation never makes the token before live longer', async () => {
  const source = await site.source('short')
  const [before] = await site.administration.list(source.tenant)
  await site.admin.query(
    `update identity.scim_token set expires_at = now() + interval '1 minute' where id = $1`,
    [before?.id],
  )
  await site.administration.rotate(source.tenant, before?.id ?? '')
  const left = (await site.administration.list(source.tenant)).find(({ id }) => id === before?.id)
  assert.ok((left?.expiresAt.getTime() ?? 0) < Date.now() + 120_000)
})

test('a revoked token opens nothing, and other realms cannot revoke, rotate or see it', async () => {
  const source = await site.source('mine')
  const other = await site.source('other')
  const [token] = await site.administration.list(source.tenant)
  const id = token?.id ?? ''
  await assert.rejects(site.administration.revoke(other.tenant, id), refusal('not_found'))
  await assert.rejects(site.administration.rotate(other.tenant, id), refusal('not_found'))
  assert.ok(!(await site.administration.list(other.tenant)).some((one) => one.id === id))
  assert.equal((await source.ask('/Users')).status, 200)
  await site.administration.revoke(source.tenant, id)
  assert.equal((await source.ask('/Users')).status, 401)
  await assert.rejects(site.administration.revoke(source.tenant, id), refusal('not_found'))
})

test('what a token may be has limits, and so has their number', async () => {
  const tenant = await site.realm('limits')
  const create = (token: Parameters<typeof site.administration.create>[1]) =>
    site.administration.create(tenant, token)
  for (const token of [
    { name: '' },
    { name: ' ' },
    { name: 'a\nb' },
    { name: 'x'.repeat(101) },
    { name: 'x', days: 0 },
    { name: 'x', days: 367 },
    { name: 'x', days: 0.5 },
  ]) {
    await assert.rejects(create(token), refusal('invalid_argument'))
  }
  for (const seconds of [-1, Number.NaN, 8 * 86_400]) {
    await assert.rejects(
      site.administration.rotate(tenant, 'x', seconds),
      refusal('invalid_argument'),
    )
  }
  await Promise.all(Array.from({ length: 20 }, (_, n) => create({ name: `n${n}` })))
  await assert.rejects(create({ name: 'one more' }), refusal('conflict'))
  await assert.rejects(
    site.administration.create('nowhere' as typeof tenant, { name: 'x' }),
    refusal('not_found'),
  )
})

test('tokens that ended long ago are forgotten, and none that works', async () => {
  const source = await site.source('swept')
  const old = await site.administration.create(source.tenant, { name: 'old' })
  const ended = await site.administration.create(source.tenant, { name: 'ended' })
  for (const [id, days] of [
    [old.id, 31],
    [ended.id, 29],
  ] as const) {
    await site.admin.query(
      'update identity.scim_token set expires_at = now() - make_interval(days => $2) where id = $1',
      [id, days],
    )
  }
  await site.administration.forgetExpired()
  const left = (await site.administration.list(source.tenant)).map(({ name }) => name)
  assert.deepEqual(left.sort(), ['ended', 'source'])
})

test('with its realm, a token is gone', async () => {
  const source = await site.source('leaving')
  await site.admin.query(`delete from identity.realm where tenant = 'leaving'`)
  assert.equal((await source.ask('/Users')).status, 401)
  assert.deepEqual(await site.administration.list(source.tenant), [])
})
