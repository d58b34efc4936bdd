import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { mark, marked, until } from './marked-processes.test-support.ts'

/** A supervisor in a process of its own. */
function supervise(t: TestContext, mode: string) {
  const marker = mark(t)
  const [name = '', value = ''] = marker.split('=')
  const script = new URL('supervise.test-support.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, 'supervise', mode], {
    env: { PATH: '/usr/bin:/bin', [name]: value },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const lines: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => void lines.push(line))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const up = () => until('all are up', () => lines.includes('all up'))
  return { child, lines, ended, up, marker }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} stops everything in order and leaves no process`, async (t) => {
    const { child, lines, ended, up, marker } = supervise(t, 'wait')
    await up()
    assert.equal(marked(marker).length, 3)
    child.kill(signal)
    assert.equal(await ended, 0)
    const after = lines.slice(lines.indexOf('all up') + 1)
    const expected = [
      'stopping b',
      'stopped b',
      'stopping a',
      'stopped a',
      `ended ${signal} aborted`,
    ]
    assert.deepEqual(after, expected)
    assert.deepEqual(marked(marker), [])
  })
}

test('a second signal ends at once what did not heed the first', async (t) => {
  const { child, lines, ended, up, marker } = supervise(t, 'stubborn')
  await up()
  child.kill('SIGINT')
  await until('it is stopping', () => lines.includes('stopping b'))
  child.kill('SIGINT')
  assert.equal(await ended, 0)
  await until('all are gone', () => marked(marker).length === 0)
})

test('a signal in the middle of the start stops what has started', async (t) => {
  const { child, lines, ended, marker } = supervise(t, 'wait')
  await until('the first starts', () => lines.includes('starting a'))
  child.kill('SIGTERM')
  assert.equal(await ended, 0)
  assert.deepEqual(marked(marker), [])
})

test('when the work is done or fails, everything is stopped', async (t) => {
  const done = supervise(t, 'work')
  assert.equal(await done.ended, 0)
  assert.equal(done.lines.at(-1), 'ended undefined done')
  const failed = supervise(t, 'fail')
  assert.equal(await failed.ended, 1)
  assert.ok(failed.lines.includes('stopped a'))
  assert.deepEqual([...marked(done.marker), ...marked(failed.marker)], [])
})

test('an error that nobody catches leaves no process', async (t) => {
  const { ended, marker } = supervise(t, 'throw')
  assert.equal(await ended, 1)
  await until('all are gone', () => marked(marker).length === 0)
})

test('children that watch for it do not outlive a supervisor that was killed', async (t) => {
  const { child, ended, up, marker } = supervise(t, 'wait')
  await up()
  child.kill('SIGKILL')
  await ended
  await until('all are gone', () => marked(marker).length === 0)
})
