import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RingfenceError } from '../../core/errors.ts'
import {
  ACME,
  type BillingSite,
  billingSite,
  day,
  GLOBEX,
  PRICE,
} from '../billing-site.test-support.ts'
import { parsePeriod } from '../rating/period.ts'
import { contentHash } from './canonical.ts'
import type { InvoiceLine } from './invoice.ts'
import { periodsDue } from './invoices.ts'

const JULY = parsePeriod('2026-07')
const AUGUST = parsePeriod('2026-08')

function onBasic({ catalogue, usage }: BillingSite): void {
  catalogue.apply('basic', day('2026-01-01'), PRICE)
  catalogue.put(ACME, 'basic', day('2026-02-01'))
  usage.completeUntil(day('2027-01-01'))
}

const amounts = (lines: readonly InvoiceLine[]) =>
  Object.fromEntries(
    lines.map(({ charge, amount, of }) => [of ? `${charge} of ${of}` : charge, amount]),
  )

test('a draft is what is used until now, and changes nothing', async (t) => {
  const site = await billingSite(t)
  onBasic(site)
  site.use(ACME, 1200, day('2026-07-03'))
  const [draft] = await site.invoices.preview(ACME, JULY)
  assert.deepEqual(amounts(draft?.lines ?? []), { base: 3000n, calls: 730n })
  assert.deepEqual([draft?.subtotal, draft?.total], [3730n, 4439n])
  site.use(ACME, 100, day('2026-07-04'))
  assert.equal((await site.invoices.preview(ACME, JULY))[0]?.subtotal, 3760n)
  assert.deepEqual(await site.invoices.list(ACME, { limit: 10 }), [])
})

test('a final invoice never changes, is made once, and says what it was made from', async (t) => {
  const site = await billingSite(t)
  onBasic(site)
  site.use(ACME, 1200, day('2026-07-03'))
  const [first] = await site.invoices.finalise(ACME, JULY, 'ann')
  assert.ok(first !== undefined)
  assert.equal(first.invoice.number, 'RF-000001')
  assert.equal(first.hash, contentHash(first.invoice))
  assert.equal(first.invoice.segments[0]?.generation, 1)
  assert.deepEqual(first.invoice.watermark, day('2027-01-01'))
  site.catalogue.apply('basic', day('2026-03-01'), { ...PRICE, minimum: 900_000 })
  site.use(ACME, 5000, day('2026-07-05'))
  assert.deepEqual(await site.invoices.finalise(ACME, JULY, 'bob'), [first])
  assert.deepEqual(await site.invoices.get(ACME, 'RF-000001'), first)
  for (const sql of [
    `update billing.invoice set content = replace(content, '3730', '1')`,
    'delete from billing.invoice',
    `update billing.invoice_event set by = 'eve'`,
    'truncate billing.invoice_event',
  ]) {
    await assert.rejects(site.database.query(sql), /stays as it was/)
  }
  assert.deepEqual(
    site.acts.map(({ action, by }) => [action, by]),
    [['invoice.finalised', 'ann']],
  )
})

test('content that was changed behind the trigger is not shown as an invoice', async (t) => {
  const site = await billingSite(t)
  onBasic(site)
  await site.invoices.finalise(ACME, JULY, 'ann')
  await site.database.query(`alter table billing.invoice disable trigger keep`)
  await site.database.query(`update billing.invoice set content = replace(content, '3000', '1')`)
  await assert.rejects(site.invoices.get(ACME, 'RF-000001'), { code: 'internal' })
})

test('numbers have no gap, whoever finalises at once and whatever fails between', async (t) => {
  let failing = false
  const site = await billingSite(t, {
    entered: () => (failing ? Promise.reject(new Error('no audit')) : Promise.resolve()),
  })
  onBasic(site)
  site.catalogue.put(GLOBEX, 'basic', day('2026-01-01'))
  await site.invoices.finalise(ACME, parsePeriod('2026-03'), 'ann')
  failing = true
  await assert.rejects(site.invoices.finalise(ACME, parsePeriod('2026-04'), 'ann'), /no audit/)
  failing = false
  const months = ['2026-04', '2026-05', '2026-06', '2026-07'].map(parsePeriod)
  await Promise.all(
    months.flatMap((month) =>
      [ACME, GLOBEX, ACME].map((tenant) => site.invoices.finalise(tenant, month, 'ann')),
    ),
  )
  const rows = await site.database.query<{ sequence: number; content: string; hash: string }>(
    'select sequence, content, hash from billing.invoice order by sequence',
  )
  assert.deepEqual(
    rows.map(({ sequence }) => sequence),
    Array.from({ length: 9 }, (_, index) => index + 1),
  )
  const chained = rows.map(({ content }) => (JSON.parse(content) as { previous: string }).previous)
  assert.deepEqual(chained, ['', ...rows.slice(0, -1).map(({ hash }) => hash)])
})

test('what has not ended, or is not complete, is not made final', async (t) => {
  const site = await billingSite(t)
  onBasic(site)
  await assert.rejects(site.invoices.finalise(ACME, AUGUST, 'ann'), { code: 'conflict' })
  site.usage.completeUntil(day('2026-07-31'))
  await assert.rejects(site.invoices.finalise(ACME, JULY, 'ann'), {
    code: 'conflict',
    message: /complete up to 2026-07-31/,
  })
  const [made] = await site.invoices.finalise(ACME, JULY, 'ann', { incomplete: true })
  assert.deepEqual(made?.invoice.watermark, day('2026-07-31'))
  await assert.rejects(site.invoices.finalise(GLOBEX, JULY, 'ann'), { code: 'not_found' })
})

test('usage that comes late is on the next invoice, once, at the price of its time', async (t) => {
  const site = await billingSite(t)
  onBasic(site)
  site.use(ACME, 1200, day('2026-07-03'))
  await site.invoices.finalise(ACME, JULY, 'ann')
  site.catalogue.apply('basic', day('2026-07-20'), {
    ...PRICE,
    charges: [{ name: 'base', kind: 'flat', amount: 9900 }],
  })
  site.use(ACME, 1000, day('2026-07-30'))
  site.clock.now = day('2026-09-02')
  const [august] = await site.invoices.finalise(ACME, AUGUST, 'ann')
  assert.deepEqual(amounts(august?.invoice.lines ?? []), {
    base: 9900n,
    'calls of RF-000001': 300n,
  })
  site.clock.now = day('2026-10-02')
  const [september] = await site.invoices.finalise(ACME, parsePeriod('2026-09'), 'ann')
  assert.deepEqual(amounts(september?.invoice.lines ?? []), { base: 9900n })
})

test('a void has a credit note of the same amounts, and frees the period', async (t) => {
  const site = await billingSite(t)
  onBasic(site)
  site.use(ACME, 1200, day('2026-07-03'))
  await site.invoices.finalise(ACME, JULY, 'ann')
  const note = await site.invoices.void(ACME, 'RF-000001', 'bob', 'wrong customer')
  assert.equal(note.invoice.number, 'RF-C000001')
  assert.equal(note.invoice.credits, 'RF-000001')
  assert.deepEqual([note.invoice.subtotal, note.invoice.total], [-3730n, -4439n])
  assert.deepEqual(await site.invoices.void(ACME, 'RF-000001', 'bob', 'again'), note)
  assert.equal((await site.invoices.get(ACME, 'RF-000001')).state, 'void')
  await assert.rejects(site.invoices.void(ACME, 'RF-C000001', 'bob', 'x'), { code: 'conflict' })
  const [again] = await site.invoices.finalise(ACME, JULY, 'ann')
  assert.equal(again?.invoice.number, 'RF-000002')
  assert.deepEqual(
    site.acts.map(({ action }) => action),
    ['invoice.finalised', 'invoice.voided', 'invoice.finalised'],
  )
})

test('an invoice that a later one corrects is not made void before that one', async (t) => {
  const site = await billingSite(t)
  onBasic(site)
  await site.invoices.finalise(ACME, JULY, 'ann')
  site.use(ACME, 1200, day('2026-07-30'))
  site.clock.now = day('2026-09-02')
  const [august] = await site.invoices.finalise(ACME, AUGUST, 'ann')
  assert.equal(august?.invoice.lines.filter(({ kind }) => kind === 'adjustment').length, 1)
  await assert.rejects(site.invoices.void(ACME, 'RF-000001', 'bob', 'x'), {
    code: 'conflict',
    message: /RF-000002/,
  })
  await site.invoices.void(ACME, 'RF-000002', 'bob', 'x')
  await site.invoices.void(ACME, 'RF-000001', 'bob', 'x')
})

test('nobody gets another tenant’s invoice, and an unknown one looks the same', async (t) => {
  const site = await billingSite(t)
  onBasic(site)
  await site.invoices.finalise(ACME, JULY, 'ann')
  const refused = async (work: Promise<unknown>) => {
    const error: unknown = await work.then(() => undefined).catch((thrown: unknown) => thrown)
    assert.ok(error instanceof RingfenceError)
    return { code: error.code, message: error.message, detail: error.detail }
  }
  for (const act of [
    (number: string) => site.invoices.get(GLOBEX, number),
    (number: string) => site.invoices.void(GLOBEX, number, 'eve', 'x'),
    (number: string) => site.invoices.recompute(GLOBEX, number),
  ]) {
    assert.deepEqual(await refused(act('RF-000001')), await refused(act('RF-000009')))
  }
  assert.deepEqual(await site.invoices.list(GLOBEX, { limit: 10 }), [])
  assert.deepEqual(await site.invoices.list(GLOBEX, { limit: 10, before: 'RF-000001' }), [])
})

test('an invoice is made again from events to the last minor unit, and what differs is named', async (t) => {
  const site = await billingSite(t)
  onBasic(site)
  for (let hour = 0; hour < 300; hour += 1) {
    site.use(ACME, 1 + (hour % 7), new Date(day('2026-07-01').getTime() + hour * 3_600_000))
  }
  const [made] = await site.invoices.finalise(ACME, JULY, 'ann')
  const right = await site.invoices.recompute(ACME, made?.invoice.number ?? '')
  assert.deepEqual(
    [right.sent, right.now, right.differences],
    [made?.invoice.subtotal, right.sent, []],
  )
  // The same events once more, as senders send them.
  site.usage.add(...site.usage.events)
  assert.equal((await site.invoices.recompute(ACME, 'RF-000001')).differences.length, 0)
  site.use(ACME, 10_000, day('2026-07-09'))
  const wrong = await site.invoices.recompute(ACME, 'RF-000001')
  assert.deepEqual(
    wrong.differences.map(({ charge, amount }) => [charge, amount]),
    [['calls', wrong.now - wrong.sent]],
  )
})

test('the periods that are due end last before now', () => {
  const ids = (moment: string) => periodsDue(day(moment)).map(({ id }) => id)
  assert.deepEqual(ids('2026-08-02'), ['2026-07'])
  assert.deepEqual(ids('2026-10-01'), ['2026-09', '2026-q3'])
  assert.deepEqual(ids('2027-01-01'), ['2026-12', '2026-q4', '2026'])
})

test('whoever has the id of an erased tenant gets nothing of its bills, and owes none of it', async (t) => {
  const site = await billingSite(t)
  onBasic(site)
  await site.invoices.finalise(ACME, parsePeriod('2026-06'), 'ann')
  site.use(ACME, 5000, day('2026-06-20'))
  site.catalogue.reuse(ACME, day('2026-07-11'))
  site.catalogue.put(ACME, 'basic', day('2026-07-11'))
  const since = await site.catalogue.since(ACME)
  assert.deepEqual(await site.invoices.list(ACME, { limit: 10, since }), [])
  await assert.rejects(site.invoices.get(ACME, 'RF-000001', since), { code: 'not_found' })
  const [draft] = await site.invoices.preview(ACME, JULY)
  assert.deepEqual(amounts(draft?.lines ?? []), { base: 2032n, calls: 0n })
  assert.equal((await site.invoices.list(ACME, { limit: 10 })).length, 1)
})
