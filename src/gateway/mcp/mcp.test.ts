import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGuardrailName } from '../../core/names.ts'
import { tokenOf } from '../door.test-support.ts'
import { BOUND, presenting, proofFor } from '../dpop.test-support.ts'
import {
  callTool,
  CLINIC_TOOLS,
  openMcpSite,
  toolNames,
  withTools,
} from './mcp-site.test-support.ts'

test('an agent of a tenant sees the tools of its own contract and no others', async (t) => {
  const site = await openMcpSite(t)
  const [acme, globex] = await Promise.all([site.client('acme'), site.client('globex')])
  assert.deepEqual(await toolNames(acme), [
    'clinic_listPatients',
    'clinic_addPatient',
    'notes_search',
  ])
  assert.deepEqual(await toolNames(globex), ['clinic_addPatient'])
})

test('a call of a tool is a request of the tenant, with a tenant context and without the token', async (t) => {
  const { door, client } = await openMcpSite(t)
  const agent = await client('acme')
  const { isError } = await callTool(agent, 'clinic_listPatients', { ward: 'a/b', limit: 5 })
  assert.equal(isError, false)
  const seen = door.upstream.seen.at(-1)
  assert.equal(seen?.url, '/clinic/patients?ward=a%2Fb&limit=5')
  assert.equal(typeof seen?.headers['ringfence-context'], 'string')
  assert.equal(seen?.headers.authorization, undefined)
  const line = door.lines.map((one) => JSON.parse(one)).find(({ tool }) => tool !== undefined)
  assert.equal(line.tool, 'clinic_listPatients')
  assert.equal(line.tenant, 'acme')
  assert.equal(typeof line.within, 'string')
})

test('what a document does not describe is not called, and the model is told', async (t) => {
  const { door, client } = await openMcpSite(t)
  const agent = await client('acme')
  const before = door.upstream.seen.length
  const tooMany = await callTool(agent, 'clinic_listPatients', { ward: 'x', limit: 51 })
  assert.equal(tooMany.isError, true)
  assert.match(tooMany.text, /limit/)
  const other = await callTool(agent, 'clinic_listPatients', { ward: 'x', tenant_id: 'globex' })
  assert.equal(other.isError, true)
  assert.match(other.text, /no argument tenant_id/)
  assert.equal(door.upstream.seen.length, before)
})

test("another tenant's tool, a hidden one and one that there is not look alike", async (t) => {
  const { notes, client } = await openMcpSite(t)
  const agent = await client('globex')
  const said = await Promise.all(
    ['notes_search', 'clinic_listPatients', 'clinic_deletePatient', 'nothing'].map((name) =>
      agent.callTool({ name, arguments: {} }).then(
        () => 'called',
        (error: unknown) => String(error),
      ),
    ),
  )
  assert.equal(new Set(said).size, 1)
  assert.match(said[0] ?? '', /there is no such tool/)
  assert.equal(notes.seen.length, 0)
})

test('a token that only reads is shown only what reads, and calls nothing else', async (t) => {
  const { door, client } = await openMcpSite(t)
  const agent = await client('acme', tokenOf('acme', { scope: 'read' }))
  assert.deepEqual(await toolNames(agent), ['clinic_listPatients'])
  await assert.rejects(
    agent.callTool({ name: 'clinic_addPatient', arguments: { body: { name: 'x' } } }),
    /there is no such tool/,
  )
  assert.ok(!door.upstream.seen.some(({ method }) => method === 'POST'))
})

test("an MCP server of the tenant's is asked with a context made for it, and never with the caller's token", async (t) => {
  const { notes, client } = await openMcpSite(t)
  const agent = await client('acme')
  const { text } = await callTool(agent, 'notes_search', { query: 'fever' })
  assert.equal(text, 'nothing about fever')
  for (const { headers } of notes.seen) {
    assert.equal(headers.authorization, undefined)
    const [, payload = ''] = String(headers['ringfence-context']).split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    assert.equal(claims.aud, 'own.acme.notes')
    assert.equal(claims.tenant_id, 'acme')
  }
  await assert.rejects(agent.callTool({ name: 'notes_wipe', arguments: {} }), /no such tool/)
})

test('a guardrail of the platform takes a tool away that the contract has', async (t) => {
  const { door, client } = await openMcpSite(t)
  const guardrail = {
    name: parseGuardrailName('no-adding'),
    direction: 'both' as const,
    rules: [{ kind: 'tools' as const, deny: ['add*'] }],
  }
  door.source.change('acme', withTools([CLINIC_TOOLS], { guardrails: [guardrail] }))
  const agent = await client('acme')
  assert.deepEqual(await toolNames(agent), ['clinic_listPatients'])
  await assert.rejects(
    agent.callTool({ name: 'clinic_addPatient', arguments: { body: { name: 'x' } } }),
    /there is no such tool/,
  )
})

test('what guardrails find is taken out of arguments and of results of tools', async (t) => {
  const { door, notes, client } = await openMcpSite(t)
  const config = door.source.current().tenantOfHost('acme.example')
  door.source.change('acme', {
    ...config,
    guardrails: [
      {
        name: parseGuardrailName('no-ssn'),
        direction: 'both',
        rules: [{ kind: 'pii', find: ['ssn'], action: 'redact' }],
      },
    ],
  })
  const agent = await client('acme')
  await callTool(agent, 'clinic_addPatient', { body: { name: 'SSN 219-09-9999' } })
  const body = door.upstream.seen.find(({ method }) => method === 'POST')?.body ?? ''
  assert.ok(!body.includes('219-09-9999'), body)
  const { text } = await callTool(agent, 'notes_search', { query: 'SSN 219-09-9999' })
  assert.ok(!text.includes('219-09-9999'), text)
  assert.ok(!notes.seen.some((one) => one.body.includes('219-09-9999')))
})

test('what is revoked, and what has no token, reaches no tool, and is told where tokens come from', async (t) => {
  const { door } = await openMcpSite(t)
  const asked = await door.ask({ method: 'POST', path: '/t/acme/mcp', body: '{}' })
  assert.equal(asked.status, 401)
  const challenge = String(asked.headers['www-authenticate'])
  assert.match(
    challenge,
    /resource_metadata="http:\/\/api\.example\/\.well-known\/oauth-protected-resource\/t\/acme\/mcp"/,
  )
  const metadata = await door.ask({ path: '/.well-known/oauth-protected-resource/t/acme/mcp' })
  assert.equal(metadata.status, 200)
  const { authorization_servers, resource } = JSON.parse(metadata.body)
  assert.deepEqual(authorization_servers, ['https://id.example/realms/acme'])
  assert.equal(resource, 'https://api.example')
  const unknown = await door.ask({ method: 'POST', path: '/t/nobody/mcp', body: '{}' })
  assert.equal(String(unknown.headers['www-authenticate']).replaceAll('nobody', 'acme'), challenge)
})

test('a page of another origin cannot make its reader call tools', async (t) => {
  const { door } = await openMcpSite(t)
  const { status } = await door.ask({
    method: 'POST',
    path: '/t/acme/mcp',
    token: tokenOf('acme'),
    headers: ['content-type', 'application/json', 'origin', 'https://evil.example'],
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
  })
  assert.equal(status, 403)
})

test('there are no sessions to take over, and no stream to listen in on', async (t) => {
  const { door } = await openMcpSite(t)
  const initialize = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'x', version: '1' },
    },
  })
  const headers = [
    'content-type',
    'application/json',
    'accept',
    'application/json, text/event-stream',
  ]
  const begun = await door.ask({
    method: 'POST',
    path: '/t/acme/mcp',
    token: tokenOf('acme'),
    headers,
    body: initialize,
  })
  assert.equal(begun.status, 200)
  assert.equal(begun.headers['mcp-session-id'], undefined)
  assert.equal((await door.ask({ path: '/t/acme/mcp', token: tokenOf('acme') })).status, 405)
})

test('two tools of one name are not there, so that neither is called for the other', async (t) => {
  const { door, client } = await openMcpSite(t)
  const operation = (operationId: string) => ({ get: { operationId } })
  const openapi = JSON.stringify({
    openapi: '3.1.0',
    info: { title: 'x', version: '1' },
    paths: { '/a': operation('read all'), '/b': operation('read_all'), '/c': operation('one') },
  })
  door.source.change('acme', withTools([{ ...CLINIC_TOOLS, openapi, tools: { allow: ['*'] } }]))
  assert.deepEqual(await toolNames(await client('acme')), ['clinic_one'])
})

test('a token that is bound to a key calls tools with the proof of its message, and without one does not', async (t) => {
  const { door } = await openMcpSite(t)
  const token = tokenOf('acme', BOUND)
  const message = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'clinic_listPatients', arguments: { ward: 'x' } },
  })
  const say = (proofs: readonly string[]) =>
    door.ask({
      method: 'POST',
      path: '/t/acme/mcp',
      headers: [
        ...presenting(token, ...proofs),
        ...['content-type', 'application/json', 'accept', 'application/json, text/event-stream'],
      ],
      body: message,
    })
  const url = 'http://api.example/t/acme/mcp'
  const good = await say([proofFor(token, url, { htm: 'POST' })])
  assert.equal(good.status, 200)
  assert.equal(door.upstream.seen.length, 1)
  assert.equal((await say([])).status, 401)
  const elsewhere = await say([proofFor(token, `${url}/x`, { htm: 'POST' })])
  assert.equal(elsewhere.status, 401)
  assert.equal(door.upstream.seen.length, 1)
})

test("a call counts in the limits of its tool's API, and the model is told when they are used up", async (t) => {
  const { door, client } = await openMcpSite(t)
  const limits = [
    {
      kind: 'quota' as const,
      name: 'few',
      per: 'api' as const,
      unit: 'requests' as const,
      amount: 1,
    },
  ].map((one) => ({ ...one, period: 'day' as const }))
  door.source.change('acme', withTools([{ ...CLINIC_TOOLS, limits }]))
  const agent = await client('acme')
  assert.equal((await callTool(agent, 'clinic_listPatients', { ward: 'x' })).isError, false)
  const second = await callTool(agent, 'clinic_listPatients', { ward: 'x' })
  assert.equal(second.isError, true)
  assert.match(second.text, /rate_limited|too many|quota|used up/)
})
