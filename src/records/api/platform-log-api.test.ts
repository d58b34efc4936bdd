import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { Hono } from 'hono'
import type { AuditEntry } from '../../audit/entry.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { listen } from '../../http/listen.ts'
import { MemoryLogStore } from './memory-store.test-support.ts'
import { platformLogApi } from './platform-log-api.ts'

const entry = (tenant?: string): AuditEntry => ({
  id: randomUUID(),
  time: '2026-11-15T08:00:00Z',
  ...(tenant === undefined ? {} : { tenant: parseTenantId(tenant) }),
  category: 'lifecycle',
  action: 'tenant.create',
  actor: { kind: 'operator', id: tenant === undefined ? 'jane' : `of-${tenant}` },
  decision: 'done',
  layer: 'control',
})

test('the platform’s log is read by operators of its security, for as long as they are, and no tenant’s is', async (t) => {
  const scopes: Record<string, readonly string[]> = {
    guard: ['security:write'],
    reader: ['tenants:read', 'catalogue:write', 'support:read'],
  }
  const control = new Hono()
  control.get('/v1/caller', (context) => {
    const name = context.req.header('authorization')?.slice('Bearer '.length) ?? ''
    const known = scopes[name]
    return known === undefined ? context.json({}, 401) : context.json({ name, scopes: known })
  })
  const listening = await listen(control.fetch, { host: '127.0.0.1', port: 0 })
  t.after(() => listening.close())
  const store = new MemoryLogStore()
  await store.append([entry(), entry('acme'), entry()])
  let now = 0
  const api = platformLogApi({
    ...{ store, control: listening.url, log: () => {}, now: () => now },
    keysOf: async (log) => [`key of ${log}`],
  })
  const ask = (path: string, name?: string) =>
    api.request(path, {
      headers: name === undefined ? {} : { authorization: `Bearer ${name}` },
    })
  for (const path of ['/', '/entries', '/entries/1', '/export', '/checkpoint']) {
    const answer = await ask(path, 'guard')
    assert.equal(answer.status, 200, path)
    assert.ok(!(await answer.text()).includes('acme'), path)
    assert.equal((await ask(path, 'reader')).status, 403, path)
    assert.equal((await ask(path, 'nobody')).status, 401, path)
    assert.equal((await ask(path)).status, 401, path)
  }
  for (const path of ['/entries?tenant=acme', '/entries?log=tenant/acme']) {
    assert.equal((await ask(path, 'guard')).status, 400, path)
  }
  const followed = (await ask('/follow?cursor=0', 'guard')).body
  const reader = followed?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (text.split('event: entry').length < 3) text += (await reader?.read())?.value ?? ''
  // Taken back: who follows is looked at again, and the stream ends.
  scopes['guard'] = []
  now = 60_000
  for (let done = false; !done; ) done = (await reader?.read())?.done ?? true
  assert.ok(!text.includes('acme'))
})
