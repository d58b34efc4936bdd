import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Hono } from 'hono'
import type pg from 'pg'
import { z } from 'zod'
import { loadTenantData } from '../data/load-tenant-data.ts'
import {
  type ClinicCell,
  type ClinicTenant,
  startClinicCell,
} from '../test-support/clinic-cell.test-support.ts'
import { parseTenantId } from '../../../src/core/tenant.ts'
import { Ringfence } from '../../../src/sdk/index.ts'
import {
  leaseAnswer,
  startTestPlatform,
  type TestPlatform,
} from '../../../src/sdk/platform.test-support.ts'
import { type AppEnv, createApp } from './app.ts'

const HARBOR = { seed: 11, appointments: 300, sites: 2 }
const NORTHMERE = { seed: 17, appointments: 400, sites: 9 }
/** Planted in a note of Northmere's. */
const SECRET = 'canary-9d1f of the other tenant'

const row = z.looseObject({ id: z.string(), tenant_id: z.string() })
const list = z.object({ total: z.number(), appointments: z.array(row) })
const report = z.object({
  appointments: z.number(),
  sites: z.array(z.object({ site: z.string() })),
})
const found = z.object({ patients: z.array(z.looseObject({ id: z.unknown() })) })

suite('the clinic', () => {
  let cell: ClinicCell
  let admin: pg.Client
  let platform: TestPlatform
  let ringfence: Ringfence
  let app: Hono<AppEnv>
  let harbor: ClinicTenant
  let northmere: ClinicTenant
  const logged: string[] = []

  /** A request as the gateway forwards it, for a tenant: `everything` gets a login that nothing binds. */
  const ask = async (tenant: string, path: string, init: RequestInit = {}) => {
    const token = await platform.context(parseTenantId(tenant))
    return app.request(path, { ...init, headers: { 'Ringfence-Context': token } })
  }
  const send = (token: string, method: string, path: string, body: unknown) =>
    ask(token, path, { method, body: JSON.stringify(body) })
  const get = async <S extends z.ZodType>(token: string, path: string, schema: S) => {
    const response = await ask(token, path)
    assert.equal(response.status, 200, await response.clone().text())
    return schema.parse(await response.json())
  }
  const one = async (sql: string, values: unknown[] = []) =>
    (await admin.query<Record<string, string>>(sql, values)).rows[0] ?? {}
  const search = (q: string) => `/patients/search?q=${encodeURIComponent(q)}`

  before(async () => {
    cell = await startClinicCell()
    admin = await cell.client()
    harbor = await cell.addTenant('harbor-clinic')
    northmere = await cell.addTenant('northmere-hospitals')
    await loadTenantData(admin, harbor.key, HARBOR)
    await loadTenantData(admin, northmere.key, NORTHMERE)
    await admin.query(
      `update clinic.note set body = $1 where id =
         (select id from clinic.note where tenant_id = $2 limit 1)`,
      [SECRET, northmere.key],
    )
    platform = await startTestPlatform({
      lease({ tenant, scope }) {
        const lease = (login: Parameters<typeof leaseAnswer>[2]) =>
          leaseAnswer(`${tenant}-${scope}`, 900, login)
        if (tenant === 'harbor') return lease(harbor.logins[scope])
        if (tenant === 'northmere') return lease(northmere.logins[scope])
        if (tenant === 'everything') return lease(cell.admin)
        if (tenant === 'ended') return lease({ ...harbor.logins[scope], password: 'wrong' })
        return { status: 400, body: { error: 'invalid_grant' } }
      },
    })
    ringfence = new Ringfence(platform.options)
    app = createApp(ringfence, (line) => logged.push(line))
  })
  after(async () => {
    await ringfence?.close()
    await platform?.close()
    await cell?.stop()
  })

  suite('fault 1, the list without a WHERE clause', () => {
    test('shows every tenant to a login that nothing binds', async () => {
      const { total } = await get('everything', '/appointments', list)
      assert.equal(total, HARBOR.appointments + NORTHMERE.appointments)
    })
    test('shows a tenant its own appointments and their number', async () => {
      for (const tenant of [harbor, northmere]) {
        const token = tenant === harbor ? 'harbor' : 'northmere'
        const { total, appointments } = await get(token, '/appointments?limit=1000', list)
        assert.equal(total, (tenant === harbor ? HARBOR : NORTHMERE).appointments)
        assert.equal(appointments.length, total)
        assert.ok(appointments.every((each) => each.tenant_id === tenant.key))
      }
    })
    test('pages and takes a range of time', async () => {
      const path = '/appointments?from=2026-11-01&to=2026-12-01T00:00:00Z&limit=5&offset=5'
      const { total, appointments } = await get('harbor', path, list)
      assert.ok(total > 10 && total < 60)
      assert.equal(appointments.length, 5)
      assert.equal((await ask('harbor', '/appointments?from=yesterday-ish')).status, 400)
    })
  })

  suite('fault 2, the search that concatenates SQL', () => {
    const dump = "%' union all select id, body, '', '', '', '', '' from clinic.note --"
    const stacked = "x'; select tenant_id as id, body from clinic.note --"

    test('finds patients by part of a name', async () => {
      const { given_name, id } = await one(
        'select id, given_name from clinic.patient where tenant_id = $1 limit 1',
        [harbor.key],
      )
      const { patients } = await get('harbor', search(given_name?.slice(0, 4) ?? ''), found)
      assert.ok(patients.some((patient) => patient.id === id))
    })
    test('gives every tenant’s notes to an injection by a login that nothing binds', async () => {
      const { patients } = await get('everything', search(dump), found)
      assert.match(JSON.stringify(patients), new RegExp(SECRET))
    })
    for (const [what, q] of [
      ['a UNION', dump],
      ['a second statement', stacked],
    ] as const) {
      test(`gives a tenant that injects ${what} its own notes only`, async () => {
        const { patients } = await get('harbor', search(q), found)
        const own = await one('select count(*)::int as n from clinic.note where tenant_id = $1', [
          harbor.key,
        ])
        assert.ok(patients.length >= Number(own['n']))
        assert.doesNotMatch(JSON.stringify(patients), new RegExp(SECRET))
        const owner = await get('northmere', search(q), found)
        assert.match(JSON.stringify(owner), new RegExp(SECRET), 'the owner reads it this way')
      })
    }
    for (const [what, sql] of [
      [
        'write to another tenant',
        `insert into clinic.note (tenant_id, patient_id, clinician_id, body)
         select '{B}', id, id, 'x' from clinic.patient limit 1`,
      ],
      ['delete all rows', 'delete from clinic.note'],
      ['turn row security off', 'alter table clinic.note disable row level security'],
      ['become someone else', 'set role rf_owner'],
      ['list the roles', 'select rolname as id from pg_roles'],
    ] as const) {
      test(`is answered 403 without detail when it tries to ${what}`, async () => {
        const before = await one('select count(*)::int as n from clinic.note')
        const response = await ask('harbor', search(`x'; ${sql.replace('{B}', northmere.key)} --`))
        assert.equal(response.status, 403)
        assert.equal(response.headers.get('content-type'), 'application/problem+json')
        assert.deepEqual(await response.json(), {
          type: 'about:blank',
          status: 403,
          title: 'Forbidden',
        })
        assert.deepEqual(await one('select count(*)::int as n from clinic.note'), before)
      })
    }
  })

  suite('fault 3, the nightly report over all rows', () => {
    test('counts every tenant’s sites for a login that nothing binds', async () => {
      const { sites, appointments } = await get('everything', '/reports/nightly', report)
      assert.equal(appointments, HARBOR.appointments + NORTHMERE.appointments)
      assert.ok(sites.length > NORTHMERE.sites)
    })
    test('counts a tenant’s own sites', async () => {
      const { sites, appointments } = await get('harbor', '/reports/nightly', report)
      assert.equal(appointments, HARBOR.appointments)
      assert.equal(sites.length, HARBOR.sites)
    })
  })

  suite('what is as it should be', () => {
    test('an appointment is booked, read, moved and cancelled', async () => {
      const known = await one(
        `select patient_id, clinician_id, site_id from clinic.appointment where tenant_id = $1 limit 1`,
        [harbor.key],
      )
      const booking = {
        patientId: known['patient_id'],
        clinicianId: known['clinician_id'],
        siteId: known['site_id'],
        startsAt: '2027-06-01T09:00:00Z',
        kind: 'follow_up',
        reason: 'Stitches out',
        icdCode: 'Z00.0',
      }
      const created = await send('harbor', 'POST', '/appointments', booking)
      assert.equal(created.status, 201, await created.clone().text())
      const location = created.headers.get('location') ?? ''
      assert.equal((await get('harbor', location, row)).tenant_id, harbor.key)
      assert.equal((await ask('northmere', location)).status, 404)
      const clash = await send('harbor', 'POST', '/appointments', booking)
      assert.equal(clash.status, 409)
      const change = { status: 'cancelled', startsAt: '2027-06-01T10:00:00+01:00' }
      const moved = await send('harbor', 'PATCH', location, change)
      assert.equal(moved.status, 200)
      assert.equal(row.parse(await moved.json())['status'], 'cancelled')
      assert.equal((await send('northmere', 'PATCH', location, change)).status, 404)
    })

    test('another tenant’s appointment answers like one that never was', async () => {
      const theirs = await one('select id from clinic.appointment where tenant_id = $1 limit 1', [
        northmere.key,
      ])
      const foreign = await ask('harbor', `/appointments/${theirs['id']}`)
      const absent = await ask('harbor', `/appointments/${crypto.randomUUID()}`)
      assert.equal(foreign.status, 404)
      assert.equal(await foreign.text(), await absent.text())
    })

    test('upcoming appointments come from the view', async () => {
      const rows = z.object({ appointments: z.array(row) })
      const { appointments } = await get('harbor', '/appointments/upcoming', rows)
      assert.ok(appointments.every((each) => each.tenant_id === harbor.key))
    })

    test('a patient’s notes are for the patient’s own organisation', async () => {
      const { patient_id: id } = await one(
        'select patient_id from clinic.note where tenant_id = $1 limit 1',
        [harbor.key],
      )
      const notes = z.object({ notes: z.array(z.object({ body: z.string() })).min(1) })
      await get('harbor', `/patients/${id}/notes`, notes)
      assert.equal((await ask('northmere', `/patients/${id}/notes`)).status, 404)
      assert.equal((await ask('harbor', '/patients/not-an-id/notes')).status, 404)
    })

    test('an intake form is handed in and withdrawn, and its history stays', async () => {
      const taken = await send('harbor', 'POST', '/intake', {
        patient: {
          mrn: 'NEW-1',
          givenName: 'Iris',
          familyName: 'Testova',
          birthDate: '1990-02-28',
        },
        answers: { allergies: 'none', smoker: false },
      })
      assert.equal(taken.status, 201, await taken.clone().text())
      const form = z.object({ id: z.string() }).parse(await taken.json())
      const path = `/intake-forms/${form.id}`
      assert.equal((await ask('northmere', path, { method: 'DELETE' })).status, 404)
      assert.equal((await ask('harbor', path, { method: 'DELETE' })).status, 204)
      assert.equal((await ask('harbor', path, { method: 'DELETE' })).status, 404)
      const { rows } = await admin.query<{ kind: string }>(
        'select kind from clinic.intake_event where form_id = $1 order by occurred_at',
        [form.id],
      )
      assert.deepEqual(
        rows.map(({ kind }) => kind),
        ['submitted', 'deleted'],
      )
    })

    test('an intake that fails half-way leaves nothing', async () => {
      const failed = await send('harbor', 'POST', '/intake', {
        patient: { mrn: 'NEW-2', givenName: 'Otto', familyName: 'Testov', birthDate: '1990-02-28' },
        appointmentId: crypto.randomUUID(),
        answers: {},
      })
      assert.equal(failed.status, 409)
      assert.deepEqual(await one(`select 1 from clinic.patient where mrn = 'NEW-2'`), {})
    })

    test('a body that does not fit is refused with the fields and without their values', async () => {
      const response = await send('harbor', 'PATCH', `/appointments/${crypto.randomUUID()}`, {
        status: 'sneaky-value',
      })
      assert.equal(response.status, 422)
      const text = await response.text()
      assert.match(text, /"pointer":"\/status"/)
      assert.doesNotMatch(text, /sneaky-value/)
      const broken = await ask('harbor', '/intake', { method: 'POST', body: '{' })
      assert.equal(broken.status, 400)
      const long = await ask('harbor', '/intake', { method: 'POST', body: 'x'.repeat(70_000) })
      assert.equal(long.status, 413)
    })

    test('without a context that the gateway signed and vending takes there is nothing', async () => {
      assert.equal((await app.request('/appointments')).status, 401)
      const token = await platform.context(harbor.id)
      const headers = { authorization: `Bearer ${token}` }
      assert.equal((await app.request('/appointments', { headers })).status, 401)
      assert.equal((await ask('made-up', '/appointments')).status, 401)
    })

    test('a login that no longer works is asked for anew, and the caller is told to come back', async () => {
      const exchanges = () => platform.calls.filter(({ path }) => path === '/v1/token').length
      const before = exchanges()
      const refused = await ask('ended', '/appointments')
      assert.equal(refused.status, 429)
      assert.equal(refused.headers.get('retry-after'), '1')
      assert.equal(exchanges(), before + 2)
    })

    test('the page at / lists the endpoints', async () => {
      const page = await (await app.request('/')).text()
      for (const route of ['/appointments', '/patients/search', '/reports/nightly', '/intake']) {
        assert.ok(page.includes(route), route)
      }
    })

    test('the log has a line a request, with the route and without what was asked', async () => {
      logged.length = 0
      await ask('harbor', search('Ortega'))
      await ask('harbor', `/appointments/${crypto.randomUUID()}`)
      await ask('harbor', search("'"))
      const lines = logged.map((line) => z.looseObject({}).parse(JSON.parse(line)))
      assert.deepEqual(
        lines.map(({ method, route, status, failure, tenant, request_id }) => [
          ...[method, route, status, failure],
          ...[tenant, request_id],
        ]),
        [
          ['GET', '/patients/search', 200, undefined, 'harbor', 'request-1'],
          ['GET', '/appointments/:id', 404, '404', 'harbor', 'request-1'],
          ['GET', '/patients/search', 500, '42601', 'harbor', 'request-1'],
        ],
      )
      assert.doesNotMatch(logged.join(), /Ortega/)
    })
  })
})
