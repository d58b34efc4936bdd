import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  GROUP,
  patchOf,
  type ScimSite,
  type ScimSource,
  startScimSite,
} from './scim-site.test-support.ts'

let site: ScimSite
let acme: ScimSource
const users: string[] = []
before(async () => {
  site = await startScimSite()
  acme = await site.source('acme')
  for (const userName of ['u1', 'u2', 'u3', 'u4', 'u5', 'u6']) {
    users.push((await site.directory.createAccount(acme.tenant, { userName })).subject)
  }
})
after(() => site.stop())

const make = async (displayName: string, members: readonly string[], source = acme) => {
  const body = { schemas: [GROUP], displayName, members: members.map((value) => ({ value })) }
  return source.ask('/Groups', { method: 'POST', body })
}
const membersOf = async (id: string) => {
  const { body } = await acme.ask(`/Groups/${id}`)
  return ((body['members'] ?? []) as { value: string }[]).map(({ value }) => value)
}

test('a group is made with its members, shown, renamed and removed', async () => {
  const [one = '', two = ''] = users
  const made = await make('Ward', [one, two, one])
  assert.equal(made.status, 201)
  const { id } = made.body
  assert.deepEqual(
    made.body['members'],
    [one, two].sort().map((value) => ({ value, $ref: `${acme.url}/Users/${value}`, type: 'User' })),
  )
  const short = await acme.ask(`/Groups/${id}?excludedAttributes=members`)
  assert.equal(short.body['members'], undefined)
  const replaced = await acme.ask(`/Groups/${id}`, {
    method: 'PUT',
    body: { schemas: [GROUP], displayName: 'Ward 2', externalId: 'G-1' },
  })
  assert.equal(replaced.body['displayName'], 'Ward 2')
  assert.deepEqual(await membersOf(id), [], 'members that are not in the replacement are out')
  assert.equal((await acme.ask(`/Groups/${id}`, { method: 'DELETE' })).status, 204)
  assert.equal((await acme.ask(`/Groups/${id}`)).status, 404)
})

test('groups are found by name and by member', async () => {
  const [one = '', two = '', three = ''] = users
  const day = (await make('Day shift', [one, two])).body.id
  const night = (await make('Night shift', [two])).body.id
  const find = async (filter: string) => {
    const { body } = await acme.ask(`/Groups?filter=${encodeURIComponent(filter)}`)
    return body.Resources.map(({ id }) => id).sort()
  }
  assert.deepEqual(await find('displayName eq "DAY SHIFT"'), [day])
  assert.deepEqual(await find(`members[value eq "${two}"]`), [day, night].sort())
  assert.deepEqual(await find(`members eq "${one}" and displayName ew "shift"`), [day])
  assert.deepEqual(await find(`members.value eq "${three}"`), [])
  assert.deepEqual(await find(`members.value eq "${one}" and members.value eq "${two}"`), [day])
  assert.deepEqual(await find(`members[value eq "${one}" and value eq "${two}"]`), [])
  assert.deepEqual(await find(`members.value ne "${two}"`), [day])
  assert.deepEqual(await find(`members[value ne "${two}"]`), [day])
  assert.deepEqual(await find(`displayName co "shift" and not (members.value eq "${one}")`), [
    night,
  ])
})

test('members that are added at once by several requests are all in', async () => {
  const { id } = (await make('Crowd', [])).body
  const added = await Promise.all(
    users
      .slice(0, 4)
      .map((value) =>
        acme.ask(`/Groups/${id}`, patchOf({ op: 'add', path: 'members', value: [{ value }] })),
      ),
  )
  assert.deepEqual(
    added.map(({ status }) => status),
    [200, 200, 200, 200],
  )
  assert.deepEqual((await membersOf(id)).sort(), users.slice(0, 4).sort())
})

test('a member that is not there, is a group, or another tenant’s user is refused alike', async () => {
  const blue = await site.source('blue')
  const theirs = (await site.directory.createAccount(blue.tenant, { userName: 'u1' })).subject
  const group = (await make('Inner', [])).body.id
  const { id } = (await make('Outer', [])).body
  const answers = []
  for (const value of ['nobody-at-all', theirs, group, 'ü', 'x'.repeat(500)]) {
    const made = await make('Thieves', [value])
    const changed = await acme.ask(
      `/Groups/${id}`,
      patchOf({ op: 'add', path: 'members', value: [{ value }] }),
    )
    answers.push([made.status, made.text, changed.status, changed.text])
  }
  assert.equal(answers[0]?.[0], 400)
  for (const answer of answers) assert.deepEqual(answer, answers[0])
  assert.deepEqual(await membersOf(id), [])
})

test('a user who is removed is in no group any more', async () => {
  const [, , , , five = '', six = ''] = users
  const { id } = (await make('Last', [five, six])).body
  await acme.ask(`/Users/${five}`, { method: 'DELETE' })
  const { body, headers } = await acme.ask(`/Groups/${id}`)
  assert.deepEqual(
    (body['members'] as { value: string }[]).map(({ value }) => value),
    [six],
  )
  assert.equal(headers['etag'], 'W/"2"')
})
