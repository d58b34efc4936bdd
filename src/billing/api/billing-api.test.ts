import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ACME, day, GLOBEX } from '../billing-site.test-support.ts'
import { parsePeriod } from '../rating/period.ts'
import { servedBilling } from './billing-api.test-support.ts'

const JULY = parsePeriod('2026-07')
type Served = Awaited<ReturnType<typeof servedBilling>>

const asker =
  ({ tenantApi }: Served) =>
  async (path: string, caller = 'acme auditor', more: RequestInit = {}) => {
    const response = await tenantApi.request(path, { ...more, headers: { caller } })
    return { status: response.status, text: await response.text(), headers: response.headers }
  }

test('a tenant reads its own bills and usage, whatever it names', async (t) => {
  const site = await servedBilling(t)
  const ask = asker(site)
  await site.invoices.finalise(GLOBEX, JULY, 'ann')
  await site.invoices.finalise(ACME, JULY, 'ann')
  const list = await ask('/invoices')
  assert.equal(list.status, 200)
  assert.match(list.text, /RF-000002/)
  assert.doesNotMatch(list.text, /globex|RF-000001/)
  for (const path of [
    '/invoices/RF-000001',
    '/invoices/RF-000001/pdf',
    '/invoices/RF-000001/csv',
  ]) {
    const [foreign, absent] = [await ask(path), await ask(path.replace('RF-000001', 'RF-000009'))]
    assert.deepEqual([foreign.status, foreign.text], [404, absent.text])
  }
  for (const path of [
    '/invoices?tenant=globex',
    '/preview?period=2026-07&tenant=globex',
    '/usage?meter=requests&from=2026-07-01T00:00:00Z&to=2026-08-01T00:00:00Z&tenant=globex',
    '/preview?period=2026-07&period=2026-06',
  ]) {
    assert.equal((await ask(path)).status, 400, path)
  }
  for (const path of ['/tenants/globex/invoices', '/globex/invoices', '/../globex']) {
    assert.equal((await ask(path)).status, 404, path)
  }
})

test('an invoice is there as JSON, CSV and PDF', async (t) => {
  const site = await servedBilling(t)
  const ask = asker(site)
  await site.invoices.finalise(ACME, JULY, 'ann')
  const json = JSON.parse((await ask('/invoices/RF-000001')).text) as Record<string, unknown>
  assert.deepEqual([json['total'], json['state'], json['series']], ['4439', 'final', 'invoice'])
  const csv = await ask('/invoices/RF-000001/csv')
  assert.match(csv.headers.get('content-disposition') ?? '', /RF-000001\.csv/)
  assert.match(csv.text, /7\.30/)
  const pdf = await ask('/invoices/RF-000001/pdf')
  assert.equal(pdf.headers.get('content-type'), 'application/pdf')
  assert.ok(pdf.text.startsWith('%PDF-'))
})

test('a preview and usage are as of now', async (t) => {
  const ask = asker(await servedBilling(t))
  assert.match((await ask('/preview?period=2026-07')).text, /"subtotal":"3730"/)
  const span = 'from=2026-07-01T00:00:00Z&to=2026-08-01T00:00:00Z'
  const usage = await ask(`/usage?meter=requests&window=whole&${span}`)
  assert.match(usage.text, /"quantity":"1200000000"/)
  assert.equal((await ask(`/usage?meter=none&${span}`)).status, 404)
  assert.equal((await ask(`/usage?meter=requests&window=minute&${span}`)).status, 400)
  assert.equal((await ask('/preview?period=now')).status, 400)
})

test('budgets are set by administrators, of their own tenant', async (t) => {
  const site = await servedBilling(t)
  const ask = asker(site)
  const body = JSON.stringify({ kind: 'usage', meter: 'requests', amount: 2000 })
  site.clock.now = day('2026-07-20')
  assert.equal((await ask('/budgets/calls', 'acme auditor', { method: 'PUT', body })).status, 403)
  const put = await ask('/budgets/calls', 'acme tenant-admin', { method: 'PUT', body })
  assert.equal(put.status, 200)
  assert.match((await ask('/budgets')).text, /"percent":60/)
  assert.equal((await ask('/budgets', 'globex auditor')).text, '{"items":[]}\n')
  await ask('/budgets/calls', 'globex tenant-admin', { method: 'DELETE' })
  assert.match((await ask('/budgets')).text, /calls/)
  for (const bad of ['{', '[]', '{"kind":"usage"}', `{"kind":"${'x'.repeat(20_000)}"}`]) {
    const { status } = await ask('/budgets/calls', 'acme tenant-admin', {
      method: 'PUT',
      body: bad,
    })
    assert.ok(status === 400 || status === 413, bad.slice(0, 20))
  }
})

test('nobody without a name, and no reader, makes anything final', async (t) => {
  const site = await servedBilling(t)
  const ask = async (path: string, token: string | undefined, method = 'GET', body?: object) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    return (await site.operatorApi.request(path, { method, headers, ...sent })).status
  }
  const path = '/tenants/acme/periods/2026-07/invoices'
  assert.equal(await ask(path, undefined, 'POST', {}), 401)
  assert.equal(await ask('/nothing', undefined), 401)
  assert.equal(await ask(path, 'reader', 'POST', {}), 403)
  assert.deepEqual(await site.invoices.list(ACME, { limit: 10 }), [])
  assert.equal(await ask(path, 'writer', 'POST', { incomplete: 'yes' }), 400)
  assert.equal(await ask(path, 'writer', 'POST', {}), 200)
  assert.equal(await ask('/tenants/acme/invoices/RF-000001', 'reader'), 200)
  assert.equal(await ask('/tenants/globex/invoices/RF-000001', 'reader'), 404)
  assert.equal(await ask('/tenants/acme/invoices/RF-000001/void', 'reader', 'POST', {}), 403)
  assert.equal(await ask('/tenants/acme/invoices/RF-000001/void', 'writer', 'POST', {}), 400)
  assert.equal((await site.invoices.get(ACME, 'RF-000001')).state, 'final')
  assert.equal(
    (await site.operatorApi.request('/nothing', { headers: { authorization: 'Bearer reader' } }))
      .status,
    404,
  )
})
