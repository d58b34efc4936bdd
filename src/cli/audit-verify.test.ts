import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { scratch } from '../clusters/scratch.test-support.ts'
import { listen } from '../http/listen.ts'
import { entriesOf, type MemoryLog, memoryLog } from '../transparency/memory-log.test-support.ts'
import { cosigner, logSigner, newSeed } from '../transparency/note-signer.ts'
import { runLine } from './run-line.test-support.ts'

const signer = logSigner('audit.example/tenant/acme', newSeed())
const witness = cosigner('witness.example/w1', newSeed(), () => 1_795_000_000)
const entries = entriesOf(600)
const KEY = ['--key', signer.key.text]

function written(t: TestContext, log: MemoryLog): string {
  const directory = scratch(t)
  for (const [path, bytes] of log) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), bytes)
  }
  return directory
}

const verify = (...args: readonly string[]) =>
  runLine(['audit', 'verify', ...args], { TOKEN: 'of-ann' })

test('a whole log is found whole from its files and its key alone', async (t) => {
  const directory = written(t, memoryLog(entries, signer, witness))
  const { code, out } = await verify(directory, ...KEY, '--witness', witness.key.text)
  assert.equal(code, 0)
  assert.match(out, /^log {9}audit\.example\/tenant\/acme\nentries {5}600\n/)
  assert.match(out, /cosigned {4}witness\.example\/w1\+/)
  assert.match(out, /verdict {5}whole/)
})

test('what was done to a log is said in words and in JSON, and the exit code is 1', async (t) => {
  const log = memoryLog(entries, signer)
  const other = memoryLog(entries.with(300, Buffer.from('strange')), signer)
  log.set('tile/entries/001', other.get('tile/entries/001') ?? Buffer.alloc(0))
  const directory = written(t, log)
  const text = await verify(directory, ...KEY)
  assert.equal(text.code, 1)
  assert.match(text.out, /finding {5}entry 300 was changed\nverdict {5}NOT as it was signed/)
  const json = await verify(directory, ...KEY, '--json')
  assert.equal(json.code, 1)
  const report = JSON.parse(json.out) as { verdict: string; findings: unknown }
  assert.equal(report.verdict, 'not as signed')
  assert.deepEqual(report.findings, [
    { kind: 'changed', index: 300, text: 'entry 300 was changed' },
  ])
  rmSync(join(directory, 'tile/entries/002.p'), { recursive: true })
  assert.match(
    (await verify(directory, ...KEY)).out,
    /entries 512 to 599 of the checkpoint are not there/,
  )
})

test('an older checkpoint shows a log that was cut off or forked by its owner', async (t) => {
  const since = join(scratch(t), 'since.checkpoint')
  writeFileSync(since, memoryLog(entries, signer).get('checkpoint') ?? '')
  const cut = await verify(written(t, memoryLog(entriesOf(500), signer)), ...KEY, '--since', since)
  assert.equal(cut.code, 1)
  assert.match(cut.out, /truncated: entries 500 to 599 of the older checkpoint/)
  const forked = memoryLog(entriesOf(700).with(2, Buffer.from('strange')), signer)
  const fork = await verify(written(t, forked), ...KEY, '--since', since)
  assert.equal(fork.code, 1)
  assert.match(fork.out, /forked: one or more of its first 600 entries/)
})

test('the newest checkpoint of an anchor’s file is what a log has to continue', async (t) => {
  const [old, now] = [entriesOf(400), entries].map((of) =>
    String(memoryLog(of, signer).get('checkpoint')),
  )
  const file = join(scratch(t), 'audit.example%2Ftenant%2Facme.checkpoints')
  const lines = [old, now].map((checkpoint) => JSON.stringify({ checkpoint }))
  writeFileSync(file, `\n${lines.join('\n\n')}\n{"checkpoint":"cut by a ki`)
  const whole = await verify(written(t, memoryLog(entries, signer)), ...KEY, '--since', file)
  assert.equal(whole.code, 0, whole.err)
  const cut = await verify(written(t, memoryLog(entriesOf(500), signer)), ...KEY, '--since', file)
  assert.match(cut.out, /truncated: entries 500 to 599/)
})

test('a file holds all keys of a log, and one that holds none is misuse', async (t) => {
  const other = logSigner('audit.example/tenant/acme', newSeed())
  const directory = written(t, memoryLog(entries, signer))
  const file = join(scratch(t), 'acme.vkey')
  writeFileSync(file, `${other.key.text}\n${signer.key.text}\n`)
  assert.equal((await verify(directory, '--key', file)).code, 0)
  writeFileSync(file, '\n')
  assert.match((await verify(directory, '--key', file)).err, /holds no key\n$/)
})

test('who may not read is told so at once, and a token is not sent in the clear', async (t) => {
  let asked = 0
  const server = await listen(
    () => {
      asked += 1
      return new Response('', { status: 401 })
    },
    { host: '127.0.0.1', port: 0 },
  )
  t.after(() => server.close())
  assert.match((await verify(server.url, ...KEY)).err, /wants to know who reads: --token\n$/)
  const told = await verify(server.url, ...KEY, '--token', 'env:TOKEN')
  assert.match(told.err, /the token is not good here/)
  assert.equal(asked, 2)
  const away = await verify('http://audit.example/acme', ...KEY, '--token', 'env:TOKEN')
  assert.deepEqual([away.code, /not sent over http/.test(away.err)], [2, true])
})

test('a log is verified from a web server too', async (t) => {
  const log = memoryLog(entries, signer)
  const server = await listen(
    (request) => {
      const path = new URL(request.url).pathname.replace('/acme/', '')
      const bytes = log.get(path)
      return bytes === undefined
        ? new Response('', { status: 404 })
        : new Response(Buffer.from(bytes))
    },
    { host: '127.0.0.1', port: 0 },
  )
  t.after(() => server.close())
  assert.equal((await verify(`${server.url}/acme/`, ...KEY)).code, 0)
  log.delete('tile/entries/000')
  assert.match((await verify(`${server.url}/acme`, ...KEY)).out, /entries 0 to 255/)
})

test('what cannot be read or makes no sense is misuse: exit code 2 and one line', async (t) => {
  const directory = written(t, memoryLog(entries, signer))
  for (const args of [
    [directory],
    [join(directory, 'nowhere'), ...KEY],
    [scratch(t), ...KEY],
    [directory, '--key', 'no key'],
    [directory, '--key', witness.key.text],
    [directory, ...KEY, '--witness', signer.key.text],
    [directory, ...KEY, '--quorum', '1'],
    [directory, ...KEY, '--token', 'secret'],
    [directory, ...KEY, '--since', join(directory, 'tile/0/000')],
  ]) {
    const { code, out, err } = await verify(...args)
    assert.equal(code, 2, args.join(' '))
    assert.equal(out, '')
    assert.match(err, /^ringfence: [^\n]+\n$/)
  }
})
