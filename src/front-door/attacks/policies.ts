import type { PolicyStoreConfig } from '../../contracts/policy-store.ts'
import type { Access } from '../../tokens/access-token.ts'
import type { Duel } from '../duel.ts'
import { accessToken } from '../house/claims.ts'
import type { Door } from '../house/door.ts'
import type { Party } from '../house/party.ts'
import { type Settings, withTenant } from '../house/settings.ts'
import { type AttackFacts, type FrontDoorAttack, must, staged, statusesOf } from './attack.ts'
import { bothWays, byPath, call, type Calling } from './calls.ts'

const ALL = 'permit(principal, action, resource);'
const MULTI_FACTOR = { acr: 'urn:ringfence:acr:2' }
/** Of an attribute that no principal has. */
const FAILING = 'forbid(principal, action, resource) when { principal.clearance < 3 };'

type Policies = (party: Party) => Readonly<Record<string, string>>

interface Try {
  readonly access?: Partial<Access>
  readonly calling?: Calling
}

interface Plan {
  /** What the stores of both hold; undefined: they have none. */
  readonly attackers?: Policies
  readonly victims?: Policies
  readonly rego?: string
  readonly platform?: string
  /** How the owner gets through, with what is the attacker's own policy otherwise. */
  readonly owner?: Try
  /** What the attacker does first, and may. */
  readonly first?: Try
  readonly attacker?: Try
}

/** Requests that the policies of the attacker's own tenant, or the platform's, are against. */
function against(facts: Omit<AttackFacts, 'kind'>, plan: Plan): FrontDoorAttack {
  return staged({ kind: 'read', ...facts }, async (duel) => {
    const { attacker, victim, own, ownMark, wire, mark } = duel
    const door = await duel.branch({ settings: settingsFor(duel, plan) })
    const good = await ask(own, door, victim, ownMark, plan.owner)
    must(good.status === 200, 'get through where a policy allows it')
    return {
      owner: 'a caller whom policies allow it gets through',
      async attempt() {
        if (plan.first !== undefined) {
          const first = await ask(wire, door, attacker, ownMark, plan.first)
          must(first.status === 200, 'be allowed as long as the policy allows it')
        }
        const token = await accessToken(attacker, plan.attacker?.access)
        const heard = await Promise.all(
          bothWays(attacker).map((way) =>
            call(wire, door, way, mark, { token, ...plan.attacker?.calling }),
          ),
        )
        return { crossed: duel.reached, met: `what a policy is against: ${statusesOf(heard)}` }
      },
    }
  })
}

async function ask(
  wire: Duel['wire'],
  door: Door,
  party: Party,
  mark: string,
  { access, calling }: Try = {},
) {
  const token = await accessToken(party, access)
  return call(wire, door, byPath(party), mark, { token, ...calling })
}

function settingsFor({ house, attacker, victim }: Duel, plan: Plan): Settings {
  const { attackers, victims = attackers, rego, platform } = plan
  let { settings } = house
  if (attackers !== undefined) {
    const policy = storeOf(attackers(attacker), rego)
    settings = withTenant(settings, attacker, { policy })
  }
  if (victims !== undefined) {
    settings = withTenant(settings, victim, { policy: storeOf(victims(victim)) })
  }
  if (platform === undefined) return settings
  const policies = [{ id: 'platform', text: platform }]
  return { ...settings, platform: { ...settings.platform, policies } }
}

/** All of one version: it does not tell two tenants' stores apart. */
function storeOf(policies: Readonly<Record<string, string>>, rego?: string): PolicyStoreConfig {
  return {
    version: 1,
    policies: Object.entries(policies).map(([id, text]) => ({ id, text })),
    ...(rego === undefined ? {} : { rego }),
  }
}

const forAdmins: Policies = ({ tenant }) => ({
  admins: `permit(principal in Role::"${tenant}/admin", action, resource);`,
})
const everything: Policies = () => ({ all: ALL })

/** What is decided about a caller who is known: by the store of its own tenant, whole. */
export const POLICIES: readonly FrontDoorAttack[] = [
  against(
    {
      id: 'fd-policy-scope',
      title: 'A write with a token that may only read',
      references: ['JW-11'],
    },
    {
      owner: { calling: { method: 'POST', body: 'x' } },
      attacker: { access: { scopes: ['read'] }, calling: { method: 'POST', body: 'x' } },
    },
  ),
  against(
    {
      id: 'fd-policy-platform',
      title: "What the platform forbids, permitted by the tenant's own store",
    },
    {
      platform: 'forbid(principal, action, resource) unless { context.mfa };',
      attackers: everything,
      owner: { access: MULTI_FACTOR },
    },
  ),
  against(
    {
      id: 'fd-policy-role',
      title: 'A role that the caller has in its own words alone, in fields of the request',
    },
    {
      attackers: forAdmins,
      owner: { access: { roles: ['admin'] } },
      attacker: {
        calling: {
          headers: [
            ['X-Roles', 'admin'],
            ['X-User-Roles', 'admin'],
            ['X-Principal', 'admin'],
          ],
        },
      },
    },
  ),
  against(
    {
      id: 'fd-policy-other-store',
      title: "A request that another tenant's store, of the same version, would allow",
    },
    { attackers: forAdmins, victims: everything },
  ),
  against(
    {
      id: 'fd-policy-other-context',
      title: 'The same request as one that was allowed, without the second factor that it had',
    },
    {
      attackers: () => ({ factor: 'permit(principal, action, resource) when { context.mfa };' }),
      owner: { access: MULTI_FACTOR },
      first: { access: MULTI_FACTOR },
    },
  ),
  against(
    {
      id: 'fd-policy-failing-forbid',
      title: 'A request at which a policy that forbids cannot be evaluated',
    },
    { attackers: () => ({ all: ALL, failing: FAILING }), victims: everything },
  ),
  against(
    {
      id: 'fd-policy-unreadable',
      title: 'A store of which one policy cannot be read',
    },
    { attackers: () => ({ all: ALL, broken: 'forbid(' }), victims: everything },
  ),
  against(
    {
      id: 'fd-policy-rego',
      title: 'A bundle of Rego that cannot be read, beside a policy that permits',
    },
    { attackers: everything, victims: everything, rego: 'AAAA' },
  ),
]
