import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Hono } from 'hono'
import { listen } from '../../http/listen.ts'
import { operatorOf } from './operator.ts'

test('an operator is who the control plane says at this moment, and may what its scopes say', async (t) => {
  const scopes: Record<string, readonly string[]> = {
    reader: ['tenants:read'],
    writer: ['tenants:read', 'catalogue:write'],
    other: ['leases:read'],
  }
  const control = new Hono()
  control.get('/v1/caller', (context) => {
    const name = context.req.header('authorization')?.slice('Bearer '.length) ?? ''
    if (name === 'late') return context.json({}, 503)
    const known = scopes[name]
    return known === undefined ? context.json({}, 401) : context.json({ name, scopes: known })
  })
  const listening = await listen(control.fetch, { host: '127.0.0.1', port: 0 })
  t.after(() => listening.close())
  const ask = (name: string | undefined, act: 'read' | 'write') =>
    operatorOf(
      listening.url,
      new Headers(name === undefined ? {} : { authorization: `Bearer ${name}` }),
      act,
    )
  assert.deepEqual(await ask('reader', 'read'), { name: 'reader' })
  assert.deepEqual(await ask('writer', 'write'), { name: 'writer' })
  await assert.rejects(ask('reader', 'write'), { code: 'forbidden' })
  await assert.rejects(ask('other', 'read'), { code: 'forbidden' })
  await assert.rejects(ask(undefined, 'read'), { code: 'not_authenticated' })
  await assert.rejects(ask('nobody', 'read'), { code: 'not_authenticated' })
  await assert.rejects(ask('late', 'read'), { code: 'engine_unavailable' })
  scopes['reader'] = []
  await assert.rejects(ask('reader', 'read'), { code: 'forbidden' })
})
