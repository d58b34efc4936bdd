import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import Client from 'stripe'
import { parseCurrency } from '../../contracts/currency.ts'
import { ACME, billingSite, day, PRICE } from '../billing-site.test-support.ts'
import { Invoices } from '../invoices/invoices.ts'
import { parsePeriod } from '../rating/period.ts'
import { Payments } from './payments.ts'
import { stripeAmount } from './stripe-amount.ts'
import { StripeProvider } from './stripe-provider.ts'
import { StripeServer } from './stripe.test-support.ts'

const JULY = parsePeriod('2026-07')
const SECRET = 'whsec_of_this_test_only'

async function stage(t: TestContext, price: object = PRICE) {
  const site = await billingSite(t)
  site.catalogue.apply('basic', day('2026-01-01'), price)
  site.catalogue.put(ACME, 'basic', day('2026-01-01'))
  site.usage.completeUntil(day('2027-01-01'))
  const stripe = await StripeServer.open(t)
  const log: string[] = []
  const provider = new StripeProvider({
    apiKey: 'sk_test_of_this_test_only',
    webhookSecret: SECRET,
    server: stripe.server,
  })
  const { database, drafting, catalogue, clock } = site
  const now = () => clock.now
  const payments = new Payments({ database, provider, now, log: (line) => log.push(line) })
  const invoices = new Invoices({
    database,
    drafting,
    catalogue,
    now,
    entered: (tx, { tenant, document }) => payments.enqueue(tx, tenant, document),
  })
  const client = new Client('sk_test_of_this_test_only')
  const signed = (event: object, secret = SECRET, at = Math.floor(Date.now() / 1000)) => {
    const body = JSON.stringify({ object: 'event', ...event })
    const header = client.webhooks.generateTestHeaderString({
      payload: body,
      secret,
      timestamp: at,
    })
    return [body, header] as const
  }
  return { ...site, stripe, payments, invoices, log, signed }
}

const only = <T>(all: Iterable<T>): T => {
  const [one, ...more] = all
  assert.ok(one !== undefined && more.length === 0)
  return one
}

test('an invoice is there at the provider line by line, with our total, once', async (t) => {
  const site = await stage(t)
  site.use(ACME, 1200, day('2026-07-03'))
  await site.invoices.finalise(ACME, JULY, 'ann')
  assert.equal(await site.payments.submitDue(), 1)
  assert.equal(await site.payments.submitDue(), 0)
  const invoice = only(site.stripe.invoices.values())
  assert.deepEqual(
    [invoice['status'], invoice['total'], invoice['currency']],
    ['open', 4439, 'eur'],
  )
  const items = site.stripe.calls.filter(({ path }) => path === '/v1/invoiceitems')
  assert.deepEqual(
    items.map(({ form }) => [form['amount'], form['description']]),
    [
      ['3000', 'base'],
      ['730', 'calls'],
      ['709', 'VAT'],
    ],
  )
  const made = site.stripe.calls.find(({ path }) => path === '/v1/invoices')
  assert.equal(made?.form['metadata[ringfence_number]'], 'RF-000001')
  const keys = site.stripe.calls.filter(({ method }) => method === 'POST').map(({ key }) => key)
  assert.ok(
    keys.every((key) => key?.startsWith('ringfence-')) && new Set(keys).size === keys.length,
  )
})

test('whatever is not heard of is asked again under the same key, and is done once', async (t) => {
  const site = await stage(t)
  await site.invoices.finalise(ACME, JULY, 'ann')
  site.stripe.troubles.push('lost', 'lost', 'lost')
  await site.payments.submitDue()
  assert.match(site.log[0] ?? '', /away/)
  site.clock.now = day('2026-08-03')
  site.stripe.troubles.push({ status: 429, type: 'rate_limit_error' })
  await site.payments.submitDue()
  await site.payments.submitDue()
  site.clock.now = day('2026-08-04')
  await site.payments.submitDue()
  assert.equal(only(site.stripe.invoices.values())['total'], 3570)
  assert.equal(await site.payments.submitDue(), 0)
})

test('another total at the provider is not sent', async (t) => {
  const site = await stage(t)
  await site.invoices.finalise(ACME, JULY, 'ann')
  const add = (id: string) => {
    const invoice = site.stripe.invoices.get(id)
    if (invoice !== undefined) invoice['total'] = Number(invoice['total']) + 1
  }
  const watch = setInterval(() => {
    for (const id of site.stripe.invoices.keys()) add(id)
  }, 1)
  t.after(() => clearInterval(watch))
  await site.payments.submitDue()
  clearInterval(watch)
  assert.match(site.log[0] ?? '', /another total.*given up/)
  assert.equal(only(site.stripe.invoices.values())['status'], 'draft')
})

test('what is made void is taken back there too, and nothing when it was paid', async (t) => {
  const site = await stage(t)
  await site.invoices.finalise(ACME, JULY, 'ann')
  await site.payments.submitDue()
  await site.invoices.void(ACME, 'RF-000001', 'bob', 'wrong')
  await site.payments.submitDue()
  assert.equal(only(site.stripe.invoices.values())['status'], 'void')
  await site.invoices.finalise(ACME, JULY, 'ann')
  await site.payments.submitDue()
  const second = [...site.stripe.invoices.values()][1]
  assert.ok(second !== undefined)
  second['status'] = 'paid'
  await site.invoices.void(ACME, 'RF-000002', 'bob', 'wrong')
  await site.payments.submitDue()
  assert.equal(second['status'], 'paid')
  assert.match(site.log.at(-1) ?? '', /pay it back, given up/)
})

test('a payment counts once, signed, recent, of our invoice, with our amount', async (t) => {
  const site = await stage(t)
  await site.invoices.finalise(ACME, JULY, 'ann')
  await site.payments.submitDue()
  const { id } = only(site.stripe.invoices.values())
  const object = { id, total: 3570, currency: 'eur' }
  const paid = { id: 'evt_1', type: 'invoice.paid', data: { object } }
  const state = async () => (await site.invoices.get(ACME, 'RF-000001')).state
  const [body] = site.signed(paid)
  const old = Math.floor(Date.now() / 1000) - 3_600
  for (const [text, header] of [
    [body, undefined],
    [body, 't=1,v1=00'],
    site.signed(paid, 'whsec_other'),
    site.signed(paid, SECRET, old),
    [body.replace('3570', '3571'), site.signed(paid)[1]],
  ] as const) {
    await assert.rejects(site.payments.receive(text, header), { code: 'invalid_token' })
  }
  for (const other of [
    { ...paid, id: 'evt_2', data: { object: { ...object, id: 'in_other' } } },
    { ...paid, id: 'evt_3', data: { object: { ...object, total: 1 } } },
    { ...paid, id: 'evt_4', data: { object: { ...object, currency: 'usd' } } },
    { ...paid, id: 'evt_5', type: 'customer.created' },
  ]) {
    await site.payments.receive(...site.signed(other))
    assert.equal(await state(), 'final', other.id)
  }
  await site.payments.receive(...site.signed(paid))
  await site.payments.receive(...site.signed(paid))
  assert.equal(await state(), 'paid')
})

test('amounts are Stripe’s: two decimals where it wants two, and never a rounded one', () => {
  const of = (minor: bigint, code: string) => stripeAmount(minor, parseCurrency(code))
  assert.deepEqual(
    [of(1234n, 'EUR'), of(1234n, 'JPY'), of(12n, 'ISK'), of(1230n, 'KWD'), of(-5n, 'EUR')],
    [1234, 1234, 1200, 1230, -5],
  )
  assert.throws(() => of(1234n, 'KWD'), { code: 'conflict' })
  assert.throws(() => of(10n ** 20n, 'EUR'), { code: 'conflict' })
})
