import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Hono } from 'hono'
import { scratch } from '../clusters/scratch.test-support.ts'
import { listen } from '../http/listen.ts'
import { entriesOf, type MemoryLog, memoryLog } from '../transparency/memory-log.test-support.ts'
import { logSigner, newSeed } from '../transparency/note-signer.ts'
import { runLine } from './run-line.test-support.ts'

const signer = logSigner('audit.example/tenant/acme', newSeed())
const problem = (status: number, title: string) => Response.json({ title }, { status })

/** A front door with a log behind it, and what a program at a terminal would see. */
async function stage(t: TestContext, size = 600) {
  const log: MemoryLog = memoryLog(entriesOf(size), signer)
  const asked: string[] = []
  const follows: ((cursor: string) => Response)[] = []
  let token = 'of-ann'
  const app = new Hono().basePath('/t/acme/ringfence/audit')
  app.use(async (context, next) => {
    const { path, url } = context.req
    asked.push(url.slice(url.indexOf(path) + '/t/acme/ringfence/audit'.length))
    const shown = context.req.header('authorization')
    if (shown !== `Bearer ${token}`) return problem(401, 'this needs a "token"')
    return next()
  })
  app.get('/', (context) => {
    const checkpoint = String(log.get('checkpoint'))
    return context.json({ log: 'tenant/acme', keys: [signer.key.text, 'later'], checkpoint })
  })
  app.get('/entries', (context) =>
    context.req.query('cursor') === undefined
      ? context.json({ items: [{ index: 0, leaf_hash: 'ab', entry: null }], next: '1' })
      : problem(503, 'entries are gone'),
  )
  app.get('/export', () => {
    const lines = ['{"index":0}\n', '{"index":1}\n']
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const line = lines.shift()
        if (line === undefined) controller.error(new Error('the database is away'))
        else controller.enqueue(Buffer.from(line))
      },
    })
    return new Response(body)
  })
  app.get('/follow', (context) => {
    const next = follows.shift()
    return next === undefined
      ? problem(401, 'the token has ended')
      : next(context.req.query('cursor') ?? '')
  })
  app.get('/*', (context) => {
    const bytes = log.get(context.req.path.slice('/t/acme/ringfence/audit/'.length))
    return bytes === undefined ? problem(404, 'nothing') : new Response(Uint8Array.from(bytes))
  })
  const listening = await listen((request) => app.fetch(request), { host: '127.0.0.1', port: 0 })
  t.after(() => listening.close())
  const run = (...args: readonly string[]) => runLine(['audit', ...args], { TOKEN: 'of-ann' })
  const door = ['--url', `${listening.url}/t/acme`, '--token', 'env:TOKEN']
  return { log, asked, follows, run, door, end: () => void (token = 'another') }
}

const events = (...indexes: readonly number[]) =>
  new Response(indexes.map((n) => `id: ${n}\nevent: entry\ndata: {"index":${n}}\n\n`).join(''), {
    headers: { 'content-type': 'text/event-stream' },
  })

test('a log is taken home as files and verified there, and later only what is new is fetched', async (t) => {
  const { log, asked, run, door } = await stage(t)
  const directory = join(scratch(t), 'acme')
  const taken = await run('download', directory, ...door)
  assert.equal(taken.code, 0, taken.err)
  assert.match(taken.out, /^audit\.example\/tenant\/acme: 600 entries, 8 new files in /)
  const keys = await run('keys', ...door)
  assert.equal(keys.out, `${signer.key.text}\nlater\n`)
  const key = join(directory, 'acme.vkey')
  writeFileSync(key, signer.key.text)
  const verified = await run('verify', directory, '--key', key)
  assert.match(verified.out, /verdict {5}whole/)
  for (const [path, bytes] of memoryLog(entriesOf(700), signer)) log.set(path, bytes)
  asked.length = 0
  assert.equal((await run('download', directory, ...door)).code, 0)
  assert.ok(!asked.includes('/tile/entries/000') && asked.includes('/tile/entries/002.p/188'))
  assert.match((await run('verify', directory, '--key', key)).out, /entries {5}700\n/)
})

test('of a log that lost a part the rest is taken home, with exit code 1', async (t) => {
  const { log, run, door } = await stage(t)
  log.delete('tile/entries/001')
  const directory = scratch(t)
  const { code, err } = await run('download', directory, ...door)
  assert.equal(code, 1)
  assert.match(err, /needs them: tile\/entries\/001\n$/)
  const verified = await run('verify', directory, '--key', signer.key.text)
  assert.match(verified.out, /entries 256 to 511 of the checkpoint are not there/)
  rmSync(directory, { recursive: true })
  writeFileSync(directory, 'a file')
  const unwritable = await run('download', directory, ...door)
  assert.equal(unwritable.code, 2)
  assert.match(unwritable.err, /^ringfence: [^\n]+ cannot be written[^\n]+\n$/)
})

test('who follows misses nothing when a connection ends, and is told where to go on when the token does', async (t) => {
  const { asked, follows, run, door } = await stage(t)
  follows.push(
    () => events(600, 601),
    () => problem(503, 'not now'),
    (cursor) => events(Number(cursor)),
  )
  const { code, out, err } = await run(
    'follow',
    ...door,
    '--decision',
    'denied',
    '--trace-id',
    'ab',
  )
  assert.equal(out, '{"index":600}\n{"index":601}\n{"index":602}\n')
  assert.equal(code, 2)
  assert.match(err, /the token is not good any more: go on with a new one and --from 603\n$/)
  const found = asked.filter((path) => path.startsWith('/follow'))
  assert.equal(found[0], '/follow?cursor=600&decision=denied&trace_id=ab')
  assert.equal(found.length, 4)
})

test('what was found before entries that are gone is shown, and then the trouble', async (t) => {
  const { run, door } = await stage(t, 1)
  const { code, out, err } = await run('list', ...door, '--order', 'oldest')
  assert.equal(code, 2)
  assert.match(out, /^INDEX.*\n0 +- +erased/)
  assert.equal(err, 'ringfence: entries are gone\n')
})

test('an export that breaks off says so, and does not look whole', async (t) => {
  const { run, door } = await stage(t)
  const { code, out, err } = await run('export', ...door)
  assert.equal(code, 2)
  assert.ok('{"index":0}\n{"index":1}\n'.startsWith(out))
  assert.match(err, /^ringfence: the export broke off: [^\n]+\n$/)
})

test('the platform’s own log is read and taken home by the socket of a platform here', async (t) => {
  const log = memoryLog(entriesOf(300), logSigner('audit.example/platform', newSeed()))
  const app = new Hono()
  app.get('/v1/logs/platform/entries', (context) => {
    const item = { index: 0, leaf_hash: 'ab', entry: null }
    return context.json({ items: [item], shown: context.req.header('authorization') })
  })
  app.get('/v1/logs/platform/*', (context) => {
    const bytes = log.get(context.req.path.slice('/v1/logs/platform/'.length))
    return bytes === undefined ? problem(404, 'nothing') : new Response(Uint8Array.from(bytes))
  })
  const state = scratch(t)
  const socket = join(state, 'records.sock')
  const listening = await listen((request) => app.fetch(request), { socket })
  t.after(() => listening.close())
  for (const [name, text] of [
    ['records.url', `unix:${socket}`],
    ['control.url', 'http://127.0.0.1:1'],
    ['operator.token', 'op'],
  ] as const) {
    writeFileSync(join(state, name), text, { mode: 0o600 })
  }
  const { run } = await stage(t, 1)
  const here = ['--platform', '--state', state]
  assert.match((await run('list', ...here)).out, /0 +- +erased/)
  const taken = await run('download', join(state, 'log'), ...here)
  assert.match(taken.out, /^audit\.example\/platform: 300 entries/, taken.err)
  const verified = await run('verify', join(state, 'log'), '--key', signer.key.text)
  assert.match(verified.out, /the checkpoint is not the log's/)
})

test('a refusal is one line, and a token is sent encrypted or not off this machine', async (t) => {
  const { run, door, end } = await stage(t)
  for (const url of [
    'http://acme.example',
    'http://10.0.0.7:4180/t/acme',
    'http://localhost.example',
  ]) {
    const { code, err } = await run('checkpoint', '--url', url, '--token', 'env:TOKEN')
    assert.deepEqual([code, /not sent over http/.test(err)], [2, true], url)
  }
  end()
  for (const args of [['follow'], ['keys'], ['list'], ['export'], ['get', '1']]) {
    const { code, out, err } = await run(...args, ...door)
    assert.deepEqual([code, out, err], [2, '', 'ringfence: this needs a "token"\n'], args[0])
  }
  const download = await run('download', scratch(t), ...door)
  assert.match(download.err, /^ringfence: the token is not good here/)
})
