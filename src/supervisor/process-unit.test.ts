import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { mark, marked, until } from './marked-processes.test-support.ts'
import { type ProcessUnitOptions, processUnit } from './process-unit.ts'

/** A unit that runs a piece of JavaScript, and what it needs to start. */
function script(t: TestContext, code: string, options: Partial<ProcessUnitOptions> = {}) {
  const marker = mark(t)
  const [name = '', value = ''] = marker.split('=')
  const unit = processUnit({
    name: 'child',
    command: process.execPath,
    args: ['-e', code],
    env: { PATH: '/usr/bin:/bin', [name]: value },
    ...options,
  })
  const lines: string[] = []
  const stopping = new AbortController()
  const context = { signal: stopping.signal, log: (line: string) => void lines.push(line) }
  return { start: () => unit.start(context), lines, stopping, marker }
}

const STAY = 'setInterval(() => {}, 1000);'

test('a process is ready when its output says so, and its lines are passed on', async (t) => {
  const { start, lines, marker } = script(
    t,
    `console.log('one'); console.error('listening on 80'); ${STAY}`,
    { readyPattern: /^listening/ },
  )
  const running = await start()
  assert.deepEqual(lines.toSorted(), ['listening on 80', 'one'])
  await running.stop()
  assert.deepEqual(await running.exited, { code: null, signal: 'SIGTERM' })
  assert.deepEqual(marked(marker), [])
})

test('a process is ready when a probe says so, and a probe that fails says no', async (t) => {
  let asked = 0
  const readyProbe = () =>
    ++asked < 3 ? Promise.reject(new Error('not yet')) : Promise.resolve(asked > 3)
  const { start } = script(t, STAY, { readyProbe })
  const running = await start()
  assert.equal(asked, 4)
  await running.stop()
})

test('a process that ends before it is ready is told by how it ended', async (t) => {
  const { start, lines } = script(t, `console.error('no such file'); process.exit(3)`, {
    readyPattern: /never/,
  })
  await assert.rejects(start(), {
    code: 'engine_unavailable',
    message: 'child ended with code 3 before it was ready: no such file',
  })
  assert.deepEqual(lines, ['no such file'])
  const thrown = script(t, `throw new TypeError('a slip')`, { readyPattern: /never/ })
  await assert.rejects(thrown.start(), {
    message: 'child ended with code 1 before it was ready: TypeError: a slip',
  })
  await assert.rejects(script(t, '', { command: '/no/such/program' }).start(), { code: 'ENOENT' })
})

test('a process that is not ready when it is to stop leaves nothing', async (t) => {
  const { start, stopping, marker } = script(t, STAY, { readyPattern: /never/ })
  const starting = start()
  await until('the process runs', () => marked(marker).length === 1)
  stopping.abort()
  await assert.rejects(starting, { message: 'stopped before it was ready' })
  assert.deepEqual(marked(marker), [])
})

const FAMILY = `
  process.on('SIGTERM', () => {});
  require('node:child_process').spawn(process.execPath, ['-e',
    'process.on("SIGTERM", () => {}); console.log("ready"); ${STAY}'], { stdio: 'inherit' });
  ${STAY}`

test('a process that ignores SIGTERM is killed after its grace, children and all', async (t) => {
  const { start, marker } = script(t, FAMILY, { readyPattern: /ready/, graceMs: 100 })
  const running = await start()
  assert.equal(marked(marker).length, 2)
  await running.stop()
  await until('all are gone', () => marked(marker).length === 0)
})

test('children of a process that dies do not outlive it', async (t) => {
  const { start, marker } = script(t, FAMILY, { readyPattern: /ready/ })
  const running = await start()
  const [leader] = marked(marker)
  process.kill(leader ?? 0, 'SIGKILL')
  await running.exited
  await until('all are gone', () => marked(marker).length === 0)
})

test('what a process prints cannot command the terminal or fill the memory', async (t) => {
  const { start, lines } = script(
    t,
    `process.stdout.write('\\x1b]0;title\\x07\\r\\n' + 'x'.repeat(20000) + '\\nend')`,
  )
  const running = await start()
  await running.exited
  assert.equal(lines[0], '\\x1b]0;title\\x07')
  assert.equal(lines.at(-1), 'end')
  assert.ok(lines.every((line) => line.length <= 8_192))
})
