import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { call } from '../../http/call.ts'
import {
  GROUP,
  patchOf,
  type ScimSite,
  type ScimSource,
  sourceOf,
  startScimSite,
  USER,
} from './scim-site.test-support.ts'
import { endingAccess } from '../directory/end-access.ts'
import { PostgresDirectory } from '../directory/postgres-directory.ts'
import { authenticateClient } from './tokens/authenticate-client.ts'

let site: ScimSite
let acme: ScimSource
let blue: ScimSource
let victim: string
let crew: string
before(async () => {
  site = await startScimSite()
  acme = await site.source('acme')
  blue = await site.source('blue')
  const account = { userName: 'canary-user', displayName: 'Canary', email: 'canary@blue.example' }
  victim = (await site.directory.createAccount(blue.tenant, account)).subject
  crew = (await site.directory.createGroup(blue.tenant, { displayName: 'Canary crew' })).id
})
after(() => site.stop())

const stateOfBlue = async () => {
  const { rows } = await site.admin.query(
    `select (select json_agg(a order by subject) from identity.account a where tenant = 'blue') as accounts,
       (select json_agg(g order by id) from identity.user_group g where tenant = 'blue') as groups`,
  )
  return JSON.stringify(rows)
}

test('ids of another tenant are as absent as random ones, whatever is asked', async () => {
  // The owner can do each of these.
  assert.equal((await blue.ask(`/Users/${victim}`)).status, 200)
  assert.equal((await blue.ask(`/Groups/${crew}`)).status, 200)
  const before = await stateOfBlue()
  const published = (await site.published()).length
  const asks = [
    {},
    { headers: { 'if-none-match': '*' } },
    { method: 'PUT', body: { schemas: [USER, GROUP], userName: 'x', displayName: 'x' } },
    { method: 'PUT', body: { userName: 'x', displayName: 'x' }, headers: { 'if-match': '*' } },
    patchOf({ op: 'replace', value: { displayName: 'x' } }),
    { method: 'DELETE' },
    { method: 'DELETE', headers: { 'if-match': 'W/"1"' } },
  ] as const
  for (const [theirs, random] of [
    [`/Users/${victim}`, '/Users/AAAAAAAAAAAAAAAAAAAAAA'],
    [`/Groups/${crew}`, '/Groups/AAAAAAAAAAAAAAAAAAAAAA'],
  ] as const) {
    for (const asked of asks) {
      const [one, other] = [await acme.ask(theirs, asked), await acme.ask(random, asked)]
      assert.equal(one.status, 404)
      assert.deepEqual([one.status, one.text], [other.status, other.text])
    }
  }
  assert.equal(await stateOfBlue(), before)
  assert.equal((await site.published()).length, published)
})

test('no filter, order or search shows another tenant', async () => {
  for (const filter of [
    'userName co "canary"',
    'not (userName eq "x")',
    `id eq "${victim}"`,
    'userName eq "x" or displayName co "Canary"',
    "externalId eq \"x' or tenant = 'blue' --\"",
    'displayName sw "%"',
    'emails ew "blue.example"',
  ]) {
    for (const kind of ['/Users', '/Groups']) {
      const query = filter.replace(/userName|emails/g, (name) =>
        kind === '/Groups' ? 'displayName' : name,
      )
      const { status, text } = await acme.ask(
        `${kind}?filter=${encodeURIComponent(query)}&sortBy=id`,
      )
      assert.equal(status, 200)
      assert.ok(!/canary/i.test(text) && !text.includes(victim))
    }
  }
})

test('a token of another realm, a random one, an ended one and none are one answer after one query', async () => {
  const ended = await site.administration.create(acme.tenant, { name: 'ended' })
  await site.administration.revoke(acme.tenant, ended.id)
  const expired = await site.administration.create(acme.tenant, { name: 'expired' })
  await site.admin.query('update identity.scim_token set expires_at = now() where id = $1', [
    expired.id,
  ])
  const answers = []
  const random = `rfs_${'A'.repeat(43)}`
  for (const authorization of [
    `Bearer ${blue.secret}`,
    `Bearer ${random}`,
    `Bearer ${ended.secret}`,
    `Bearer ${expired.secret}`,
    `Bearer ${acme.secret.slice(0, -1)}`,
    `Bearer ${acme.secret} ${acme.secret}`,
    `Basic ${acme.secret}`,
    acme.secret,
    'Bearer',
    '',
  ]) {
    let queries = 0
    await authenticateClient(
      { query: (sql, values) => ((queries += 1), site.database.query(sql, values)) },
      acme.tenant,
      authorization,
    )
    assert.equal(queries, 1)
    const { status, text, headers } = await acme.ask('/Users', { headers: { authorization } })
    answers.push([status, text, headers['www-authenticate']])
  }
  assert.equal(answers[0]?.[0], 401)
  for (const answer of answers) assert.deepEqual(answer, answers[0])
  // Also where there is no such path, and of discovery: who is not known learns nothing.
  for (const path of ['/ServiceProviderConfig', '/Schemas', '/nowhere', '']) {
    const { status } = await acme.ask(path, { headers: { authorization: `Bearer ${blue.secret}` } })
    assert.equal(status, 401)
  }
  assert.equal(
    (await acme.ask('/Users', { headers: { authorization: `bearer ${acme.secret}` } })).status,
    200,
  )
})

test('a token opens nothing in a realm that is closed', async () => {
  const closed = await site.source('closed')
  assert.equal((await closed.ask('/Users')).status, 200)
  await site.admin.query(`update identity.realm set open = false where tenant = 'closed'`)
  assert.equal((await closed.ask('/Users')).status, 401)
})

test('a token that asks too often is told to wait, and no other with it', async () => {
  const limited = await startScimSite({ requestsPerMinute: 3 })
  try {
    const one = await limited.source('one')
    const two = await limited.source('two')
    const statuses = []
    for (let n = 0; n < 5; n += 1) statuses.push((await one.ask('/Users')).status)
    assert.deepEqual(statuses, [200, 200, 200, 429, 429])
    assert.match(String((await one.ask('/Users')).headers['retry-after']), /^\d+$/)
    assert.equal((await two.ask('/Users')).status, 200)
    const second = await limited.administration.create(one.tenant, { name: 'second' })
    assert.equal((await sourceOf(limited.url, one.tenant, second.secret).ask('/Users')).status, 200)
  } finally {
    await limited.stop()
  }
})

test('who cannot be shut out stays in, and the client is told that it did not work', async () => {
  let broken = false
  const part = await startScimSite()
  const publisher = {
    publish: (...of: Parameters<typeof part.publisher.publish>) =>
      broken ? Promise.reject(new Error('planted-secret-80')) : part.publisher.publish(...of),
  }
  const directory = new PostgresDirectory({
    database: part.database,
    endAccess: endingAccess(publisher),
  })
  const site = await startScimSite({ directory, database: part.database })
  try {
    const tenant = await part.realm('part')
    const { secret } = await part.administration.create(tenant, { name: 'source' })
    const { subject } = await directory.createAccount(tenant, { userName: 'stays' })
    const source = sourceOf(site.url, tenant, secret)
    broken = true
    for (const asked of [
      patchOf({ op: 'replace', value: { active: false } }),
      { method: 'DELETE' } as const,
    ]) {
      const { status, text } = await source.ask(`/Users/${subject}`, asked)
      assert.equal(status, 503)
      assert.ok(!text.includes('planted'))
    }
    assert.equal((await directory.account(tenant, subject))?.active, true)
    assert.ok(site.logged.some((line) => line.includes('engine_unavailable')))
  } finally {
    await site.stop()
    await part.stop()
  }
})

test('paths that climb, repeat or are no text lead nowhere', async () => {
  for (const [path, status] of [
    ['/Users/..%2fGroups', 404],
    [`/Users/${victim}/x`, 404],
    ['/Users/%ff', 404],
    ['/Users/%00', 404],
    ['/users', 404],
    ['/Users//', 404],
    ['/Users/', 200],
    ['/Schemas/urn:ietf:params:scim:schemas:core:2.0:User', 200],
    ['/Schemas/nothing', 404],
    ['/ServiceProviderConfig/x', 404],
    ['/Me', 501],
    ['/Bulk', 501],
    ['/.search', 501],
  ] as const) {
    const { status: was, body } = await acme.ask(path)
    assert.equal(was, status, path)
    if (status !== 200) assert.equal(body['status'], String(status))
  }
  for (const path of ['/scim/v2x/Users', '/scim/v1/Users', '/scim']) {
    const { status } = await call(site.url, { method: 'GET', path: `/realms/acme${path}` })
    assert.equal(status, 418, 'it is somebody else’s')
  }
})

test('methods and bodies that are not taken are refused', async () => {
  assert.equal((await acme.ask('/Users', { method: 'DELETE' })).headers['allow'], 'GET, POST')
  assert.equal((await acme.ask('/Schemas', { method: 'POST' })).status, 405)
  assert.equal((await acme.ask(`/Users/${victim}`, { method: 'POST', body: {} })).status, 405)
  const post = (text: string, type = 'application/scim+json') =>
    acme.ask('/Users', { method: 'POST', text, headers: { 'content-type': type } })
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=utf-16',
  ]) {
    assert.equal((await post('{}', type)).status, 415)
  }
  for (const text of ['', '{', 'null', '"x"', '[]', '['.repeat(100_000)]) {
    const { status, body } = await post(text)
    assert.equal(status, 400)
    assert.equal(body.scimType, 'invalidSyntax')
  }
  const long = await post(`{"userName":"${'x'.repeat(2 * 1024 * 1024)}"}`)
  assert.equal(long.status, 413)
  assert.equal(long.headers['connection'], 'close')
})

test('the log names the token and the path, and nobody’s name', async () => {
  site.logged.length = 0
  await acme.ask(`/Users?filter=${encodeURIComponent('userName eq "planted-name"')}`)
  const record = JSON.parse(site.logged[0] ?? '') as Record<string, unknown>
  assert.equal(record['path'], '/scim/v2/Users')
  assert.equal(record['tenant'], 'acme')
  assert.ok(!site.logged.join().includes('planted-name'))
  assert.ok(!site.logged.join().includes(acme.secret))
})
