import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { grantSchema } from './grant.ts'
import { coversPath, coversSome, coversThing, standingGrant } from './standing-grant.ts'

const grant = grantSchema.parse({
  id: 'gr-aaaaaaaaaaaaaaaaaaaa',
  grantee: 'globex',
  subject: 'kim',
  scopes: ['read'],
  apis: ['clinic'],
  actions: ['read'],
  resources: ['/patients', 'Clinic::Record/7', 'Clinic::Bed/*'],
  notBefore: new Date(1_000).toISOString(),
  expires: new Date(2_000).toISOString(),
  bills: 'grantor',
})
const asked = { grant: grant.id, grantee: grant.grantee, subject: grant.subject }

test('a grant stands from its beginning up to its end, and for nobody else', () => {
  const others = [grantSchema.parse({ ...grant, id: 'gr-bbbbbbbbbbbbbbbbbbbb' }), grant]
  for (const [now, stands] of [
    [999, false],
    [1_000, true],
    [1_999, true],
    [2_000, false],
  ] as const) {
    assert.equal(standingGrant(others, asked, now) === grant, stands, String(now))
  }
  assert.equal(standingGrant(others, { ...asked, subject: undefined }, 1_500), undefined)
  assert.equal(standingGrant(undefined, asked, 1_500), undefined)
})

test('a path is covered with all below it, in whole segments, and nothing beside it', () => {
  for (const path of ['/patients', '/patients/', '/patients/7/notes']) {
    assert.ok(coversPath(grant, path), path)
  }
  for (const path of ['/', '/patient', '/patientss', '/patients-x/7', '/Patients', '/x/patients']) {
    assert.ok(!coversPath(grant, path), path)
  }
  assert.ok(coversPath({ ...grant, resources: ['/'] }, '/anything'))
  const segment = fc.stringMatching(/^[a-z0-9;%-]{1,8}$/)
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), segment, (path, more) => {
      const text = `/${path.join('/')}`
      const one = { ...grant, resources: [text] }
      assert.ok(coversPath(one, `${text}/${more}`))
      assert.ok(!coversPath(one, `${text}${more}`))
    }),
    { numRuns: 200 },
  )
})

test('a thing of a service is covered by its name, or with all of its type', () => {
  assert.ok(coversThing(grant, { type: 'Clinic::Record', id: '7' }))
  assert.ok(coversThing(grant, { type: 'Clinic::Bed', id: 'any' }))
  assert.ok(!coversThing(grant, { type: 'Clinic::Record', id: '70' }))
  assert.ok(!coversThing(grant, { type: 'Clinic::Record', id: '*' }))
})

test('of a template something is covered where a path that it stands for is', () => {
  const one = { ...grant, resources: ['/patients/7/', '/wards', 'Clinic::Record/7'] }
  for (const template of ['/patients/{id}', '/{all}/{id}/notes', '/patients/7', '/wards/{ward}']) {
    assert.ok(coversSome(one, template), template)
  }
  for (const template of ['/', '/patients', '/patients/8', '/wards-of-others', '/staff/{id}']) {
    assert.ok(!coversSome(one, template), template)
  }
  assert.ok(coversSome({ ...one, resources: ['/'] }, '/staff/{id}'))
})
