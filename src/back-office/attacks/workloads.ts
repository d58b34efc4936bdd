import { randomUUID } from 'node:crypto'
import { CLIENT_ASSERTION_TYPE } from '../../tokens/client-assertion.ts'
import type { SigningKey } from '../../tokens/signing-key.ts'
import { forge, forgeUnsigned, forgeWithSecret, headerOf, seconds } from '../../strikes/forge.ts'
import { must, statusesOf } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import { ASSERTION_AUDIENCE, EU, STANDARD, type Workload } from '../house/ground.ts'
import type { Party } from '../house/party.ts'
import { CHIEF, personOf } from '../house/site.ts'
import { type AttackFacts, noneMay, type OfficeAttack, type Outcome, staged } from './attack.ts'

type Claims = Readonly<Record<string, unknown>>

const TYP = 'client-authentication+jwt'
const facts = (id: string, title: string): AttackFacts => ({ id, title, kind: 'write' })

function claimsOf({ client }: Workload, changes: Claims = {}): Claims {
  const iat = seconds()
  const own = { iss: client, sub: client, aud: ASSERTION_AUDIENCE }
  return { ...own, iat, exp: iat + 30, jti: randomUUID(), ...changes }
}

/** A workload's proof of who it is, with changes to what it says, its header and its key. */
export function assertionOf(
  workload: Workload,
  changes: Claims = {},
  { header = {}, key = workload.key }: { header?: Claims; key?: SigningKey } = {},
): string {
  const own = headerOf(workload.key, TYP)
  return forge(key, { ...own, ...header }, claimsOf(workload, changes))
}

interface Wanted {
  readonly service?: string
  readonly scopes?: readonly string[]
  readonly seconds?: number
  readonly tenants?: readonly string[]
  readonly assertion?: string
}

/** Asks for job contexts as a workload. */
export function contextsBy(
  duel: Duel,
  workload: Workload,
  { assertion = assertionOf(workload), ...wanted }: Wanted,
  who: 'owner' | 'attacker' = 'attacker',
): Promise<Heard> {
  const body = {
    job: 'nightly',
    service: workload.service,
    scopes: ['read'],
    seconds: 60,
    reason: 'a proof',
    client_assertion_type: CLIENT_ASSERTION_TYPE,
    client_assertion: assertion,
    ...wanted,
  }
  const path = '/v1/job-contexts'
  return who === 'owner'
    ? duel.ownerSays('POST', path, { body })
    : duel.says('POST', path, { body })
}

/** A tenant of the victim's side that is not served any more. */
export async function suspendedGuest(duel: Duel): Promise<Party> {
  const guest = await duel.settledGuest()
  await duel.site.ended(await duel.site.plane.tenants.suspend(guest.tenant, 'unpaid', CHIEF))
  return guest
}

async function ownerIsServed(duel: Duel): Promise<string> {
  const { web } = duel.ground.workloads
  const { status } = await contextsBy(duel, web, { tenants: [duel.victim.tenant] }, 'owner')
  must(status === 200, 'get a job context with its own key')
  return 'the workload got a job context with its own key'
}

/** Attempts with assertions that prove nothing, for contexts of the victim. */
function unproven(
  id: string,
  title: string,
  assertions: (duel: Duel) => readonly string[],
): OfficeAttack {
  return staged(facts(id, title), async (duel) => ({
    owner: await ownerIsServed(duel),
    attempt: async () => {
      const heard: Heard[] = []
      for (const assertion of assertions(duel)) {
        const wanted = { assertion, tenants: [duel.victim.tenant] }
        heard.push(await contextsBy(duel, duel.ground.workloads.web, wanted))
      }
      return noneMay(heard)
    },
  }))
}

/** Attempts with a good assertion for what it is not for. */
function beyond(
  id: string,
  title: string,
  attempt: (duel: Duel) => Promise<Outcome>,
): OfficeAttack {
  return staged(facts(id, title), async (duel) => ({
    owner: await ownerIsServed(duel),
    attempt: () => attempt(duel),
  }))
}

export const WORKLOADS: readonly OfficeAttack[] = [
  unproven('ca-assertion-other-key', "Assertions with another workload's key", (duel) => {
    const { web, report } = duel.ground.workloads
    const key = report.key
    const { kid } = key.publicJwk
    return [assertionOf(web, {}, { key }), assertionOf(web, {}, { key, header: { kid } })]
  }),
  unproven('ca-assertion-other-audience', 'Assertions for another plane', (duel) =>
    ['ringfence-vending', [ASSERTION_AUDIENCE, 'ringfence-vending'], undefined].map((aud) =>
      assertionOf(duel.ground.workloads.web, { aud }),
    ),
  ),
  unproven(
    'ca-assertion-alg',
    'Assertions with alg none, and HMAC under the public key',
    (duel) => {
      const { web } = duel.ground.workloads
      const { publicJwk } = web.key
      const { kid } = publicJwk
      return [
        forgeUnsigned({ alg: 'none', typ: TYP, kid }, claimsOf(web)),
        forgeWithSecret(JSON.stringify(publicJwk), { alg: 'HS256', typ: TYP, kid }, claimsOf(web)),
      ]
    },
  ),
  unproven('ca-assertion-own-key-inside', 'Assertions that bring their key', (duel) => {
    const { stranger: key } = duel.ground.keys
    const { kid, ...jwk } = key.publicJwk
    const { web } = duel.ground.workloads
    return [
      assertionOf(web, {}, { key, header: { jwk } }),
      assertionOf(web, {}, { key, header: { jwk, kid } }),
    ]
  }),
  unproven('ca-assertion-typ', 'Something else that the workload signed', (duel) =>
    ['at+jwt', 'JWT', 'rf-job+jwt', undefined].map((typ) =>
      assertionOf(duel.ground.workloads.web, {}, { header: { typ } }),
    ),
  ),
  unproven('ca-assertion-times', 'Assertions that are old, or live too long', (duel) => {
    const { web } = duel.ground.workloads
    const now = seconds()
    return [
      assertionOf(web, { iat: now - 300, exp: now - 270 }),
      assertionOf(web, { exp: now + 86_400 }),
    ]
  }),
  unproven('ca-assertion-other-subject', 'Assertions about somebody else', (duel) => {
    const { web, report } = duel.ground.workloads
    return [assertionOf(report, { sub: web.client }), assertionOf(report, { iss: web.client })]
  }),
  staged(facts('ca-assertion-replayed', 'An assertion that was used'), async (duel) => {
    const { web } = duel.ground.workloads
    const wanted = { assertion: assertionOf(web), tenants: [duel.victim.tenant] }
    const { status } = await contextsBy(duel, web, wanted, 'owner')
    must(status === 200, 'use its assertion')
    return {
      owner: 'the workload got a job context with its assertion',
      attempt: async () =>
        noneMay([await contextsBy(duel, web, wanted), await contextsBy(duel, web, wanted)]),
    }
  }),
  beyond('ca-context-other-service', 'Contexts for the service of others', async (duel) => {
    const { web, billing } = duel.ground.workloads
    return noneMay([await contextsBy(duel, web, { service: billing.service })])
  }),
  beyond(
    'ca-context-wider-scope',
    'Contexts that write, for a workload that reads',
    async (duel) => {
      const { report } = duel.ground.workloads
      return noneMay([
        await contextsBy(duel, report, { scopes: ['write'] }),
        await contextsBy(duel, report, { scopes: ['read', 'write'] }),
      ])
    },
  ),
  beyond('ca-context-too-long', 'Contexts that live too long, or for ever', async (duel) => {
    const heard: Heard[] = []
    for (const life of [3_601, 86_400, 0, -1, 1e300]) {
      heard.push(await contextsBy(duel, duel.ground.workloads.web, { seconds: life }))
    }
    return { crossed: heard.some(({ status }) => status < 400), met: statusesOf(heard) }
  }),
  staged(facts('ca-context-suspended', 'Contexts for a suspended tenant'), async (duel) => {
    const owner = await ownerIsServed(duel)
    const { tenant } = await suspendedGuest(duel)
    const { web } = duel.ground.workloads
    return {
      owner,
      attempt: async () => noneMay([await contextsBy(duel, web, { tenants: [tenant] })]),
    }
  }),
  staged(
    facts('ca-context-half-built', 'Contexts for a tenant that is being made'),
    async (duel) => {
      const owner = await ownerIsServed(duel)
      const guest = duel.guest()
      const { tenant, nameCanary: displayName } = guest
      const release = duel.site.world.hold(tenant)
      const request = {
        id: tenant,
        displayName,
        tier: 'pooled',
        region: EU,
        plan: STANDARD,
      } as const
      const begun = await duel.site.plane.tenants.create(request, personOf(guest))
      duel.held(begun.id, release)
      for await (const { step } of duel.site.plane.workflows.events(
        begun.id,
        0,
        new AbortController().signal,
      )) {
        if (step === 'provision') break
      }
      const { web } = duel.ground.workloads
      return {
        owner,
        attempt: async () => {
          const heard = await contextsBy(duel, web, { tenants: [tenant] })
          const { status } = await duel.site.plane.tenants.get(tenant)
          return {
            crossed: heard.status < 400 || status === 'active',
            met: `${heard.status}, it is ${status}`,
          }
        },
      }
    },
  ),
]
