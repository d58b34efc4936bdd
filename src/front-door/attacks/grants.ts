import { parseSubject } from '../../core/names.ts'
import type { Access } from '../../tokens/access-token.ts'
import type { Duel } from '../duel.ts'
import { contextFor } from '../house/claims.ts'
import type { Door } from '../house/door.ts'
import { delegatedToken, delegationBy, grantFor, GRANTED, momentIn } from '../house/grants.ts'
import type { Party } from '../house/party.ts'
import { type Settings, tenantOf, withTenant } from '../house/settings.ts'
import { type AttackFacts, type FrontDoorAttack, must, staged, statusesOf } from './attack.ts'
import { RESTRAINTS } from './restraints.ts'
import { bothWays, byPath, call, type Calling, vend } from './calls.ts'

type Facts = Omit<AttackFacts, 'kind'>
type Change = Readonly<Record<string, unknown>>

interface Plan {
  /** How the victim's grant is another than what the attacker needs; undefined: it is there no more. */
  readonly grant?: Change | undefined
  readonly access?: (duel: Duel) => Partial<Access>
  readonly calling?: Calling
  readonly settings?: (settings: Settings, duel: Duel) => Settings
  /** What happens once both grants are there. */
  readonly happens?: (door: Door, duel: Duel) => Promise<void>
}

/**
 * A principal of the attacker goes on to the victim under a grant of the victim's that is not for this.
 * The owner of the grant that is for it is the victim itself, under one of the attacker's.
 */
function beyond(facts: Facts, plan: Plan): FrontDoorAttack {
  return staged({ kind: 'read', references: ['JW-11'], ...facts }, async (duel) => {
    const { attacker, victim, own, ownMark, wire, mark } = duel
    const door = await duel.branch({ settings: settingsFor(duel, plan) })
    const token = await delegatedToken(attacker, victim)
    const good = await call(own, door, byPath(attacker), ownMark, { token })
    must(good.status === 200, 'read under a grant')
    await plan.happens?.(door, duel)
    return {
      owner: 'whoever a grant is for reads what it names',
      async attempt() {
        const access = plan.access?.(duel)
        const bad = await delegatedToken(victim, attacker, access)
        const heard = await Promise.all(
          bothWays(victim).map((way) =>
            call(wire, door, way, mark, { token: bad, ...plan.calling }),
          ),
        )
        return { crossed: duel.reached, met: `beyond the grant: ${statusesOf(heard)}` }
      },
    }
  })
}

function settingsFor(duel: Duel, plan: Plan): Settings {
  const { house, attacker, victim } = duel
  const grants = 'grant' in plan && plan.grant === undefined ? [] : [grantFor(attacker, plan.grant)]
  const given = withTenant(house.settings, attacker, { grants: [grantFor(victim)] })
  const both = withTenant(given, victim, { grants })
  return plan.settings?.(both, duel) ?? both
}

/** A context of the victim under a grant, exchanged for a lease. */
function leased(
  facts: Facts,
  grant: Change | undefined,
  isCrossed: (vended: { readonly granted: boolean; readonly seconds: number }) => boolean,
): FrontDoorAttack {
  return staged({ kind: 'read', references: ['JW-11'], ...facts }, async (duel) => {
    const { attacker, victim, ground, own } = duel
    // A lease that is given is the service's: its life is the question then, and not who saw it.
    const wire = grant === undefined ? duel.wire : own
    const door = await duel.branch({ settings: settingsFor(duel, { grant }) })
    const contextOf = (grantor: Party, grantee: Party) =>
      contextFor(ground, grantor, delegationBy(grantee))
    const mine = await contextOf(attacker, victim)
    const good = await vend(own, door, { fields: { subject_token: mine, scope: 'read' } })
    must(good.granted, 'get a lease under a grant')
    return {
      owner: 'a service gets a lease for whoever a grant is for',
      async attempt() {
        const subject_token = await contextOf(victim, attacker)
        const fields = { subject_token, scope: 'read' }
        const vended = await vend(wire, door, { fields })
        const { granted, seconds, heard } = vended
        if (granted) duel.kept.add(vended.leaseId)
        return { crossed: isCrossed(vended), met: `${heard.status}, for ${seconds} s` }
      },
    }
  })
}

const OTHER = parseSubject('somebody-else')

/** Principals of one tenant who work at another under a grant: no further than it goes. */
export const GRANTS: readonly FrontDoorAttack[] = [
  ...RESTRAINTS,
  beyond(
    { id: 'fd-grant-taken-back', title: 'A token of a grant that is there no more' },
    { grant: undefined },
  ),
  beyond(
    { id: 'fd-grant-expired', title: 'A token that outlives the grant' },
    { grant: { expires: momentIn(-1_000) } },
  ),
  beyond(
    { id: 'fd-grant-other-subject', title: 'A grant to somebody else of the same tenant' },
    { grant: { subject: OTHER } },
  ),
  beyond(
    {
      id: 'fd-grant-other-tenant',
      title: 'A grant to somebody of the same name in another tenant',
    },
    { grant: { grantee: 'another-party' } },
  ),
  beyond(
    { id: 'fd-grant-scope', title: 'A scope that the grant has not' },
    { grant: { scopes: ['write'] }, access: () => ({ scopes: ['read', 'write'] }) },
  ),
  beyond(
    { id: 'fd-grant-api', title: 'An API that the grant does not name' },
    { grant: { apis: ['billing'], resources: ['/'] } },
  ),
  beyond(
    { id: 'fd-grant-action', title: 'A write under a grant to read' },
    { calling: { method: 'POST', body: 'x' } },
  ),
  beyond(
    {
      id: 'fd-grant-resource',
      title: 'A path that begins with the letters of the one that the grant names',
    },
    { grant: { resources: ['/rec'] } },
  ),
  beyond(
    { id: 'fd-grant-role', title: 'A role in the token of a grant, where policies ask for one' },
    {
      access: () => ({ roles: ['admin'] }),
      settings: (settings, { victim }) =>
        withTenant(settings, victim, {
          policy: {
            version: 1,
            policies: [
              {
                id: 'admins',
                text: `permit(principal in Role::"${victim.tenant}/admin", action, resource);`,
              },
            ],
          },
        }),
    },
  ),
  beyond(
    {
      id: 'fd-grant-grantee-suspended',
      title: 'A principal whose own tenant was suspended goes on under a grant',
      references: ['JW-11', 'JW-12'],
    },
    {
      // Its token is good for minutes, and the grant stands.
      happens: async (door, { attacker }) => {
        const suspended = tenantOf(attacker, { status: 'suspended' })
        await door.sees(() => door.feed.publish({ tenants: [suspended] }))
      },
    },
  ),
  beyond(
    {
      id: 'fd-grant-other-issuer',
      title: 'A principal of another issuer than its tenant has',
    },
    {
      access: ({ attacker, victim }) => ({
        ...delegationBy(attacker),
        actor: { issuer: victim.issuer, subject: GRANTED },
      }),
    },
  ),
  beyond(
    {
      id: 'fd-grant-revoked-at-home',
      title: 'A principal that was taken away at home goes on under a grant',
      references: ['JW-12'],
    },
    {
      happens: (door, { attacker: { tenant } }) =>
        door.revokes({ kind: 'subject', tenant, id: GRANTED, at: new Date() }),
    },
  ),
  leased(
    {
      id: 'fd-grant-lease-taken-back',
      title: 'A context of a grant that is there no more, exchanged for a lease',
    },
    undefined,
    ({ granted }) => granted,
  ),
  leased(
    { id: 'fd-grant-lease-outlives', title: 'A lease that outlives the grant that it stands on' },
    { expires: momentIn(500_000) },
    ({ granted, seconds }) => granted && seconds > 500,
  ),
]
