import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { listen, type Listening } from '../../http/listen.ts'
import { TestApi } from './api-client.test-support.ts'

describe('the target of a request', () => {
  let directory = ''
  let listening: Listening
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rf-test-'))
    const { app } = new TestApi()
    listening = await listen(app.fetch, { socket: join(directory, 's') })
  })
  after(async () => {
    await listening.close()
    await rm(directory, { recursive: true })
  })

  /** The status of an answer to bytes. */
  const ask = (target: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(join(directory, 's'))
      let text = ''
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      socket.on('error', reject)
      socket.on('close', () => resolve(text.split(' ', 2)[1] ?? ''))
      socket.write(`GET ${target} HTTP/1.1\r\nHost: control\r\nConnection: close\r\n\r\n`)
    })

  test('is taken in its plain form, with and without a query', async () => {
    assert.equal(await ask('/healthz'), '200')
    assert.equal(await ask('/healthz?a=/../b'), '200')
  })

  for (const target of [
    '/x/../healthz',
    '/./healthz',
    '/x/%2e%2e/healthz',
    '/x/.%2E/healthz',
    '/x\\..\\healthz',
    'http://control/x/../healthz',
  ]) {
    test(`is refused where somebody in front may read it otherwise: ${target}`, async () => {
      assert.notEqual(await ask(target), '200')
    })
  }
})
