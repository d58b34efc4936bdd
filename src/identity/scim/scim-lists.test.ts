import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import {
  filterText,
  filterTree,
  holds,
  type Person,
  persons,
} from './filter/filter-model.test-support.ts'
import { LOOKED_AT_MAX } from './resource/list-resources.ts'
import { type ScimSite, type ScimSource, startScimSite } from './scim-site.test-support.ts'

let site: ScimSite
let acme: ScimSource
const ids = new Map<string, Person>()
before(async () => {
  site = await startScimSite()
  acme = await site.source('acme')
  const blue = await site.source('blue')
  await site.directory.createAccount(blue.tenant, {
    userName: 'a',
    displayName: 'Blue',
    email: 'a@x.example',
  })
  for (const person of fc.sample(persons, { numRuns: 1, seed: 5 })[0] ?? []) {
    ids.set((await site.directory.createAccount(acme.tenant, person)).subject, person)
  }
})
after(() => site.stop())

const list = (query: Readonly<Record<string, string | number>>) => {
  const parameters = Object.entries(query).map(([name, value]): [string, string] => [
    name,
    String(value),
  ])
  return acme.ask(`/Users?${new URLSearchParams(parameters).toString()}`)
}
const idsOf = (resources: readonly Readonly<Record<string, unknown>>[]) =>
  resources.map(({ id }) => String(id))

test('a filter finds what it plainly means, whoever decides it', async () => {
  let found = 0
  await fc.assert(
    fc.asyncProperty(filterTree, async (tree) => {
      const expected = [...ids].filter(([, person]) => holds(tree, person)).map(([id]) => id)
      const { status, body } = await list({ filter: filterText(tree) })
      assert.equal(status, 200)
      assert.deepEqual(idsOf(body.Resources), expected.sort())
      assert.equal(body.totalResults, expected.length)
      found += expected.length
    }),
    { numRuns: 250 },
  )
  assert.ok(found > 500)
})

test('pages hold all, once, in one order', async () => {
  for (const query of [
    {},
    { sortBy: 'displayName' },
    { filter: 'active eq true or active eq false' },
  ]) {
    const seen: string[] = []
    for (let startIndex = 1; startIndex <= 25; startIndex += 7) {
      const { body } = await list({ ...query, startIndex, count: 7 })
      assert.equal(body.totalResults, 25)
      assert.equal(body['startIndex'], startIndex)
      assert.equal(body['itemsPerPage'], body.Resources.length)
      seen.push(...idsOf(body.Resources))
    }
    assert.deepEqual(seen.toSorted(), [...ids.keys()].sort())
  }
})

test('an order is that of the values, in both directions, and what has none comes last', async () => {
  for (const [sortOrder, sign] of [
    ['ascending', 1],
    ['descending', -1],
  ] as const) {
    const { body } = await list({ sortBy: 'name.givenName', sortOrder })
    const names = idsOf(body.Resources).map((id) => ids.get(id)?.givenName?.toLowerCase())
    const named = names.filter((name) => name !== undefined)
    assert.deepEqual(
      named,
      named.toSorted((a, b) => (a < b ? -sign : Number(a > b) * sign)),
    )
    assert.deepEqual(names.slice(named.length), Array(names.length - named.length).fill(undefined))
    assert.ok(named.length > 3 && named.length < 25)
  }
})

test('counts and indexes have limits, and odd ones are what the standard says', async () => {
  assert.equal((await list({ count: 0 })).body.totalResults, 25)
  assert.deepEqual((await list({ count: 0 })).body.Resources, [])
  assert.deepEqual((await list({ count: -3 })).body.Resources, [])
  assert.equal((await list({ startIndex: -9, count: 1 })).body['startIndex'], 1)
  assert.equal((await list({ count: 999_999_999 })).body.Resources.length, 25)
  assert.deepEqual((await list({ startIndex: 26 })).body.Resources, [])
  for (const query of [
    { count: 'all' },
    { startIndex: '1e3' },
    { count: '99999999999' },
    { sortOrder: 'up' },
  ]) {
    const { status, body } = await list(query)
    assert.equal(status, 400, JSON.stringify(query))
    assert.equal(body.scimType, 'invalidValue')
  }
  assert.equal((await list({ sortBy: 'tenant' })).body.scimType, 'invalidPath')
  assert.equal((await acme.ask('/Users?count=1&count=2')).status, 400)
})

test('attributes are shown as they are asked for', async () => {
  const [id = ''] = ids.keys()
  const keys = async (query: string) =>
    Object.keys((await acme.ask(`/Users/${id}?${query}`)).body).sort()
  assert.deepEqual(await keys('attributes=userName'), ['id', 'schemas', 'userName'])
  assert.deepEqual(await keys('attributes=USERNAME,tenant,constructor'), [
    'id',
    'schemas',
    'userName',
  ])
  assert.ok(!(await keys('excludedAttributes=meta,active,id')).includes('meta'))
  assert.ok((await keys('excludedAttributes=meta,active,id')).includes('id'))
  const part = await acme.ask(`/Users/${id}?attributes=meta.version`)
  assert.deepEqual(part.body['meta'], { version: 'W/"1"' })
  const searched = await acme.ask('/Users/.search', {
    method: 'POST',
    body: {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
      attributes: ['active'],
      filter: `id eq "${id}"`,
      count: 5,
    },
  })
  assert.deepEqual(Object.keys(searched.body.Resources[0] ?? {}).sort(), [
    'active',
    'id',
    'schemas',
  ])
  assert.equal((await acme.ask(`/Users/${id}?attributes=a&excludedAttributes=b`)).status, 400)
})

test('moments are compared as moments', async () => {
  const past = await list({ filter: 'meta.created gt "2020-01-01T00:00:00Z"' })
  assert.equal(past.body.totalResults, 25)
  const none = await list({ filter: 'meta.lastModified lt "2020-01-01T00:00:00+02:00"' })
  assert.equal(none.body.totalResults, 0)
})

test('what would need too many looks is refused; the directory decides without a limit', async () => {
  const large = await site.source('large')
  await site.admin.query(
    `insert into identity.account (tenant, subject, roles, scopes, user_name, user_name_folded)
     select 'large', 's' || n, '{}', '{}', 'n' || n, 'n' || n from generate_series(1, $1) as n`,
    [LOOKED_AT_MAX + 1],
  )
  const ask = (filter: string) => large.ask(`/Users?count=1&filter=${encodeURIComponent(filter)}`)
  assert.equal((await ask('active eq true')).body.scimType, 'tooMany')
  assert.equal((await large.ask('/Users?sortBy=userName')).body.scimType, 'tooMany')
  assert.equal((await ask('userName sw "n"')).body.totalResults, LOOKED_AT_MAX + 1)
  assert.equal((await ask('userName sw "n20" and active eq true')).status, 200)
})
