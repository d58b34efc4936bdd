import { randomUUID } from 'node:crypto'
import type { ApiConfig } from '../../contracts/contract.ts'
import { parseApiName, parseContractName, parseUpstreamName } from '../../core/names.ts'
import type { Wire } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import { accessToken } from '../house/claims.ts'
import type { Door } from '../house/door.ts'
import { CLINIC, PLATFORM_HOST } from '../house/ground.ts'
import type { Party } from '../house/party.ts'
import { withTenant } from '../house/settings.ts'
import { attack, type AttackFacts, type FrontDoorAttack, must } from './attack.ts'
import { bearer, byPath } from './calls.ts'

interface Message {
  readonly token: string
  readonly method: string
  readonly params?: object
  readonly headers?: readonly (readonly [string, string])[]
}

/** One message to a tenant's `/mcp`, and what came back. */
export async function say(wire: Wire, door: Door, party: Party, message: Message): Promise<string> {
  const { token, method, params = {}, headers = [] } = message
  const heard = await wire.ask(await door.gateway(), {
    method: 'POST',
    target: `${byPath(party).prefix}/mcp`,
    headers: [
      ['Host', PLATFORM_HOST],
      ['Content-Type', 'application/json'],
      ['Accept', 'application/json, text/event-stream'],
      ...bearer(token),
      ...headers,
    ],
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  return heard.body
}

export const calling = (name: string, given: object) => ({
  method: 'tools/call',
  params: { name, arguments: given },
})

/** A tenant's records as tools: agents may read them, and not write. */
export function contractOf(party: Party, allow: readonly string[] = ['read']) {
  const parameters = [
    { name: 'mark', in: 'path', required: true, schema: { type: 'string' } },
    { name: 'tenant', in: 'query', schema: { type: 'string' } },
  ]
  const openapi = JSON.stringify({
    openapi: '3.1.0',
    info: { title: 'records', version: '1' },
    paths: {
      '/records/{mark}': {
        parameters,
        // What a tenant's tools are called and for is nobody else's to know.
        get: { operationId: 'read', description: `Reads records of ${party.recordCanary}` },
        post: { operationId: 'write' },
      },
    },
  })
  const agents: ApiConfig = {
    name: parseApiName('agents'),
    prefix: '/agents',
    stripPrefix: true,
    upstream: { of: 'platform', name: parseUpstreamName(CLINIC) },
    openapi,
    tools: { allow: [...allow] },
  }
  return { name: parseContractName('agents'), apis: [agents] }
}

type Attempt = (
  duel: Duel,
  door: Door,
) => Promise<{ readonly crossed: boolean; readonly met: string }>

/** On a door where both have tools of their own, and the victim's agent uses them. */
function onTools(facts: AttackFacts, attempt: Attempt): FrontDoorAttack {
  const doors = new WeakMap<Duel, Door>()
  return attack(facts, {
    async owner(duel) {
      const { house, attacker, victim, own, ownMark } = duel
      let { settings } = house
      for (const party of [attacker, victim]) {
        settings = withTenant(settings, party, { contract: contractOf(party) })
      }
      const door = await duel.branch({ settings })
      doors.set(duel, door)
      const token = await accessToken(victim)
      const answer = await say(own, door, victim, {
        token,
        ...calling('agents_read', { mark: ownMark }),
      })
      must(answer.includes(victim.recordCanary), 'read its own record by its tool')
      return "the owner's agent reads the owner's record"
    },
    attempt(duel) {
      const door = doors.get(duel)
      if (door === undefined) throw new Error('the owner was not there')
      return attempt(duel, door)
    },
  })
}

export const MCP: readonly FrontDoorAttack[] = [
  onTools(
    {
      id: 'fd-mcp-tools-listed',
      title: "The victim's tools in the attacker's list",
      kind: 'read',
      references: ['MC-1', 'MC-6'],
    },
    async ({ attacker, wire }, door) => {
      const token = await accessToken(attacker)
      await say(wire, door, attacker, { token, method: 'tools/list' })
      return { crossed: false, met: 'a list of the own tools' }
    },
  ),
  onTools(
    {
      id: 'fd-mcp-hidden-tool',
      title: 'A tool called by its name that the contract hides from agents',
      kind: 'write',
      references: ['MC-5'],
    },
    async (duel, door) => {
      const { attacker, wire, mark } = duel
      const token = await accessToken(attacker)
      await say(wire, door, attacker, { token, ...calling('agents_write', { mark }) })
      return { crossed: duel.reached, met: 'no such tool' }
    },
  ),
  onTools(
    {
      id: 'fd-mcp-tenant-in-argument',
      title: "The victim's name where a model would put it: in the arguments of a tool",
      kind: 'read',
      references: ['MC-7'],
    },
    async ({ attacker, victim, wire, mark }, door) => {
      const token = await accessToken(attacker)
      const tenant = victim.tenant
      const said = [
        calling('agents_read', { mark, tenant }),
        calling('agents_read', { mark: `../../t/${tenant}/agents/records/${mark}` }),
        { ...calling('agents_read', { mark }), headers: [['X-Tenant-Id', tenant] as const] },
      ]
      for (const one of said) await say(wire, door, attacker, { token, ...one })
      return { crossed: false, met: 'records of the own tenant, or none' }
    },
  ),
  onTools(
    {
      id: 'fd-mcp-token-passthrough',
      title: "A service that waits for its users' tokens behind a tool",
      kind: 'read',
      references: ['MC-2'],
    },
    async ({ victim, own, house, mark }, door) => {
      const token = await accessToken(victim)
      await say(own, door, victim, { token, ...calling('agents_read', { mark }) })
      const got = house.upstream.received(mark).flatMap(({ rawHeaders }) => rawHeaders)
      return {
        crossed: got.some((value) => value.includes(token)),
        met: 'a request with a tenant context and no token',
      }
    },
  ),
  onTools(
    {
      id: 'fd-mcp-foreign-page',
      title: "A page of the attacker's that the victim's user looks at",
      kind: 'read',
      references: ['MC-8'],
    },
    async (duel, door) => {
      const { victim, own, mark } = duel
      const token = await accessToken(victim)
      const headers = [['Origin', 'https://attacker.example'] as const]
      await say(own, door, victim, { token, headers, ...calling('agents_read', { mark }) })
      return { crossed: duel.reached, met: 'pages of another origin are not served' }
    },
  ),
  onTools(
    {
      id: 'fd-mcp-session-reused',
      title: "The victim's session under the attacker's token",
      kind: 'read',
      references: ['MC-4'],
    },
    async ({ attacker, victim, wire, own, mark }, door) => {
      const headers = [['Mcp-Session-Id', randomUUID()] as const]
      const call = calling('agents_read', { mark })
      await say(own, door, victim, { token: await accessToken(victim), headers, ...call })
      await say(wire, door, attacker, { token: await accessToken(attacker), headers, ...call })
      return { crossed: false, met: 'there are no sessions' }
    },
  ),
]
