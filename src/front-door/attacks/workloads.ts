import type { Duel } from '../duel.ts'
import {
  ACCESS_TYP,
  assertionOf,
  ASSERTION_TYP,
  type Claims,
  CONTEXT_TYP,
  contextFor,
} from '../house/claims.ts'
import { forge, forgeUnsigned, headerOf, seconds } from '../../strikes/forge.ts'
import { VENDING_AUDIENCE } from '../house/ground.ts'
import {
  attack,
  type AttackFacts,
  type FrontDoorAttack,
  must,
  staged,
  statusesOf,
} from './attack.ts'
import { type Asking, ownerGetsLease, ownerLeases, vend } from './calls.ts'

/**
 * Somebody has a context of the victim's, and no workload's key: each of these requests at vending
 * must get nothing.
 */
export function vendingAttack(
  facts: Omit<AttackFacts, 'kind'> & { readonly kind?: AttackFacts['kind'] },
  make: (duel: Duel) => Promise<readonly Asking[]>,
): FrontDoorAttack {
  return attack(
    { kind: 'read', ...facts },
    {
      owner: ownerGetsLease,
      async attempt(duel) {
        const asked = await make(duel)
        const vended = await Promise.all(asked.map((one) => vend(duel.wire, duel.door, one)))
        const heard = vended.map((one) => one.heard)
        return {
          crossed: vended.some(({ granted }) => granted),
          met: `${asked.length} requests: ${statusesOf(heard)}`,
        }
      },
    },
  )
}

/** Exchanges of the victim's context with each of these assertions. */
function assertionAttack(
  facts: Omit<AttackFacts, 'kind'>,
  make: (duel: Duel) => readonly string[],
): FrontDoorAttack {
  return vendingAttack(facts, async (duel) => {
    const subject_token = await contextFor(duel.ground, duel.victim)
    return make(duel).map((client_assertion) => ({ fields: { subject_token, client_assertion } }))
  })
}

export const WORKLOADS: readonly FrontDoorAttack[] = [
  assertionAttack(
    {
      id: 'fd-workload-other-key',
      title: "A workload's name over another workload's signature, the attacker's, or none",
      references: ['JW-1', 'JW-3', 'JW-4'],
    },
    ({ ground, attacker }) => {
      const { web, report, billing } = ground.workloads
      const keys = [report.key, billing.key, attacker.realm, ground.keys.strangersOther]
      const bare = headerOf(web.key, ASSERTION_TYP)
      const [, payload = ''] = assertionOf(web).split('.')
      const claims = Buffer.from(payload, 'base64url').toString()
      return [
        ...keys.map((key) => assertionOf({ client: web.client, key })),
        ...keys.map((key) =>
          assertionOf({ client: web.client, key }, {}, { kid: web.key.publicJwk.kid }),
        ),
        ...keys.map((key) => assertionOf({ client: web.client, key }, {}, { jwk: key.publicJwk })),
        forgeUnsigned({ ...bare, alg: 'none' }, claims),
        forgeUnsigned(bare, claims),
        assertionOf(report, { iss: web.client, sub: web.client }),
      ]
    },
  ),
  assertionAttack(
    {
      id: 'fd-workload-other-subject',
      title: "A workload's own assertion about another workload",
      references: ['JW-13'],
    },
    ({ ground }) => {
      const { web, report, billing } = ground.workloads
      return [web.client, billing.client, 'nobody', '', undefined].map((sub) =>
        assertionOf(report, { sub }),
      )
    },
  ),
  assertionAttack(
    {
      id: 'fd-workload-other-audience',
      title: 'An assertion that a workload made for somebody else',
      references: ['JW-7'],
    },
    ({ ground }) =>
      [
        'ringfence-control',
        'https://evil.test/token',
        ['ringfence-control', VENDING_AUDIENCE],
        [VENDING_AUDIENCE],
        '',
        undefined,
      ].map((aud) => assertionOf(ground.workloads.web, { aud })),
  ),
  assertionAttack(
    {
      id: 'fd-workload-other-kind',
      title: "Something else that a workload's key has signed, as its assertion",
      references: ['JW-11'],
    },
    ({ ground }) =>
      ['JWT', CONTEXT_TYP, ACCESS_TYP, '', undefined].map((typ) =>
        assertionOf(ground.workloads.web, {}, { typ }),
      ),
  ),
  assertionAttack(
    {
      id: 'fd-workload-old-assertion',
      title: 'An assertion after its end, one that lives too long, one without an id',
      references: ['JW-12'],
    },
    ({ ground }) => {
      const now = seconds()
      const times: readonly Claims[] = [
        { iat: now - 60, exp: now - 10 },
        { iat: now, exp: now + 86_400 },
        { iat: now + 120, exp: now + 150 },
        { exp: undefined },
        { jti: undefined },
      ]
      return times.map((changes) => assertionOf(ground.workloads.web, changes))
    },
  ),
  replay({
    id: 'fd-workload-replay',
    title: 'An assertion that was used a moment ago, with the context of the victim',
    between: async () => undefined,
  }),
  replay({
    id: 'fd-workload-replay-after-restart',
    title: 'An assertion that was used before vending was started anew',
    between: (duel) => duel.door.restartVending(),
  }),
  vendingAttack(
    {
      id: 'fd-workload-other-name',
      title: "One workload's assertion beside another's client id",
      references: ['HT-9'],
    },
    async ({ ground, victim }) => {
      const { web, report, billing } = ground.workloads
      const subject_token = await contextFor(ground, victim)
      return [report.client, billing.client, 'nobody', web.client.toUpperCase()].map(
        (client_id) => ({ fields: { subject_token, client_id } }),
      )
    },
  ),
  vendingAttack(
    {
      id: 'fd-workload-unknown',
      title: 'A workload that there is not, and one by another protocol',
      references: ['JW-3'],
    },
    async ({ ground, victim }) => {
      const { stranger } = ground.keys
      const subject_token = await contextFor(ground, victim)
      const claims = { iss: 'nobody', sub: 'nobody' }
      const assertions = ['nobody', '__proto__', '*'].map((name) =>
        forge(stranger, headerOf(stranger, ASSERTION_TYP), { ...claims, iss: name, sub: name }),
      )
      return [
        ...assertions.map((client_assertion) => ({ fields: { subject_token, client_assertion } })),
        { fields: { subject_token, client_assertion: undefined } },
        { fields: { subject_token, client_assertion: '' } },
        {
          fields: { subject_token, client_assertion: undefined, client_assertion_type: undefined },
          tail: `&client_id=${ground.workloads.web.client}&client_secret=x`,
        },
      ]
    },
  ),
]

/** The victim's service has used an assertion, and whoever reads its traffic uses it again. */
function replay(facts: {
  readonly id: string
  readonly title: string
  readonly between: (duel: Duel) => Promise<void>
}): FrontDoorAttack {
  const { id, title, between } = facts
  return staged({ id, title, kind: 'read', references: ['JW-11'] }, async (duel) => {
    const client_assertion = assertionOf(duel.ground.workloads.web)
    await ownerLeases(duel, duel.door, { client_assertion })
    return {
      owner: 'the service of the owner exchanges a context with this assertion',
      async attempt() {
        await between(duel)
        const subject_token = await contextFor(duel.ground, duel.victim)
        const fields = { subject_token, client_assertion }
        const { granted, heard } = await vend(duel.wire, duel.door, { fields })
        must(heard.status !== 0, 'reach vending')
        return { crossed: granted, met: `again: ${heard.status}` }
      },
    }
  })
}
