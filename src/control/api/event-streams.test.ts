import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ACME, TestApi } from './api-client.test-support.ts'

async function started(options: ConstructorParameters<typeof TestApi>[0] = {}) {
  const api = new TestApi(options)
  const token = api.plane.operator('first')
  const made = await api.call('POST', '/v1/tenants', { token, body: ACME })
  const id = String(made.body.id)
  return { api, token, id, path: `/v1/workflows/${id}/events` }
}

interface Read {
  readonly ids: readonly number[]
  readonly ended: boolean
  readonly comments: number
}

function read(text: string): Read {
  return {
    ids: [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1])),
    ended: /^event: end$/m.test(text),
    comments: [...text.matchAll(/^: here$/gm)].length,
  }
}

describe('the events of a workflow', () => {
  test('come in order as it goes on, and end with the workflow', async () => {
    const { api, token, id, path } = await started()
    const watching = api.call('GET', path, { token })
    for (let n = 0; n < 3; n += 1) {
      await new Promise((resolve) => setImmediate(resolve))
      api.plane.step(id)
    }
    const { text, headers } = await watching
    assert.match(headers.get('content-type') ?? '', /^text\/event-stream/)
    const { ids, ended } = read(text)
    assert.deepEqual(ids, [1, 2, 3, 4, 5, 6, 7])
    assert.ok(ended)
    assert.match(text, /"state":"succeeded"/)
  })

  test('go on after Last-Event-ID: none twice, none left out', async () => {
    const { api, token, id, path } = await started()
    for (let n = 0; n < 3; n += 1) api.plane.step(id)
    for (let last = 0; last <= 7; last += 1) {
      const headers = { 'last-event-id': String(last) }
      const { ids, ended } = read((await api.call('GET', path, { token, headers })).text)
      assert.deepEqual(ids, [1, 2, 3, 4, 5, 6, 7].slice(last))
      assert.ok(ended)
    }
  })

  test('show signs of life, and end without `end` when the stream is old', async () => {
    const { api, token, path } = await started({ heartbeatMs: 5, streamMsMax: 200 })
    const { comments, ended } = read((await api.call('GET', path, { token })).text)
    assert.ok(comments > 0)
    assert.equal(ended, false)
  })

  test('of a failed workflow end with why', async () => {
    const { api, token, id, path } = await started()
    api.plane.fail(id, 'the cell does not answer')
    const { text } = await api.call('GET', path, { token })
    assert.match(text, /"error":"the cell does not answer"/)
    assert.ok(read(text).ended)
  })

  test('are refused above the limit of streams, and a stream that was left makes room', async () => {
    const { api, token, path } = await started({ streamsMax: 1 })
    const request = () => api.app.request(path, { headers: { authorization: `Bearer ${token}` } })
    const first = await request()
    assert.equal(first.status, 200)
    assert.equal((await request()).status, 503)
    await first.body?.cancel()
    let status = 503
    for (let tries = 0; tries < 200 && status === 503; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10))
      const next = await request()
      status = next.status
      await next.body?.cancel()
    }
    assert.equal(status, 200)
  })

  test('end without `end` when the token of their reader is revoked, at the next event', async () => {
    const { api, token, id, path } = await started()
    const reader = api.plane.operator('reader', ['tenants:read'])
    const [cut, whole] = [reader, token].map((one) => api.call('GET', path, { token: one }))
    await new Promise((resolve) => setImmediate(resolve))
    await api.call('DELETE', '/v1/operators/reader', { token })
    for (let n = 0; n < 3; n += 1) {
      await new Promise((resolve) => setImmediate(resolve))
      api.plane.step(id)
    }
    const { text = '' } = (await cut) ?? {}
    assert.equal(read(text).ended, false)
    assert.doesNotMatch(text, /"state":"succeeded"/)
    assert.ok(read((await whole)?.text ?? '').ended)
  })

  test('end at a sign of life when the token of their reader is revoked', async () => {
    const { api, token, path } = await started({ heartbeatMs: 5 })
    const reader = api.plane.operator('reader', ['tenants:read'])
    const cut = api.call('GET', path, { token: reader })
    await new Promise((resolve) => setImmediate(resolve))
    await api.call('DELETE', '/v1/operators/reader', { token })
    assert.equal(read((await cut).text).ended, false)
  })

  test('of a workflow that there is not are a 404, not a stream', async () => {
    const { api, token } = await started()
    const answer = await api.call('GET', '/v1/workflows/none/events', { token })
    assert.equal(answer.status, 404)
  })
})
