import { toolsUrl } from '../../contracts/tools-url.ts'
import { forge, headerOf } from '../../strikes/forge.ts'
import type { Heard, Wire } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import { ACCESS_TYP, accessClaims } from '../house/claims.ts'
import type { Door } from '../house/door.ts'
import type { Party } from '../house/party.ts'
import { withTenant } from '../house/settings.ts'
import { type FrontDoorAttack, must, staged, statusesOf } from './attack.ts'
import { bearer, byHost, byPath, type Way } from './calls.ts'
import { calling, contractOf } from './mcp.ts'

/** A token of a tenant's user for the tools at a host. */
function toolsToken(party: Party, host: string): string {
  const aud = toolsUrl('http', host)
  return forge(party.realm, headerOf(party.realm, ACCESS_TYP), accessClaims(party, { aud }))
}

/** The tool that reads records, called in one way, and those records' API by itself. */
async function uses(
  wire: Wire,
  door: Door,
  { host, prefix }: Way,
  token: string,
  mark: string,
): Promise<readonly Heard[]> {
  const gateway = await door.gateway()
  const headers = [['Host', host], ...bearer(token)] as const
  const message = { jsonrpc: '2.0', id: 1, ...calling('agents_read', { mark }) }
  return [
    await wire.ask(gateway, {
      ...{ method: 'POST', target: `${prefix}/mcp`, body: JSON.stringify(message) },
      headers: [
        ...headers,
        ['Content-Type', 'application/json'],
        ['Accept', 'application/json, text/event-stream'],
      ],
    }),
    await wire.ask(gateway, { target: `${prefix}/agents/records/${mark}`, headers }),
  ]
}

/** Tokens for the tools at one host, where they are not for. */
function elsewhere(
  id: string,
  title: string,
  tries: (duel: Duel) => readonly (readonly [way: Way, token: string])[],
): FrontDoorAttack {
  return staged({ id, title, kind: 'read', references: ['MC-2', 'MC-3'] }, async (duel) => {
    const { house, attacker, victim, own, ownMark, wire, mark } = duel
    let { settings } = house
    for (const party of [attacker, victim]) {
      settings = withTenant(settings, party, { contract: contractOf(party) })
    }
    const door = await duel.branch({ settings })
    const questions = tries(duel)
    // By the very tokens, where they are for that host.
    const good = toolsToken(victim, victim.host)
    for (const token of new Set([good, ...questions.map(([, one]) => one)])) {
      const [heard] = await uses(own, door, byHost(victim), token, ownMark)
      must(token !== good || heard?.body.includes(victim.recordCanary) === true, 'use its tools')
    }
    return {
      owner: 'the owner uses its tools at its own host',
      async attempt() {
        const heard: Heard[] = []
        for (const [way, token] of questions) {
          heard.push(...(await uses(wire, door, way, token, mark)))
        }
        return { crossed: duel.reached, met: `elsewhere: ${statusesOf(heard)}` }
      },
    }
  })
}

/** Tools at tenants' own hosts: whoever gets a token there gets no more than that. */
export const MCP_HOSTS: readonly FrontDoorAttack[] = [
  elsewhere(
    'fd-mcp-other-host',
    "A token for the tools at the attacker's host, shown at the victim's",
    ({ attacker, victim }) => {
      const token = toolsToken(victim, attacker.host)
      return [byHost(victim), byPath(victim)].map((way) => [way, token] as const)
    },
  ),
  elsewhere(
    'fd-mcp-host-alone',
    'A token for the tools at one host of its tenant, used for all of its API',
    ({ victim }) => [[byPath(victim), toolsToken(victim, victim.host)]],
  ),
]
