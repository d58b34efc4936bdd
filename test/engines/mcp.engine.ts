import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { tokenOf } from '../../src/gateway/door.test-support.ts'
import { openMcpSite } from '../../src/gateway/mcp/mcp-site.test-support.ts'

const SUITE = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url),
)
/** Those of the public suite that are about what a server of tools alone serves. */
const SCENARIOS = ['server-initialize', 'ping', 'tools-list', 'dns-rebinding-protection']

test('the public conformance suite finds nothing amiss in what is served', async (t) => {
  const { door } = await openMcpSite(t, { hosts: ['127.0.0.1', 'localhost'] })
  const bearer = ['authorization', `Bearer ${tokenOf('acme')}`]
  // The suite has no tokens: this puts one on, and touches nothing else.
  const withToken = createServer((asked, answer) => {
    const sending = httpRequest({
      port: door.port,
      host: '127.0.0.1',
      method: asked.method ?? 'GET',
      path: '/t/acme/mcp',
      headers: [...asked.rawHeaders, ...bearer],
    })
    sending.on('response', (response) => {
      answer.writeHead(response.statusCode ?? 502, response.rawHeaders)
      response.pipe(answer)
    })
    asked.pipe(sending)
  })
  await new Promise<void>((resolve) => withToken.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    withToken.closeAllConnections()
    withToken.close()
  })
  const url = `http://127.0.0.1:${(withToken.address() as AddressInfo).port}/mcp`
  for (const scenario of SCENARIOS) {
    const { stdout } = await promisify(execFile)(process.execPath, [
      SUITE,
      'server',
      '--url',
      url,
      '--scenario',
      scenario,
    ])
    assert.match(stdout, /Passed: (\d+)\/\1, 0 failed/, `${scenario}\n${stdout}`)
  }
})

test('the official inspector sees the tools of a tenant and calls one', async (t) => {
  const { door } = await openMcpSite(t)
  const inspect = async (...words: readonly string[]): Promise<unknown> => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      process.env['RINGFENCE_TEST_MCP_INSPECTOR'] ?? '',
      '--cli',
      `http://127.0.0.1:${door.port}/t/acme/mcp`,
      '--transport',
      'http',
      '--header',
      `Authorization: Bearer ${tokenOf('acme')}`,
      ...words,
    ])
    return JSON.parse(stdout)
  }
  const listed = JSON.stringify(await inspect('--method', 'tools/list'))
  for (const name of ['clinic_listPatients', 'clinic_addPatient', 'notes_search']) {
    assert.ok(listed.includes(name), listed)
  }
  const called = await inspect(
    ...['--method', 'tools/call', '--tool-name', 'notes_search', '--tool-arg', 'query=fever'],
  )
  assert.match(JSON.stringify(called), /nothing about fever/)
})
