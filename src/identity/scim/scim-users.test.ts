import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseSubject } from '../../core/names.ts'
import {
  patchOf,
  type ScimSite,
  type ScimSource,
  startScimSite,
  USER,
} from './scim-site.test-support.ts'

let site: ScimSite
let acme: ScimSource
before(async () => {
  site = await startScimSite()
  acme = await site.source('acme')
})
after(() => site.stop())

const make = async (userName: string, more: Readonly<Record<string, unknown>> = {}) => {
  const made = await acme.ask('/Users', {
    method: 'POST',
    body: { schemas: [USER], userName, ...more },
  })
  assert.equal(made.status, 201, made.text)
  return made.body
}

test('a user is made, read, replaced and removed', async () => {
  const made = await acme.ask('/Users', {
    method: 'POST',
    body: {
      schemas: [USER],
      userName: 'ana',
      externalId: 'E-1',
      displayName: 'Ana A',
      name: { givenName: 'Ana', familyName: 'A' },
      emails: [{ value: 'ana@acme.example', type: 'work', primary: true }],
    },
  })
  assert.equal(made.status, 201)
  const { id } = made.body
  assert.equal(made.headers['content-type'], 'application/scim+json; charset=utf-8')
  assert.equal(made.headers['location'], `${acme.url}/Users/${id}`)
  assert.equal(made.headers['etag'], 'W/"1"')
  const read = await acme.ask(`/Users/${id}`)
  assert.deepEqual(read.body, made.body)
  const { meta, ...shown } = read.body
  assert.deepEqual(shown, {
    schemas: [USER],
    id,
    userName: 'ana',
    externalId: 'E-1',
    displayName: 'Ana A',
    name: { givenName: 'Ana', familyName: 'A' },
    emails: [{ value: 'ana@acme.example', type: 'work', primary: true }],
    active: true,
  })
  assert.equal((meta as { location: string }).location, `${acme.url}/Users/${id}`)
  const replaced = await acme.ask(`/Users/${id}`, {
    method: 'PUT',
    body: { schemas: [USER], userName: 'ana.b', displayName: 'Ana B' },
  })
  assert.equal(replaced.status, 200)
  assert.equal(replaced.body['userName'], 'ana.b')
  assert.equal(replaced.body['emails'], undefined, 'what is not in the replacement is gone')
  assert.equal(replaced.headers['etag'], 'W/"2"')
  assert.equal((await acme.ask(`/Users/${id}`, { method: 'DELETE' })).status, 204)
  for (const method of ['GET', 'DELETE'] as const) {
    assert.equal((await acme.ask(`/Users/${id}`, { method })).status, 404)
  }
})

test('a user who is left out of a replacement as active does not come back by it', async () => {
  const { id } = await make('gone', { active: false })
  const replaced = await acme.ask(`/Users/${id}`, {
    method: 'PUT',
    body: { schemas: [USER], userName: 'gone', displayName: 'Gone' },
  })
  assert.equal(replaced.body['active'], false)
})

test('deprovisioning is published before it is answered, and with it', async () => {
  for (const [how, ask] of [
    [
      'active',
      (id: string) =>
        acme.ask(`/Users/${id}`, patchOf({ op: 'replace', path: 'active', value: false })),
    ],
    [
      'put',
      (id: string) =>
        acme.ask(`/Users/${id}`, {
          method: 'PUT',
          body: { schemas: [USER], userName: 'off-put', active: 'False' },
        }),
    ],
    ['delete', (id: string) => acme.ask(`/Users/${id}`, { method: 'DELETE' })],
  ] as const) {
    const { id } = await make(`off-${how}`)
    const earlier = (await site.published()).length
    const { status } = await ask(id)
    assert.ok(status < 300, how)
    const [published, ...more] = (await site.published()).slice(earlier)
    assert.deepEqual(
      { ...published, at: undefined },
      { kind: 'subject', tenant: 'acme', id, at: undefined },
    )
    assert.deepEqual(more, [])
    assert.equal(await site.directory.authority(acme.tenant, parseSubject(id)), undefined)
  }
})

test('a name, an external id and a verified address are taken once', async () => {
  const blue = await site.source('blue', { emailsVerified: true })
  const body = { schemas: [USER], userName: 'uma', externalId: 'U', emails: ['uma@x.example'] }
  assert.equal((await blue.ask('/Users', { method: 'POST', body })).status, 201)
  for (const again of [
    { schemas: [USER], userName: 'UMA' },
    { schemas: [USER], userName: 'other', externalId: 'U' },
    { schemas: [USER], userName: 'other', emails: [{ value: 'Uma@x.example' }] },
  ]) {
    const { status, body: refused } = await blue.ask('/Users', { method: 'POST', body: again })
    assert.equal(status, 409)
    assert.equal(refused.scimType, 'uniqueness')
  }
})

test('an address counts as verified only if the token says that its source knows', async () => {
  const trusted = await site.source('trusted', { emailsVerified: true })
  for (const [source, verified] of [
    [acme, false],
    [trusted, true],
  ] as const) {
    const body = { schemas: [USER], userName: 'vera', emails: [{ value: 'vera@x.example' }] }
    const { body: made } = await source.ask('/Users', { method: 'POST', body })
    const isVerified = async () =>
      (await site.directory.account(source.tenant, parseSubject(made.id)))?.emailVerified
    assert.equal(await isVerified(), verified)
    for (const value of ['vera@y.example', 'vera@z.example']) {
      await source.ask(`/Users/${made.id}`, patchOf({ op: 'replace', path: 'emails', value }))
      assert.equal(await isVerified(), verified, value)
    }
  }
})

test('an address that the user has verified stays so while it is the same', async () => {
  const { id } = await make('wanda', { emails: [{ value: 'wanda@x.example' }] })
  const subject = parseSubject(id)
  await site.directory.changeAccount(acme.tenant, subject, { emailVerified: true })
  await acme.ask(`/Users/${id}`, {
    method: 'PUT',
    body: { schemas: [USER], userName: 'wanda', emails: [{ value: 'Wanda@x.example' }] },
  })
  assert.equal((await site.directory.account(acme.tenant, subject))?.emailVerified, true)
  await acme.ask(`/Users/${id}`, patchOf({ op: 'replace', path: 'emails', value: ['w@x.example'] }))
  assert.equal((await site.directory.account(acme.tenant, subject))?.emailVerified, false)
})

test('of several addresses the primary is kept, and what is not kept is left out without a word', async () => {
  const made = await make('pat', {
    password: 'planted-secret-77',
    title: 'Dr',
    nickName: 'P',
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Ward' },
    emails: [
      { value: 'home@x.example', type: 'home' },
      { value: 'p@x.example', type: 'other', primary: 'True' },
    ],
  })
  const { id: _id, meta: _meta, schemas: _schemas, ...kept } = made
  assert.deepEqual(kept, {
    userName: 'pat',
    active: true,
    emails: [{ value: 'p@x.example', type: 'work', primary: true }],
  })
})

test('a password goes nowhere, and never comes out', async () => {
  const secret = 'planted-secret-78'
  const { id } = await make('peg', { password: secret })
  const changed = await acme.ask(
    `/Users/${id}`,
    patchOf({ op: 'replace', path: 'password', value: secret }),
  )
  assert.equal(changed.status, 200)
  for (const path of [`/Users/${id}`, `/Users/${id}?attributes=password`, '/Users']) {
    const answer = await acme.ask(path)
    assert.equal(answer.status, 200)
    assert.ok(!answer.text.includes(secret))
    assert.ok(!answer.text.includes('"password"'))
  }
  const { rows } = await site.admin.query('select * from identity.account')
  assert.ok(!JSON.stringify(rows).includes(secret))
  assert.ok(!site.logged.join().includes(secret))
  const found = await acme.ask(`/Users?filter=${encodeURIComponent('password pr')}`)
  assert.equal(found.body.scimType, 'invalidFilter')
})

test('versions guard changes and spare reading', async () => {
  const { id } = await make('vic')
  const rename = (headers: Readonly<Record<string, string>>, name: string) =>
    acme.ask(`/Users/${id}`, {
      ...patchOf({ op: 'add', path: 'displayName', value: name }),
      headers,
    })
  assert.equal((await rename({ 'if-match': 'W/"1"' }, 'One')).headers['etag'], 'W/"2"')
  for (const stale of ['W/"1"', '"1"', 'W/"3"', 'nonsense', '']) {
    const { status, body } = await rename({ 'if-match': stale }, 'Two')
    assert.equal(status, 412, stale)
    assert.equal(body['status'], '412')
  }
  assert.equal((await rename({ 'if-match': 'W/"9", W/"2"' }, 'Three')).status, 200)
  assert.equal((await rename({ 'if-match': '*' }, 'Four')).status, 200)
  const same = await acme.ask(`/Users/${id}`, { headers: { 'if-none-match': 'W/"4"' } })
  assert.equal(same.status, 304)
  assert.equal(same.text, '')
  assert.equal(
    (await acme.ask(`/Users/${id}`, { headers: { 'if-none-match': 'W/"3"' } })).status,
    200,
  )
  assert.equal(
    (await acme.ask(`/Users/${id}`, { method: 'DELETE', headers: { 'if-match': 'W/"3"' } })).status,
    412,
  )
  assert.equal(
    (await acme.ask(`/Users/${id}`, { method: 'DELETE', headers: { 'if-match': 'W/"4"' } })).status,
    204,
  )
})

test('a change that changes nothing makes no other version', async () => {
  const { id } = await make('same', { displayName: 'Same' })
  const again = await acme.ask(
    `/Users/${id}`,
    patchOf({ op: 'Replace', path: 'displayName', value: 'Same' }),
  )
  assert.equal(again.headers['etag'], 'W/"1"')
})

test('a user who never had a user name is shown by id, and can be changed', async () => {
  const { subject } = await site.directory.createAccount(acme.tenant, { displayName: 'Old' })
  const path = `/Users/${subject}`
  assert.equal((await acme.ask(path)).body['userName'], subject)
  const changed = await acme.ask(path, patchOf({ op: 'replace', value: { displayName: 'Older' } }))
  assert.equal(changed.body['displayName'], 'Older')
  assert.equal((await site.directory.account(acme.tenant, subject))?.userName, undefined)
})

for (const [what, body, scimType] of [
  ['no user name', { displayName: 'X' }, 'invalidValue'],
  ['a user name that cannot be seen', { userName: 'a\u200bb' }, 'invalidValue'],
  ['a user name that is a number', { userName: 7 }, 'invalidValue'],
  ['a zero character', { userName: 'z', displayName: 'a\0b' }, 'invalidValue'],
  ['half a character', { userName: 'z', displayName: 'a\ud800' }, 'invalidValue'],
  ['an address that is none', { userName: 'z', emails: ['nobody'] }, 'invalidValue'],
  [
    'two primary addresses',
    {
      userName: 'z',
      emails: [
        { value: 'a@x.example', primary: true },
        { value: 'b@x.example', primary: true },
      ],
    },
    'invalidValue',
  ],
  ['active that is neither', { userName: 'z', active: 'perhaps' }, 'invalidValue'],
  ['one name twice', { userName: 'z', USERNAME: 'y' }, 'invalidSyntax'],
  ['a list', [], 'invalidSyntax'],
  ['a name that is no object', { userName: 'z', name: 'Zoe' }, 'invalidSyntax'],
] as const) {
  test(`a user with ${what} is refused`, async () => {
    const { status, body: refused } = await acme.ask('/Users', { method: 'POST', body })
    assert.equal(status, 400)
    assert.equal(refused.scimType, scimType)
    assert.deepEqual(refused['schemas'], ['urn:ietf:params:scim:api:messages:2.0:Error'])
    assert.equal(refused['status'], '400')
  })
}
