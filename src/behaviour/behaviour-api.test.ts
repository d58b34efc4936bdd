import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import { behaviourApi } from './behaviour-api.ts'
import type { Undo } from './responder.ts'

const RIGHTS: Readonly<Record<string, readonly string[]>> = {
  jane: ['read', 'write'],
  erin: ['read'],
}

function served() {
  const undone: [id: string, undo: Undo][] = []
  const app = behaviourApi({
    responses: {
      inForce: async () => [],
      undo: async (id, undo) => void undone.push([id, undo]),
    },
    operatorOf: async (headers, act) => {
      const name = headers.get('authorization') ?? ''
      if (RIGHTS[name]?.includes(act) !== true) throw new RingfenceError('forbidden', 'no')
      return { name }
    },
  })
  const ask = async (path: string, who: string, body?: string) => {
    const method = body === undefined ? 'GET' : 'POST'
    const init = {
      method,
      headers: { authorization: who },
      ...(body === undefined ? {} : { body }),
    }
    return (await app.request(path, init)).status
  }
  return { ask, undone }
}

test('only an operator who may write ends a response, under their own name and with a reason', async () => {
  const { ask, undone } = served()
  const good = JSON.stringify({ reason: 'our own scanner' })
  assert.equal(await ask('/responses/r-1/undo', 'erin', good), 403)
  assert.equal(await ask('/responses/r-1/undo', 'mallory', good), 403)
  for (const body of ['', '{}', '{"reason":""}', '{"reason":"x","by":"erin"}', 'x'.repeat(5_000)]) {
    assert.equal(await ask('/responses/r-1/undo', 'jane', body), 400, body.slice(0, 40))
  }
  assert.deepEqual(undone, [])
  assert.equal(await ask('/responses/r-1/undo', 'jane', good), 200)
  assert.deepEqual(undone, [['r-1', { by: 'jane', reason: 'our own scanner' }]])
})

test('nobody else sees what is in force', async () => {
  const { ask } = served()
  assert.equal(await ask('/responses', 'erin'), 200)
  assert.equal(await ask('/responses', 'mallory'), 403)
  assert.equal(await ask('/', 'jane'), 404)
})
