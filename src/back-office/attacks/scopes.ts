import { randomInt, randomUUID } from 'node:crypto'
import { describedOperation, REALM_OPERATION_NAMES } from '../../administration/operations.ts'
import type { OperatorScope } from '../../control/control-plane.ts'
import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import { askedFor, decisionPath } from './approvals.ts'
import { EVERYBODYS, guardrailForm } from '../house/declared.ts'
import { CHIEF } from '../house/site.ts'
import { noneMay, type OfficeAttack, staged } from './attack.ts'

/** A call of the API: what it asks for the victim. */
export type Call = readonly [method: string, path: string, body?: unknown]

/** What the calls are about. */
interface Things {
  readonly tenant: string
  readonly workflow: string
  readonly approval: string
  readonly lease: string
  readonly support: string
}

/** Every operation of the API, by the scope that it needs. A test holds it to the API's document. */
export const OPERATIONS: Readonly<Record<OperatorScope, (things: Things) => readonly Call[]>> = {
  'tenants:read': ({ tenant, workflow, approval }) => [
    ['GET', '/v1/tenants'],
    ['GET', `/v1/tenants/${tenant}`],
    ['GET', `/v1/tenants/${tenant}/history`],
    ['GET', `/v1/tenants/${tenant}/receipt`],
    ['GET', '/v1/workflows'],
    ['GET', `/v1/workflows/${workflow}`],
    ['GET', `/v1/workflows/${workflow}/events`],
    ['GET', '/v1/approvals'],
    ['GET', `/v1/approvals/${approval}`],
    ['GET', '/v1/cells'],
    ['GET', '/v1/plans'],
    ['GET', '/v1/four-eyes'],
  ],
  'tenants:write': ({ tenant }) => [
    ['PATCH', `/v1/tenants/${tenant}`, { legal_hold: true }],
    ['POST', `/v1/tenants/${tenant}/export`, {}],
    ['POST', `/v1/tenants/${tenant}/resumption`, {}],
    ['POST', `/v1/tenants/${tenant}/cancellation`, {}],
    ['POST', `/v1/tenants/${tenant}/move`, { to: 'silo' }],
    ['POST', `/v1/tenants/${tenant}/suspension`, { why: 'a proof' }],
    ['DELETE', `/v1/tenants/${tenant}`],
    [
      'POST',
      '/v1/tenants',
      {
        id: `guest-${randomUUID().slice(0, 8)}`,
        display_name: 'Nobody',
        tier: 'pooled',
        region: 'eu-west',
        plan: 'guarded',
      },
    ],
  ],
  'leases:read': ({ tenant }) => [['GET', `/v1/tenants/${tenant}/leases`]],
  'leases:write': ({ tenant, lease }) => [
    ['DELETE', `/v1/tenants/${tenant}/leases/${lease}`],
    ['DELETE', `/v1/tenants/${tenant}/leases`],
    ['DELETE', '/v1/workloads/clinic-web/leases'],
  ],
  'approvals:write': ({ approval, support }) => [
    ['POST', decisionPath(approval), { approve: false }],
    ['POST', `/v1/support/${support}/revocation`, { why: 'a proof' }],
  ],
  'catalogue:write': () => [
    ['PUT', '/v1/cells/eu-1', { region: 'eu-west', capacity: anotherNumber(), open: true }],
    [
      'PUT',
      '/v1/plans/guarded',
      {
        tiers: ['pooled'],
        requests_per_minute: 1,
        leases_per_minute: anotherNumber(),
        lease_seconds_max: 900,
        approval: true,
      },
    ],
  ],
  'jobs:write': ({ tenant }) => [
    [
      'POST',
      '/v1/job-contexts',
      {
        job: 'nightly',
        service: 'clinic',
        scopes: ['read'],
        seconds: 60,
        reason: 'a proof',
        tenants: [tenant],
      },
    ],
  ],
  'support:read': ({ tenant, support }) => [
    ['GET', '/v1/support'],
    ['GET', `/v1/support/${support}`],
    ['GET', `/v1/tenants/${tenant}/support-policy`],
  ],
  'support:write': ({ tenant, support }) => [
    ['POST', '/v1/support', { tenant, seconds: 600, reason: 'a proof' }],
    ['POST', `/v1/support/${support}/context`, {}],
    ['POST', `/v1/support/${support}/token`, {}],
    ['POST', `/v1/support/${support}/end`, { why: 'a proof' }],
  ],
  'security:write': ({ tenant }) => [
    ['POST', `/v1/tenants/${tenant}/keys`, { compromised: false }],
    ['PUT', `/v1/tenants/${tenant}/support-policy`, { policy: 'second-person' }],
    ['POST', '/v1/revocations/everything', { why: 'a proof' }],
  ],
  'realms:read': ({ tenant }) => [
    ...realmCalls(tenant, false),
    ['GET', `/v1/tenants/${tenant}/revocations`],
  ],
  'realms:write': ({ tenant }) => realmCalls(tenant, true),
  'configuration:read': ({ tenant }) => objectReads(tenant),
  'configuration:write': ({ tenant }) => objectWrites(tenant),
  'operators:write': () => [
    ['GET', '/v1/operators'],
    ['GET', '/v1/people'],
    ['GET', '/v1/people/somebody'],
    ['POST', '/v1/people', { email: 'a@example.com', display_name: 'A', roles: ['viewer'] }],
    ['PUT', '/v1/people/somebody/roles', { roles: ['security'] }],
    ['DELETE', '/v1/people/somebody'],
    ['POST', '/v1/operators', { name: `a-${randomUUID().slice(0, 8)}`, scopes: ['leases:read'] }],
    ['DELETE', '/v1/operators/reader'],
  ],
}

/** What one person may do in a realm that is there. */
const REVOKES = { kind: 'tenant', why: 'a proof' }

/** Everything that can be asked of a realm. The first of those that change something would be good. */
function realmCalls(tenant: string, changing: boolean): readonly Call[] {
  const names = REALM_OPERATION_NAMES.filter(
    (name) => (describedOperation(name).act !== undefined) === changing,
  )
  return names
    .toSorted((a, b) => Number(b === 'revoke') - Number(a === 'revoke'))
    .map((name) => {
      const { method, path } = describedOperation(name)
      const target = `/v1/tenants/${tenant}${path.replaceAll(/\{\w+\}/g, 'somebody')}`
      const said = name === 'revoke' ? REVOKES : { user_name: 'somebody' }
      const body = method === 'get' || method === 'delete' ? undefined : said
      return [method.toUpperCase(), target, body]
    })
}

/** The first of each would be good by itself. */
function objectReads(tenant: string): readonly Call[] {
  return [
    ['GET', `/v1/objects/${EVERYBODYS}`],
    ['GET', '/v1/objects'],
    ['GET', '/v1/drift'],
    ['GET', `/v1/objects/${EVERYBODYS}/history`],
    ['GET', `/v1/tenants/${tenant}/objects/${EVERYBODYS}`],
    ['GET', `/v1/tenants/${tenant}/objects/${EVERYBODYS}/history`],
    ['GET', '/v1/grants'],
    ['GET', '/v1/grants/somebody'],
    ['GET', '/v1/grants/somebody/uses'],
  ]
}

function objectWrites(tenant: string): readonly Call[] {
  const { spec, ...form } = guardrailForm(`own-${anotherNumber()}`, tenant, anotherNumber())
  return [
    ['POST', '/v1/apply', { objects: [{ ...form, spec }] }],
    ['PUT', `/v1/tenants/${tenant}/objects/guardrail/own`, { spec }],
    ['DELETE', `/v1/tenants/${tenant}/objects/guardrail/own`],
    ['PUT', `/v1/objects/${EVERYBODYS}`, { spec }],
    ['DELETE', `/v1/objects/${EVERYBODYS}`],
    ['POST', '/v1/grants', grantOffer(tenant)],
    ...['acceptance', 'refusal', 'revocation'].map(
      (noun): Call => ['POST', `/v1/grants/somebody/${noun}`, {}],
    ),
  ]
}

/** What a tenant's administrator could offer. */
function grantOffer(grantee: string): object {
  return {
    grantee,
    subject: 'somebody',
    scopes: ['read'],
    apis: ['clinic'],
    actions: ['read'],
    resources: ['/'],
    not_before: '2026-01-01T00:00:00Z',
    expires: '2026-01-02T00:00:00Z',
    bills: 'grantor',
  }
}

/** A change to it shows: large enough for all, and never the same. */
const anotherNumber = () => randomInt(10_000, 1_000_000)

/** One that harms nobody shows that the owner's token of this scope works. */
const HARMLESS: Readonly<Record<OperatorScope, (things: Things) => Call>> = {
  'tenants:read': ({ tenant }) => ['GET', `/v1/tenants/${tenant}`],
  'tenants:write': ({ tenant }) => ['PATCH', `/v1/tenants/${tenant}`, { legal_hold: false }],
  'leases:read': ({ tenant }) => ['GET', `/v1/tenants/${tenant}/leases`],
  'leases:write': ({ tenant }) => ['DELETE', `/v1/tenants/${tenant}/leases/none`],
  'approvals:write': ({ approval }) => ['POST', decisionPath(approval), { approve: false }],
  'catalogue:write': () => ['PUT', '/v1/cells/own-1', { region: 'own', capacity: 0, open: false }],
  'jobs:write': (things) => OPERATIONS['jobs:write'](things)[0] ?? ['GET', '/'],
  'operators:write': () => ['GET', '/v1/operators'],
  'support:read': ({ support }) => ['GET', `/v1/support/${support}`],
  'support:write': ({ tenant }) => [
    'POST',
    '/v1/support',
    { tenant, seconds: 600, reason: 'a proof' },
  ],
  'security:write': ({ tenant }) => ['POST', `/v1/tenants/${tenant}/keys`, { compromised: false }],
  'realms:read': ({ tenant }) => ['GET', `/v1/tenants/${tenant}/realm`],
  'realms:write': ({ tenant }) => ['POST', `/v1/tenants/${tenant}/revocations`, REVOKES],
  'configuration:read': () => ['GET', '/v1/objects'],
  'configuration:write': () => ['POST', '/v1/apply', { objects: [] }],
}

/** A tenant that may be lost, with one of everything. */
async function thingsOf(duel: Duel): Promise<Things> {
  const { tenant } = await duel.settledGuest()
  const { approval, workflow } = await askedFor(duel, duel.guest())
  const { id: support } = await duel.site.plane.support.request(
    { tenant, scope: 'read', seconds: 600, reason: 'a proof' },
    CHIEF,
  )
  const lease = duel.site.world.live(tenant)[0] ?? ''
  return { tenant, approval, workflow: workflow.id, lease, support }
}

function without(scope: OperatorScope): OfficeAttack {
  return staged(
    {
      id: `ca-scope-${scope.replace(':', '-')}`,
      title: `Everything that needs the scope ${scope}, by who has all others`,
      kind: scope.endsWith('read') ? 'read' : 'write',
    },
    async (duel) => {
      const things = await thingsOf(duel)
      const owner = await duel.operator([scope])
      const own = { ...things, approval: (await askedFor(duel, duel.guest())).approval }
      const [method, path, body] = HARMLESS[scope](own)
      const shown = await duel.ownerSays(method, path, { token: owner.token, body })
      must(shown.status < 300, `${method} with the scope ${scope}`)
      const { token } = await duel.operatorWithout(scope)
      return {
        owner: `the owner could with the scope ${scope}: ${shown.status}`,
        attempt: async () => {
          const heard: Heard[] = []
          for (const call of OPERATIONS[scope](things)) {
            // A stream without the scope for it would not end by itself.
            const what = { token, body: call[2] }
            heard.push(await duel.says(call[0], call[1], what))
            if (heard.at(-1)?.status !== 403) break
          }
          return noneMay(heard)
        },
      }
    },
  )
}

/** With a second person who approves whatever it is. */
function makes(duel: Duel, what: Parameters<Duel['says']>[2]): Promise<Heard> {
  return duel.together(() => duel.says('POST', '/v1/operators', what))
}

const ALL: readonly OperatorScope[] = Object.keys(OPERATIONS).filter(
  (name): name is OperatorScope => name in OPERATIONS,
)

export const SCOPES: readonly OfficeAttack[] = [
  ...ALL.map(without),
  staged(
    {
      id: 'ca-scope-handed-on',
      title: 'An operator makes itself another with more scopes than its own',
      kind: 'write',
    },
    async (duel) => {
      const { token } = await duel.operator(['operators:write', 'leases:read'])
      const name = () => `caller-${randomUUID().slice(0, 12)}`
      const make = (scopes: readonly string[]) => ({
        token,
        body: { name: name(), scopes, seconds: 3_600 },
      })
      const own = make(['leases:read'])
      const { status } = await duel.together(() => duel.ownerSays('POST', '/v1/operators', own))
      must(status === 201, 'hand on a scope of its own')
      return {
        owner: 'the owner handed on a scope of its own',
        attempt: async () =>
          noneMay([
            await makes(duel, make(['tenants:read'])),
            await makes(duel, make(['leases:read', 'tenants:write'])),
          ]),
      }
    },
  ),
]
