import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Hono } from 'hono'
import { listen } from '../http/listen.ts'
import { runLine } from './run-line.test-support.ts'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

/** A front door that keeps what it was asked, and answers of sinks as the records plane does. */
async function stage(t: TestContext) {
  const asked: { method: string; path: string; token: string; body: string }[] = []
  const shown = { kind: 'webhook', delivered_at: null, last_error: 'timed_out', set_by: 'ann' }
  const app = new Hono()
  app.use(async (context, next) => {
    const { method, path } = context.req
    const token = context.req.header('authorization') ?? ''
    asked.push({ method, path, token, body: await context.req.text() })
    await next()
  })
  app.get('/t/acme/ringfence/alerts', (context) => {
    const alert = { name: 'quota-spent', severity: 'critical', summary: 'calls', since: 'today' }
    return context.json({ items: [alert] })
  })
  app.get('/t/acme/ringfence/alerts/sinks', (context) =>
    context.json({ items: [{ name: 'pager', ...shown }] }),
  )
  app.put('/t/acme/ringfence/alerts/sinks/:name', (context) =>
    context.json({ name: context.req.param('name'), ...shown }),
  )
  app.put('/t/acme/ringfence/alerts/sinks/:name/confirmation', (context) =>
    context.json({ name: context.req.param('name'), ...shown, unconfirmed: [] }),
  )
  app.delete('/t/acme/ringfence/alerts/sinks/:name', (context) => context.body(null, 204))
  app.notFound((context) => context.json({ title: 'there is no such sink' }, 404))
  const listening = await listen((request) => app.fetch(request), { host: '127.0.0.1', port: 0 })
  const directory = mkdtempSync(join(tmpdir(), 'rf-cli-'))
  t.after(async () => {
    await listening.close()
    rmSync(directory, { recursive: true, force: true })
  })
  const where = ['--url', `${listening.url}/t/acme`, '--token', 'env:TOKEN']
  const run = (...args: readonly string[]) =>
    runLine(['alerts', ...args, ...where], { TOKEN: 'of-ann' })
  return { asked, run, directory }
}

test('a tenant’s alerts and sinks are listed, set from a file and removed, with the token of its administrator', async (t) => {
  const { asked, run, directory } = await stage(t)
  assert.match((await run('list')).out, /quota-spent +critical/)
  assert.match((await run('sinks')).out, /pager +webhook .*timed_out/)
  const file = join(directory, 'pager.yaml')
  const url = 'https://hooks.acme.example/x'
  writeFileSync(file, `sink: { kind: webhook, url: '${url}', secrets: ['${SECRET}'] }\n`)
  const made = await run('set-sink', 'pager', '-f', file)
  assert.equal(made.code, 0, made.err)
  assert.ok(!made.out.includes(SECRET))
  assert.deepEqual(JSON.parse(asked.at(-1)?.body ?? ''), {
    sink: { kind: 'webhook', url, secrets: [SECRET] },
  })
  const confirmed = await run('confirm', 'pager', 'ops@acme.example', '--code', 'ABCDEFGHJK')
  assert.equal(confirmed.code, 0, confirmed.err)
  assert.ok(asked.at(-1)?.path.endsWith('/sinks/pager/confirmation'))
  const told = { address: 'ops@acme.example', code: 'ABCDEFGHJK' }
  assert.deepEqual(JSON.parse(asked.at(-1)?.body ?? ''), told)
  assert.match((await run('remove-sink', 'pager', '--yes')).out, /pager is removed/)
  assert.deepEqual(
    asked.map(({ method, token }) => [method, token]),
    ['GET', 'GET', 'PUT', 'PUT', 'DELETE'].map((method) => [method, 'Bearer of-ann']),
  )
})

test('a sink that there is not, or a file that is none, is refused with one line', async (t) => {
  const { run, directory } = await stage(t)
  for (const args of [
    ['sinks', 'other'],
    ['set-sink', 'pager', '-f', join(directory, 'nowhere.yaml')],
    ['set-sink', 'pager'],
  ]) {
    const { code, err } = await run(...args)
    assert.equal(code, 2, args.join(' '))
    assert.match(err, /^ringfence: [^\n]+\n$/)
  }
})
