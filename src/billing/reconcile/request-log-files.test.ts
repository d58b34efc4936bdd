import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ACME, day } from '../billing-site.test-support.ts'
import { RequestLogFiles } from './request-log-files.ts'

test('a log gives the requests that a tenant pays for, of the span, whatever else is in its files', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'rf-log-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const line = (request_id: string, more: object = {}) =>
    JSON.stringify({
      time: '2026-07-03T10:00:00.000Z',
      request_id,
      tenant: 'acme',
      subject: 'ann',
      status: 200,
      used: true,
      ...more,
    })
  const lines = [
    line('mine'),
    line('refused', { status: 429, used: undefined }),
    line('stranger', { subject: undefined, status: 401, used: undefined }),
    line('failed', { status: 502 }),
    line('other', { tenant: 'globex' }),
    line('lent', { billed_tenant: 'globex' }),
    line('borrowed', { tenant: 'globex', billed_tenant: 'acme' }),
    line('inner', { within: 'mine', used: undefined }),
    line('before', { time: '2026-07-02T23:59:59.999Z' }),
    line('after', { time: '2026-07-04T00:00:00.000Z' }),
    line('namesake', { tenant: 'acme-two' }),
    'gateway: acme is listening',
    line('torn').slice(0, 40),
  ]
  const [first, second] = ['1.log', '2.log'].map((name) => join(directory, name))
  assert.ok(first !== undefined && second !== undefined)
  writeFileSync(first, `${lines.join('\n')}\n`)
  writeFileSync(second, `${line('more')}\n`)
  const log = new RequestLogFiles(() => Promise.resolve([first, second]))
  const found: string[] = []
  const span = { from: day('2026-07-03'), to: day('2026-07-04') }
  for await (const { id } of log.read(ACME, span)) found.push(id)
  assert.deepEqual(found, ['mine', 'failed', 'borrowed', 'more'])
})
