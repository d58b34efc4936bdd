import { CONTEXT_HEADER } from '../../tokens/tenant-context.ts'
import type { Duel } from '../duel.ts'
import {
  accessToken,
  ASSERTION_TYP,
  assertionOf,
  type Claims,
  CONTEXT_TYP,
  contextClaims,
  contextFor,
  JOB_TYP,
} from '../house/claims.ts'
import { forge, forgeUnsigned, forgeWithSecret, headerOf, seconds } from '../../strikes/forge.ts'
import { BILLING, CLINIC } from '../house/ground.ts'
import type { Heard, Wire } from '../../strikes/wire.ts'
import { attack, type AttackFacts, type FrontDoorAttack, must, statusesOf } from './attack.ts'
import { ownerLeases, vend } from './calls.ts'

/**
 * Contexts that nobody may accept, shown to the service itself, past the gateway, and to vending with
 * the service's own key: by somebody who has got as far as the inner network.
 */
function contextAttack(
  facts: Omit<AttackFacts, 'kind'>,
  make: (duel: Duel) => Promise<readonly string[]> | readonly string[],
): FrontDoorAttack {
  return attack(
    { kind: 'read', ...facts },
    {
      owner: ownerShowsContext,
      async attempt(duel) {
        const tokens = await make(duel)
        const heard = await Promise.all(
          tokens.flatMap((token) => [
            atService(duel, duel.wire, 'clinic', duel.mark, token),
            vend(duel.wire, duel.door, { fields: { subject_token: token } }).then(
              ({ heard }) => heard,
            ),
          ]),
        )
        return {
          crossed: heard.some(({ status }) => status === 200),
          met: `${tokens.length} contexts, at the service and at vending: ${statusesOf(heard)}`,
        }
      },
    },
  )
}

/** Shows that a good context of the victim opens its record at the service, and a lease at vending. */
async function ownerShowsContext(duel: Duel): Promise<string> {
  const { ground, victim, own, ownMark } = duel
  const { body } = await atService(duel, own, 'clinic', ownMark, await contextFor(ground, victim))
  must(body.includes(victim.recordCanary), 'read its record with a context')
  await ownerLeases(duel)
  return "the owner's context opens its record at the service, and a lease at vending"
}

function atService(
  { house }: Duel,
  wire: Wire,
  service: 'clinic' | 'billing',
  mark: string,
  token: string,
): Promise<Heard> {
  const { hostname, port } = new URL(house.upstream.url)
  return wire.ask(
    { host: hostname, port: Number(port) },
    {
      target: `/${service}/records/${mark}`,
      headers: [
        ['Host', service],
        [CONTEXT_HEADER, token],
      ],
    },
  )
}

const signedByGateway = ({ ground, victim }: Duel, changes: Claims, typ = CONTEXT_TYP) => {
  const { context } = ground.keys
  return forge(context, headerOf(context, typ), contextClaims(victim, changes))
}

export const CONTEXTS: readonly FrontDoorAttack[] = [
  contextAttack(
    {
      id: 'fd-context-forged',
      title: 'A context for the victim that the attacker signs: own keys, no key, the public key',
      references: ['JW-1', 'JW-2', 'JW-4', 'JW-13'],
    },
    ({ attacker, victim, ground }) => {
      const { context, stranger, strangersOther } = ground.keys
      const { web } = ground.workloads
      const claims = contextClaims(victim)
      const genuine = headerOf(context, CONTEXT_TYP)
      const keys = [attacker.realm, stranger, strangersOther, web.key]
      return [
        ...keys.map((key) => forge(key, headerOf(key, CONTEXT_TYP), claims)),
        ...keys.map((key) => forge(key, { ...genuine, alg: key.publicJwk.alg }, claims)),
        ...keys.map((key) => forge(key, { ...genuine, jwk: key.publicJwk }, claims)),
        forgeUnsigned({ ...genuine, alg: 'none' }, claims),
        forgeUnsigned(genuine, claims),
        forgeWithSecret(JSON.stringify(context.publicJwk), { ...genuine, alg: 'HS256' }, claims),
      ]
    },
  ),
  contextAttack(
    {
      id: 'fd-context-altered',
      title: 'A good context of the own tenant with the victim put into it',
      references: ['JW-13'],
    },
    async ({ ground, attacker, victim }) => {
      const [header = '', payload = '', signature = ''] = (
        await contextFor(ground, attacker)
      ).split('.')
      const claims = Buffer.from(payload, 'base64url').toString()
      return [
        claims.replace(`"tenant_id":"${attacker.tenant}"`, `"tenant_id":"${victim.tenant}"`),
        claims.replace('{', `{"tenant_id":"${victim.tenant}",`),
        claims.replace(/\}$/, `,"tenant_id":"${victim.tenant}"}`),
      ].map((text) => `${header}.${Buffer.from(text).toString('base64url')}.${signature}`)
    },
  ),
  contextAttack(
    {
      id: 'fd-context-expired',
      title: "The victim's context after its end, before its time, and one that lives too long",
      references: ['JW-12'],
    },
    (duel) => {
      const now = seconds()
      return [
        { iat: now - 70, exp: now - 10 },
        { iat: now - 3_600, exp: now - 3_540 },
        { iat: now + 60, exp: now + 120 },
        { iat: now, exp: now + 61 },
        { iat: now, exp: now + 86_400 },
        { exp: undefined },
      ].map((times) => signedByGateway(duel, times))
    },
  ),
  contextAttack(
    {
      id: 'fd-context-kinds-swapped',
      title: 'Other tokens as contexts, and each kind of context by the key of the other',
      references: ['JW-11'],
    },
    async (duel) => {
      const { ground, victim } = duel
      const { context, job } = ground.keys
      const { web } = ground.workloads
      const jobClaims = contextClaims(victim, { iss: 'ringfence-control' })
      return [
        await accessToken(victim),
        assertionOf(web),
        assertionOf(web, contextClaims(victim)),
        signedByGateway(duel, {}, 'at+jwt'),
        signedByGateway(duel, {}, 'JWT'),
        signedByGateway(duel, {}, ASSERTION_TYP),
        // The gateway's key signs no job, and the control plane's signs no request.
        forge(context, headerOf(context, JOB_TYP), jobClaims),
        forge(context, headerOf(context, JOB_TYP), contextClaims(victim)),
        forge(job, headerOf(job, CONTEXT_TYP), contextClaims(victim)),
        forge(job, headerOf(job, CONTEXT_TYP), jobClaims),
      ]
    },
  ),
  contextAttack(
    {
      id: 'fd-context-claims',
      title: 'Contexts with claims missing, or for an audience of several services',
      references: ['JW-7', 'JW-14'],
    },
    (duel) => [
      ...['iss', 'sub', 'aud', 'iat', 'jti', 'tenant_id', 'scope', 'request_id'].map((name) =>
        signedByGateway(duel, { [name]: undefined }),
      ),
      ...[[CLINIC, BILLING], [CLINIC], '*', BILLING].map((aud) => signedByGateway(duel, { aud })),
      ...['ringfence-control', 'gateway', ''].map((iss) => signedByGateway(duel, { iss })),
      ...['', 'admin', 'read admin', '*'].map((scope) => signedByGateway(duel, { scope })),
    ],
  ),
  attack(
    {
      id: 'fd-context-other-service',
      title: 'A context that one service was given, shown to another service',
      kind: 'read',
      references: ['JW-7', 'JW-13'],
    },
    {
      owner: ownerShowsContext,
      async attempt(duel) {
        const token = await contextFor(duel.ground, duel.victim)
        const { status } = await atService(duel, duel.wire, 'billing', duel.mark, token)
        return { crossed: status === 200, met: `the other service: ${status}` }
      },
    },
  ),
  attack(
    {
      id: 'fd-context-other-workload',
      title: "The victim's context for one service, exchanged by a workload of another",
      kind: 'read',
      references: ['JW-7'],
    },
    {
      owner: ownerShowsContext,
      async attempt({ ground, victim, wire, door }) {
        const { billing } = ground.workloads
        const { granted, heard } = await vend(wire, door, {
          fields: {
            subject_token: await contextFor(ground, victim),
            client_assertion: assertionOf(billing),
          },
        })
        return { crossed: granted, met: `vending: ${heard.status}` }
      },
    },
  ),
]
