import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { TenantConfig } from '../../snapshot/snapshot.ts'
import type { GatewayOptions } from '../gateway.ts'
import { delegated, GRANT, grantOf } from '../grant-attacks.test-support.ts'
import { storeOf } from '../policy-attacks.test-support.ts'
import { CallerDoor } from './caller-door.ts'
import {
  callTool,
  CLINIC_TOOLS,
  type McpSite,
  openMcpSite,
  toolNames,
} from './mcp-site.test-support.ts'

interface Site extends McpSite {
  /** An agent of kim of globex, at acme. */
  readonly agent: () => Promise<Client>
  /** Changes acme. */
  readonly change: (change: Partial<TenantConfig>) => void
}

const BOTH = ['read', 'write']

/** Acme's tools, and what it lets kim of globex do with them. */
async function withGrant(
  t: TestContext,
  grant: Readonly<Record<string, unknown>>,
  options: Partial<GatewayOptions> = {},
): Promise<Site> {
  const site = await openMcpSite(t, options)
  const { source } = site.door
  const change = (more: Partial<TenantConfig>) =>
    source.change('acme', { ...source.current().tenantOfHost('acme.example'), ...more })
  change({ grants: [grantOf({ scopes: BOTH, ...grant })] })
  const token = delegated({ scope: 'read write' })
  return { ...site, change, agent: () => site.client('acme', token) }
}

const hidden = (work: Promise<unknown>) => assert.rejects(work, /there is no such tool/)

test('a delegate’s agent sees and calls the tools whose operations the grant names', async (t) => {
  const { agent, door } = await withGrant(t, { actions: ['clinic/listPatients'] })
  const client = await agent()
  assert.deepEqual(await toolNames(client), ['clinic_listPatients'])
  const { isError } = await callTool(client, 'clinic_listPatients', { ward: 'a' })
  assert.equal(isError, false)
  assert.equal(door.upstream.seen.at(-1)?.url, '/clinic/patients?ward=a')
  const before = door.upstream.seen.length
  await hidden(callTool(client, 'clinic_addPatient', { body: { name: 'x' } }))
  await hidden(callTool(client, 'clinic_deletePatient', { id: '7' }))
  await hidden(callTool(client, 'notes_search', { query: 'x' }))
  assert.equal(door.upstream.seen.length, before)
})

test('tools follow every part of a grant: its scopes, APIs, actions, resources', async (t) => {
  const both = ['clinic_listPatients', 'clinic_addPatient']
  for (const [grant, names] of [
    [{ actions: BOTH }, both],
    [{ actions: BOTH, resources: ['/'] }, both],
    [{ actions: BOTH, scopes: ['read'] }, both.slice(0, 1)],
    [{ actions: ['POST'] }, both.slice(1)],
    [{ actions: BOTH, apis: ['other'] }, []],
    [{ actions: BOTH, resources: ['/patients/7', '/staff', 'Clinic::Record/*'] }, []],
  ] as const) {
    const { agent } = await withGrant(t, grant)
    assert.deepEqual(await toolNames(await agent()), names, JSON.stringify(grant))
  }
})

test('of what a tool can be asked about, a delegate gets what the grant names', async (t) => {
  const { agent, change, door } = await withGrant(t, { actions: BOTH, resources: ['/patients/7'] })
  const tools = { allow: ['deletePatient'] }
  const { contract } = door.source.current().tenantOfHost('acme.example') ?? {}
  assert.ok(contract)
  change({ contract: { ...contract, apis: [{ ...CLINIC_TOOLS, tools }] } })
  const client = await agent()
  assert.deepEqual(await toolNames(client), ['clinic_deletePatient'])
  assert.equal((await callTool(client, 'clinic_deletePatient', { id: '7' })).isError, false)
  const before = door.upstream.seen.length
  const other = await callTool(client, 'clinic_deletePatient', { id: '8' })
  assert.equal(other.isError, true)
  assert.match(other.text, /the grant does not allow this/)
  assert.equal(door.upstream.seen.length, before)
})

test('tools of an MCP server are for a grant that names them, and the whole of that server', async (t) => {
  const apis = ['clinic', 'notes']
  for (const [grant, isShown] of [
    [{ apis, actions: ['notes/search'], resources: ['/'] }, true],
    [{ apis, actions: ['POST'], resources: ['/'] }, true],
    [{ apis, actions: ['notes/wipe'], resources: ['/'] }, false],
    [{ apis, actions: ['read', 'clinic/addPatient'], resources: ['/'] }, false],
    [{ apis, actions: ['write'], resources: ['/patients'] }, false],
    [{ apis: ['clinic'], actions: ['notes/search'], resources: ['/'] }, false],
    [{ apis, actions: ['notes/search'], resources: ['/'], scopes: ['read'] }, false],
  ] as const) {
    const { agent, notes } = await withGrant(t, grant)
    const client = await agent()
    const what = JSON.stringify(grant)
    assert.equal((await toolNames(client)).includes('notes_search'), isShown, what)
    const called = callTool(client, 'notes_search', { query: 'x' })
    if (isShown) assert.equal((await called).text, 'nothing about x')
    else await hidden(called)
    await hidden(callTool(client, 'notes_wipe'))
    const calls = notes.seen.filter(({ body }) => body.includes('tools/call'))
    assert.equal(calls.length, isShown ? 1 : 0, what)
  }
})

test('a tool that is shown by mistake is called no further than the grant goes', async (t) => {
  const careless = (...parts: ConstructorParameters<typeof CallerDoor>) =>
    Object.assign(new CallerDoor(...parts), { shows: () => true })
  const { agent, door, notes } = await withGrant(
    t,
    { actions: ['clinic/listPatients'] },
    { mcp: { doorOf: careless } },
  )
  const client = await agent()
  assert.deepEqual(await toolNames(client), ['clinic_listPatients', 'clinic_addPatient'])
  const added = await callTool(client, 'clinic_addPatient', { body: { name: 'x' } })
  assert.equal(added.isError, true)
  assert.match(added.text, /the grant does not allow this/)
  await assert.rejects(callTool(client, 'notes_search', { query: 'x' }))
  assert.deepEqual([door.upstream.seen.length, notes.seen.length], [0, 0])
})

test('where a tenant has policies, they say whether delegates may use its tools at all', async (t) => {
  const { agent, change } = await withGrant(t, { actions: BOTH })
  const own = 'permit(principal in Tenant::"acme", action, resource);'
  change({ policy: storeOf({ own }) })
  await assert.rejects(agent(), /a policy does not allow this/)
  const delegate = `permit(principal == Delegate::"acme/${GRANT}", action, resource);`
  change({ policy: storeOf({ own, delegate }) })
  assert.equal((await toolNames(await agent())).length, 2)
})

test('a grant that ends takes its tools along', async (t) => {
  const { agent, change } = await withGrant(t, { actions: BOTH })
  const client = await agent()
  assert.equal((await toolNames(client)).length, 2)
  change({ grants: [] })
  await assert.rejects(toolNames(client))
})

test('what the gateway answers without asking the grant is not for delegates', async (t) => {
  const answered: string[] = []
  const own = {
    ...{ name: 'own', path: '/own' },
    async answer(
      ...[, , response]: Parameters<NonNullable<GatewayOptions['endpoints']>[number]['answer']>
    ) {
      answered.push('own')
      response.end('ours')
    },
  }
  const { door } = await withGrant(t, { actions: BOTH, resources: ['/'] }, { endpoints: [own] })
  const { status } = await door.ask({ path: '/t/acme/own', token: delegated() })
  assert.deepEqual([status, answered], [403, []])
})
