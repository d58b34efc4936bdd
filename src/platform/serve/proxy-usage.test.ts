import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseClientId } from '../../core/names.ts'
import { until } from '../../core/until.test-support.ts'
import { lineOf, USED } from '../../external-authorization/access-log.test-support.ts'
import { RequestLogFiles } from '../../billing/reconcile/request-log-files.ts'
import { requestLogDays } from '../../billing/reconcile/request-log-days.ts'
import { openProxyUsage } from './proxy-usage.ts'

const SECRET = 'a-secret-of-the-tests-0123456789ab'

test('what a proxy carries is sent on as usage of its own, and is in the request log too', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'rf-proxy-usage-'))
  const batches: { source: string; completeTo: string | undefined; body: string }[] = []
  const records = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      const fields = request.headersDistinct
      const [source = ''] = fields['ringfence-source'] ?? []
      batches.push({ source, completeTo: fields['ringfence-complete-to']?.[0], body })
      response.writeHead(204).end()
    })
  })
  const socket = join(directory, 'records')
  await new Promise<void>((resolve) => records.listen(socket, resolve))
  const logs = join(directory, 'logs')
  await mkdir(logs)
  const logFile = join(logs, 'usage.log')
  await writeFile(logFile, '')
  await writeFile(join(directory, 'secret'), `${SECRET}\n`)
  const spec = {
    authorizers: {
      secretFile: join(directory, 'secret'),
      ...{ publicProtocol: 'https' as const, remembered: false, fields: [] },
      accessLogs: [{ proxy: 'nginx-1', logFile }],
    },
    journalDirectory: join(directory, 'journal'),
    records: {
      address: `unix:${socket}`,
      audience: 'ringfence-records',
      client: parseClientId('ringfence-gateway'),
      key: join(directory, 'client.jwk'),
      source: 'gateway-1',
    },
    requestLog: { directory: join(directory, 'requests'), daysKept: 62 },
  }
  const open = await openProxyUsage(spec, () => undefined)
  t.after(async () => {
    await open?.close()
    records.closeAllConnections()
    records.close()
    await rm(directory, { recursive: true, force: true })
  })
  const id = randomBytes(16).toString('hex')
  const ended = Date.now()
  const ended_s = `${Math.floor(ended / 1000)}.${String(ended % 1000).padStart(3, '0')}`
  await appendFile(logFile, `${lineOf({ id, ended_s })}\n`)
  await until(() => batches.some(({ body }) => body.includes(id)))
  const { source, body } = batches.find((batch) => batch.body.includes(id)) ?? {}
  assert.equal(source, 'gateway-1-proxies')
  const { value } = JSON.parse(body?.trim() ?? '') as { value: { source: string; id: string } }
  assert.equal(value.source, '/ringfence/ringfence-gateway/proxies/nginx-1')
  assert.equal(value.id, id)
  // What may still come from the proxy is not called complete.
  for (const { completeTo } of batches) {
    assert.ok(completeTo === undefined || Date.parse(completeTo) < ended)
  }
  const span = { from: new Date(ended - 1), to: new Date(ended + 1) }
  const files = new RequestLogFiles(requestLogDays(spec.requestLog.directory))
  const found: string[] = []
  for await (const one of files.read(USED.tenantid, span)) found.push(one.id)
  assert.deepEqual(found, [id])
})

test('logs that nobody takes what is in them from are not read', async () => {
  const authorizers = {
    ...{ secretFile: '/nowhere', publicProtocol: 'https' as const, remembered: false, fields: [] },
    accessLogs: [{ proxy: 'nginx-1', logFile: '/nowhere/usage.log' }],
  }
  await assert.rejects(
    openProxyUsage({ authorizers }, () => undefined),
    {
      code: 'invalid_manifest',
    },
  )
  const none = { authorizers: { ...authorizers, accessLogs: [] } }
  assert.equal(await openProxyUsage(none, () => undefined), undefined)
})
