import {
  ACCESS_TYP,
  accessClaims,
  ASSERTION_TYP,
  type Claims,
  CONTEXT_TYP,
  contextFor,
  JOB_TYP,
} from '../house/claims.ts'
import { forge, headerOf, seconds } from '../../strikes/forge.ts'
import { AUDIENCE } from '../house/ground.ts'
import type { Party } from '../house/party.ts'
import { attack, type FrontDoorAttack, statusesOf } from './attack.ts'
import { bothWays, byPath, call, ownerReads } from './calls.ts'
import { tokenAttack } from './tokens.ts'

/** What a tenant's own identity provider has signed, and somebody else has come by. */
function signedByRealm(party: Party, changes: Claims, typ: string = ACCESS_TYP): string {
  return forge(party.realm, headerOf(party.realm, typ), accessClaims(party, changes))
}

/** Tokens that the victim's own realm has signed, for something or some time else. */
export const CLAIMS: readonly FrontDoorAttack[] = [
  tokenAttack(
    {
      id: 'fd-token-typ',
      title:
        "Another kind of token that the victim's realm has signed: an ID token, a logout token",
      references: ['JW-11'],
    },
    ({ victim }) =>
      ['JWT', 'logout+jwt', 'id+jwt', '', 'at+jwt2', CONTEXT_TYP, ASSERTION_TYP].map((typ) => ({
        token: signedByRealm(victim, {}, typ),
      })),
  ),
  tokenAttack(
    {
      id: 'fd-token-kinds-swapped',
      title: 'Tokens of the platform itself as access tokens: contexts, job contexts, assertions',
      references: ['JW-11'],
    },
    async ({ ground, victim }) => {
      const { keys, workloads } = ground
      const forged = [
        { key: keys.context, typ: CONTEXT_TYP },
        { key: keys.context, typ: ACCESS_TYP },
        { key: keys.job, typ: JOB_TYP },
        { key: keys.job, typ: ACCESS_TYP },
        { key: workloads.web.key, typ: ASSERTION_TYP },
        { key: workloads.web.key, typ: ACCESS_TYP },
      ].map(({ key, typ }) => ({ token: forge(key, headerOf(key, typ), accessClaims(victim)) }))
      return [
        { token: await contextFor(ground, victim) },
        { token: await contextFor(ground, victim, { kind: 'job' }) },
        ...forged,
      ]
    },
  ),
  tokenAttack(
    {
      id: 'fd-token-audience',
      title: "A token of the victim's user for another service, and for that one among others",
      references: ['JW-7'],
    },
    ({ victim }) =>
      [
        'https://other.front-door.test/',
        AUDIENCE.slice(0, -1),
        `${AUDIENCE}v2`,
        ['https://other.front-door.test/', AUDIENCE],
        [AUDIENCE],
        '',
        null,
      ].map((aud) => ({ token: signedByRealm(victim, { aud }) })),
  ),
  tokenAttack(
    {
      id: 'fd-token-expired',
      title: "The victim's token after its end",
      references: ['JW-12'],
    },
    ({ victim }) => {
      const now = seconds()
      return [
        { iat: now - 310, exp: now - 10 },
        { iat: now - 86_400, exp: now - 86_100 },
        { iat: now, exp: now - 300 },
      ].map((times) => ({ token: signedByRealm(victim, times) }))
    },
  ),
  tokenAttack(
    {
      id: 'fd-token-not-yet-valid',
      title: "The victim's token before its time",
      references: ['JW-12'],
    },
    ({ victim }) => {
      const now = seconds()
      return [{ iat: now + 120, exp: now + 420 }, { nbf: now + 120 }].map((times) => ({
        token: signedByRealm(victim, times),
      }))
    },
  ),
  tokenAttack(
    {
      id: 'fd-token-over-long',
      title: "A token that lives longer than any may, which a realm's careless set-up gives out",
      references: ['JW-12'],
    },
    ({ victim }) => {
      const now = seconds()
      return [
        { iat: now, exp: now + 86_400 },
        { iat: now, exp: now + 901 },
        { iat: now - 86_400, exp: now + 60 },
      ].map((times) => ({ token: signedByRealm(victim, times) }))
    },
  ),
  tokenAttack(
    {
      id: 'fd-token-claim-missing',
      title: 'A token with one claim left out, emptied or of another type',
      references: ['JW-14', 'JW-12'],
    },
    ({ victim }) =>
      [
        'iss',
        'sub',
        'aud',
        'exp',
        'iat',
        'jti',
        'tenant_id',
        'client_id',
        'scope',
        'roles',
      ].flatMap((name) =>
        [undefined, null, '', { is: 1 }].flatMap((value) =>
          // A token without scopes is good for nothing, but of the right form.
          name === 'scope' && value === ''
            ? []
            : [{ token: signedByRealm(victim, { [name]: value }) }],
        ),
      ),
  ),
  tokenAttack(
    {
      id: 'fd-token-claim-twice',
      title: 'Claims that are there twice, so that two readers take two tenants',
      references: ['JW-14'],
    },
    ({ attacker, victim }) => {
      const text = JSON.stringify(accessClaims(attacker))
      const header = headerOf(attacker.realm, ACCESS_TYP)
      const doubled = [
        text.replace('{', `{"tenant_id":"${victim.tenant}",`),
        text.replace('{', `{"iss":"${victim.issuer}",`),
        text.replace('{', `{"tenant\\u005fid":"${victim.tenant}",`),
        text.replace('{', '{"sub":"somebody-else",'),
      ]
      return doubled.map((payload) => ({
        token: forge(attacker.realm, header, payload),
        ways: [...bothWays(attacker), ...bothWays(victim)],
      }))
    },
  ),
  attack(
    {
      id: 'fd-token-without-scope',
      title: 'A token of the own realm that allows neither to read nor to write',
      kind: 'read',
      references: ['JW-12'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, wire, door, mark } = duel
        const tokens = ['', 'openid profile', 'admin', 'READ', 'read:all'].map((scope) =>
          signedByRealm(attacker, { scope }),
        )
        const heard = await Promise.all(
          tokens.map((token) => call(wire, door, byPath(attacker), mark, { token })),
        )
        return { crossed: duel.reached, met: statusesOf(heard) }
      },
    },
  ),
  tokenAttack(
    {
      id: 'fd-token-tenant-spelling',
      title: "The victim's name in other spellings and types",
      references: ['JW-14', 'PG-16'],
    },
    ({ attacker, victim }) => {
      const { tenant } = victim
      const spellings = [
        tenant.toUpperCase(),
        ` ${tenant}`,
        `${tenant}\u0000`,
        `${tenant}.`,
        [tenant],
        [attacker.tenant, tenant],
        { toString: tenant },
        `${attacker.tenant},${tenant}`,
        '*',
        '%',
      ]
      const header = headerOf(attacker.realm, ACCESS_TYP)
      return spellings.map((tenant_id) => ({
        token: forge(attacker.realm, header, accessClaims(attacker, { tenant_id })),
        ways: [...bothWays(attacker), ...bothWays(victim)],
      }))
    },
  ),
]
