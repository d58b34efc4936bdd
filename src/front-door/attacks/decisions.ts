import type { PolicyStoreConfig } from '../../contracts/policy-store.ts'
import type { Heard, Wire } from '../../strikes/wire.ts'
import { forge, headerOf } from '../../strikes/forge.ts'
import { CONTEXT_HEADER } from '../../tokens/tenant-context.ts'
import type { Duel } from '../duel.ts'
import {
  accessToken,
  assertionOf,
  CONTEXT_TYP,
  contextClaims,
  contextFor,
} from '../house/claims.ts'
import type { Door } from '../house/door.ts'
import { DECISIONS_AUDIENCE, VENDING_AUDIENCE, type Workload } from '../house/ground.ts'
import { delegationBy, GRANT, grantFor } from '../house/grants.ts'
import { type Settings, tenantOf, withTenant } from '../house/settings.ts'
import { type FrontDoorAttack, must, staged, statusesOf } from './attack.ts'

const store = (text: string): PolicyStoreConfig => ({ version: 1, policies: [{ id: 'one', text }] })
const ALL = store('permit(principal, action, resource);')
const NONE = store('forbid(principal, action, resource);')

interface Asked {
  /** Whose assertion, of its own for each question unless it is given. */
  readonly by?: Workload
  readonly assertion?: string
  readonly context: string
  readonly subject?: string
  readonly resource?: object
  readonly more?: object
  readonly headers?: readonly (readonly [string, string])[]
}

const RECORD = { type: 'Clinic::Record', id: '7' }

/** A service asks what whoever a context is about may do. */
async function asks(wire: Wire, door: Door, asked: Asked): Promise<Heard> {
  const { by = door.house.ground.workloads.web, context, subject = 'user-1', headers = [] } = asked
  const assertion = asked.assertion ?? assertionOf(by, { aud: DECISIONS_AUDIENCE })
  const question = {
    subject: { type: 'user', id: subject },
    action: { name: 'read' },
    resource: asked.resource ?? RECORD,
    ...asked.more,
  }
  return wire.ask(await door.decisions(), {
    method: 'POST',
    target: '/access/v1/evaluation',
    headers: [
      ['Host', 'decisions'],
      ['Content-Type', 'application/json'],
      ['Authorization', `Bearer ${assertion}`],
      [CONTEXT_HEADER, context],
      ...headers,
    ],
    body: JSON.stringify(question),
  })
}

const allows = ({ status, body }: Heard) => status === 200 && /"decision":\s*true/.test(body)

interface Plan {
  readonly settings?: (settings: Settings, duel: Duel) => Settings
  readonly questions: (duel: Duel, door: Door) => Promise<readonly Asked[]>
}

/** The victim's policies allow its own user everything; the attacker would have that, too. */
function atDecisions(id: string, title: string, plan: Plan): FrontDoorAttack {
  return staged({ id, title, kind: 'read', references: ['JW-11'] }, async (duel) => {
    const { house, ground, attacker, victim, own, wire } = duel
    const both = withTenant(house.settings, victim, { policy: ALL })
    const base = withTenant(both, attacker, { policy: ALL })
    const door = await duel.branch({ settings: plan.settings?.(base, duel) ?? base })
    const good = await asks(own, door, { context: await contextFor(ground, victim) })
    must(allows(good), `be told what its user may: ${good.status}`)
    const questions = await plan.questions(duel, door)
    return {
      owner: 'a service was told what the owner may',
      async attempt() {
        const heard: Heard[] = []
        for (const one of questions) heard.push(await asks(wire, door, one))
        return { crossed: heard.some(allows), met: `decisions: ${statusesOf(heard)}` }
      },
    }
  })
}

/** What decides for services about things of their own: for whom, by whose policies, and told to whom. */
export const DECISIONS: readonly FrontDoorAttack[] = [
  atDecisions('fd-decision-other-service', 'A context of one service, shown by another', {
    questions: async ({ ground, victim }) => [
      { by: ground.workloads.billing, context: await contextFor(ground, victim) },
    ],
  }),
  atDecisions('fd-decision-stranger', 'A context, shown by somebody who is no service', {
    async questions({ ground, victim }) {
      const { web } = ground.workloads
      const stranger = { client: web.client, key: ground.keys.stranger }
      const context = await contextFor(ground, victim)
      return [
        { by: stranger, context },
        { assertion: assertionOf(web, { aud: VENDING_AUDIENCE }), context },
        { assertion: '', context },
        { assertion: context, context },
      ]
    },
  }),
  atDecisions('fd-decision-forged', 'A context that the gateway has not signed', {
    async questions({ ground, attacker, victim }) {
      const { stranger } = ground.keys
      const header = headerOf(stranger, CONTEXT_TYP)
      return [
        { context: forge(stranger, header, contextClaims(victim)) },
        { context: forge(attacker.realm, header, contextClaims(victim)) },
        { context: await accessToken(victim) },
        { context: '' },
      ]
    },
  }),
  atDecisions('fd-decision-tenant-named', 'The victim named in every place of a question', {
    settings: (settings, { attacker }) => withTenant(settings, attacker, { policy: NONE }),
    async questions({ ground, attacker, victim }) {
      const context = await contextFor(ground, attacker)
      const { tenant } = victim
      const owner = { __entity: { type: 'Tenant', id: tenant } }
      const resource = { ...RECORD, id: `${tenant}/7`, properties: { owner, tenant } }
      return [
        { context, resource },
        { context, more: { context: { tenant, tenant_id: tenant } } },
        { context, headers: [['X-Tenant-Id', tenant]] },
        { context, more: { tenant } },
      ]
    },
  }),
  atDecisions('fd-decision-replayed', 'An assertion that a service has used, again', {
    async questions({ ground, victim, own }, door) {
      const assertion = assertionOf(ground.workloads.web, { aud: DECISIONS_AUDIENCE })
      const context = await contextFor(ground, victim)
      must(allows(await asks(own, door, { assertion, context })), 'use its assertion')
      return [{ assertion, context }]
    },
  }),
  atDecisions('fd-decision-revoked', 'A context of somebody who was taken away meanwhile', {
    async questions({ ground, attacker }, door) {
      const context = await contextFor(ground, attacker, { session: 's-1' })
      await door.revokes({ kind: 'session', tenant: attacker.tenant, id: 's-1', at: new Date() })
      return [{ context }]
    },
  }),
  atDecisions('fd-decision-suspended', 'A context of a tenant that was suspended meanwhile', {
    async questions({ ground, attacker }, door) {
      const suspended = tenantOf(attacker, { status: 'suspended', policy: ALL })
      await door.sees(() => door.feed.publish({ tenants: [suspended] }))
      return [{ context: await contextFor(ground, attacker) }]
    },
  }),
  atDecisions('fd-decision-grant', 'What a policy permits and a grant does not', {
    settings: (settings, { attacker, victim }) => {
      const resources = ['Clinic::Record/8', '/records']
      return withTenant(settings, victim, { grants: [grantFor(attacker, { resources })] })
    },
    async questions({ ground, attacker, victim }) {
      const context = await contextFor(ground, victim, delegationBy(attacker))
      return [{ context, subject: `grant:${GRANT}` }]
    },
  }),
]
