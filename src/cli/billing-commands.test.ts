import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Hono } from 'hono'
import { servedBilling } from '../billing/api/billing-api.test-support.ts'
import { ACME, day } from '../billing/billing-site.test-support.ts'
import { listen } from '../http/listen.ts'
import { runLine } from './run-line.test-support.ts'

/** The operators' router on a real listener, and the files of a platform that point to it. */
async function stage(t: TestContext) {
  const site = await servedBilling(t)
  const app = new Hono().route('/v1/billing', site.operators)
  const listening = await listen((request) => app.fetch(request), { host: '127.0.0.1', port: 0 })
  const state = mkdtempSync(join(tmpdir(), 'rf-cli-'))
  t.after(async () => {
    await listening.close()
    rmSync(state, { recursive: true, force: true })
  })
  writeFileSync(join(state, 'records.url'), listening.url)
  writeFileSync(join(state, 'control.url'), 'http://127.0.0.1:1')
  writeFileSync(join(state, 'operator.token'), 'writer\n', { mode: 0o600 })
  const run = (...args: readonly string[]) => runLine(['billing', ...args, '--state', state])
  return { ...site, run, state }
}

test('a bill is previewed, made final, shown, recomputed and taken back', async (t) => {
  const { run, state, use } = await stage(t)
  const preview = await run('preview', 'acme', '--period', '2026-07')
  assert.equal(preview.code, 0, preview.err)
  assert.match(preview.out, /calls .*1200 .*7\.30/)
  assert.match(preview.out, /37\.30, with taxes 44\.39 EUR/)
  const made = await run('finalise', 'acme', '--period', '2026-07', '--json')
  const [invoice] = JSON.parse(made.out) as { number: string; total: string }[]
  assert.deepEqual([invoice?.number, invoice?.total], ['RF-000001', '4439'])
  assert.match((await run('invoices', 'acme')).out, /RF-000001 .*final .*44\.39/)
  assert.match((await run('invoices', 'acme', 'RF-000001')).out, /calls/)
  const file = join(state, 'invoice.csv')
  await run('invoices', 'acme', 'RF-000001', '--csv', file)
  assert.match(readFileSync(file, 'utf8'), /RF-000001,2026-07,EUR,charge,calls/)
  const pdf = join(state, 'invoice.pdf')
  assert.match((await run('invoices', 'acme', 'RF-000001', '--pdf', pdf)).out, /is written/)
  const bytes = readFileSync(pdf)
  // As it was made: bytes that are no text are in it.
  assert.ok(bytes.subarray(0, 5).equals(Buffer.from('%PDF-')) && bytes.includes(0xff))
  assert.equal((await run('recompute', 'acme', 'RF-000001')).code, 0)
  use(ACME, 100, day('2026-07-09'))
  const wrong = await run('recompute', 'acme', 'RF-000001')
  assert.equal(wrong.code, 1)
  assert.match(wrong.out, /calls .*0\.30/)
  const note = await run('void', 'acme', 'RF-000001', '--reason', 'wrong', '-o', 'yaml')
  assert.match(note.out, /number: RF-C000001/)
})

test('what does not agree ends with 1 and is named, and costs are shown', async (t) => {
  const { run } = await stage(t)
  assert.equal((await run('reconcile', 'acme', '--period', '2026-07')).code, 0)
  const costs = await run('costs', '--period', '2026-07')
  assert.match(costs.out, /GIB-HOURS +STORAGE +ENGINE HOURS +QUERY/)
  // Nothing measures here: nobody is told that it was nothing.
  assert.match(costs.out, /acme +pooled +1\.00 +\? +\? +\? +\? +\? +\? +\? +\? +1\.00/)
  const margin = await run('margin', '--period', '2026-07')
  assert.match(margin.out, /acme +pooled +1\.00 +37\.30 +36\.30 +97/)
  const advice = await run('advice', '--period', '2026-07', '--tenant', 'acme')
  assert.match(advice.out, /acme +pooled +1\.00 +5\.00 +90\.00 +\? +stay/)
  assert.equal(
    (await run('margin', '--period', '2026-07', '--tenant', 'globex')).out.split('\n').length,
    3,
  )
})

test('misuse is refused with one line, and a platform without a records plane says so', async (t) => {
  const { run, state } = await stage(t)
  for (const args of [
    ['preview', 'Acme!', '--period', '2026-07'],
    ['preview', 'acme'],
    ['preview', 'acme', '--period', 'now'],
    ['finalise', 'acme', '--period', '2026-09'],
    ['invoices', 'acme', 'RF-000009'],
    ['invoices', 'acme', '--csv', 'x.csv'],
    ['invoices', 'acme', '--pdf', 'x.pdf'],
    ['invoices', 'acme', 'RF-000009', '--pdf', 'x.pdf'],
  ]) {
    const { code, err } = await run(...args)
    assert.equal(code, 2, args.join(' '))
    assert.match(err, /^ringfence: [^\n]+\n$/)
  }
  rmSync(join(state, 'records.url'))
  assert.match((await run('costs', '--period', '2026-07')).err, /no records plane runs/)
})
