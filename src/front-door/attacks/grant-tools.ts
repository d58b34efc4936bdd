import { parseApiName } from '../../core/names.ts'
import type { Duel } from '../duel.ts'
import type { Door } from '../house/door.ts'
import { delegatedToken, grantFor } from '../house/grants.ts'
import { withTenant } from '../house/settings.ts'
import { type AttackFacts, type FrontDoorAttack, must, staged } from './attack.ts'
import { calling, contractOf, say } from './mcp.ts'

const AGENTS = parseApiName('agents')

interface Plan {
  /** What the attacker's grant names of the victim's tools. */
  readonly actions: readonly string[]
  readonly attempt: (duel: Duel, door: Door, token: string) => Promise<string>
}

/**
 * An agent of the attacker works with the victim's tools under a grant that is not for all of them. The
 * owner of the grant that is for what is tried is the victim, at the attacker's.
 */
function atTools(facts: AttackFacts, { actions, attempt }: Plan): FrontDoorAttack {
  return staged(facts, async (duel) => {
    const { attacker, victim, house, own, ownMark } = duel
    const apis = [AGENTS]
    const contract = (party: typeof attacker) => contractOf(party, ['read', 'write'])
    const given = withTenant(house.settings, attacker, {
      contract: contract(attacker),
      grants: [grantFor(victim, { apis, actions: ['read', 'write'] })],
    })
    const settings = withTenant(given, victim, {
      contract: contract(victim),
      grants: [grantFor(attacker, { apis, actions })],
    })
    const door = await duel.branch({ settings })
    const good = await delegatedToken(attacker, victim)
    const listed = await say(own, door, attacker, { token: good, method: 'tools/list' })
    must(listed.includes('agents_read'), 'see the tools of its grant')
    const written = await say(own, door, attacker, {
      token: good,
      ...calling('agents_write', { mark: ownMark }),
    })
    must(!written.includes('error') && house.upstream.received(ownMark).length > 0, 'use them')
    return {
      owner: 'whoever a grant is for sees and uses the tools that it names',
      async attempt() {
        const met = await attempt(duel, door, await delegatedToken(victim, attacker))
        return { crossed: duel.reached, met }
      },
    }
  })
}

/** Agents of principals of other tenants, each under a grant. */
export const GRANT_TOOLS: readonly FrontDoorAttack[] = [
  atTools(
    {
      id: 'fd-grant-tools-listed',
      title: 'Tools that a grant does not name, in the list of whoever has it',
      kind: 'read',
      references: ['JW-11', 'MC-1'],
    },
    {
      actions: ['POST'],
      async attempt({ wire, victim }, door, token) {
        const listed = await say(wire, door, victim, { token, method: 'tools/list' })
        must(listed.includes('agents_write'), 'see what the grant names')
        return 'the tools that the grant names'
      },
    },
  ),
  atTools(
    {
      id: 'fd-grant-tool-called',
      title: 'A tool called under a grant that does not name it',
      kind: 'write',
      references: ['JW-11', 'MC-5'],
    },
    {
      actions: ['read'],
      async attempt({ wire, victim, mark }, door, token) {
        await say(wire, door, victim, { token, ...calling('agents_write', { mark }) })
        return 'no such tool'
      },
    },
  ),
]
