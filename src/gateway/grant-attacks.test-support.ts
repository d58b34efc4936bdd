import { type GrantConfig, grantSchema } from '../contracts/grant.ts'
import { parseGrantId } from '../core/names.ts'
import type { GatewayAttack } from './attacks.test-support.ts'
import { type Ask, type Door, tokenOf } from './door.test-support.ts'

export const GRANT = 'gr-aaaaaaaaaaaaaaaaaaaa'

const HOUR_MS = 3_600_000
const at = (ms: number) => new Date(Date.now() + ms).toISOString()

/** What acme lets kim of globex do: read below `/patients` of its clinic. */
export function grantOf(change: Readonly<Record<string, unknown>> = {}): GrantConfig {
  return grantSchema.parse({
    id: GRANT,
    grantee: 'globex',
    subject: 'kim',
    scopes: ['read'],
    apis: ['clinic'],
    actions: ['read'],
    resources: ['/patients'],
    notBefore: at(-HOUR_MS),
    expires: at(HOUR_MS),
    bills: 'grantee',
    ...change,
  })
}

/** A token of acme's realm for kim of globex. */
export function delegated(change: Readonly<Record<string, unknown>> = {}): string {
  return tokenOf('acme', {
    sub: `grant:${GRANT}`,
    sid: GRANT,
    client_id: 'ringfence-delegation',
    scope: 'read',
    roles: [],
    act: { iss: 'https://id.example/realms/globex', sub: 'kim' },
    grant_id: GRANT,
    grantee: { tenant_id: 'globex', jti: 'home-1', client_id: 'web', sid: 's-1', iat: homeIssued },
    ...change,
  })
}

/** For a minute from now on. */
export const restrained = { grant: parseGrantId(GRANT), until: at(60_000) }

const homeIssued = Math.floor(Date.now() / 1000) - 5
export const PATIENTS = '/t/acme/clinic/patients/7'

/** A request under a grant that should not get through. */
function under(
  against: string,
  title: string,
  grant: Readonly<Record<string, unknown>>,
  ask: Partial<Ask> = {},
  prepare: (door: Door) => void = () => undefined,
): GatewayAttack {
  return {
    title,
    against,
    async run(door) {
      door.source.change('acme', { grants: [grantOf(grant)] })
      prepare(door)
      await door.ask({ path: PATIENTS, token: delegated(), ...ask })
      return door.upstream.seen.length + door.billing.seen.length > 0
    },
  }
}

const stands = (title: string, grant: object, ask: Partial<Ask> = {}) =>
  under('grant-stands', title, { ...grant }, ask)

export const GRANT_ATTACKS: readonly GatewayAttack[] = [
  stands('a grant that is there no more', { id: 'gr-bbbbbbbbbbbbbbbbbbbb' }),
  stands('a grant whose time is over', { expires: at(-1_000) }),
  stands('a grant whose time has not come', { notBefore: at(HOUR_MS) }),
  stands('a grant to somebody else of the same tenant', { subject: 'eve' }),
  stands('a grant to somebody of the same name of another tenant', { grantee: 'initech' }),
  stands('a token of a grant in another name', {}, { token: delegated({ sub: 'ann' }) }),
  stands('a token of a grant in another session', {}, { token: delegated({ sid: 's-2' }) }),
  under('grantee-is-served', 'a principal of a suspended tenant', {}, {}, ({ source }) =>
    source.change('globex', { status: 'suspended' }),
  ),
  under(
    'grantee-is-served',
    'a principal of another issuer than its tenant has',
    {},
    {
      token: delegated({ act: { iss: 'https://id.example/realms/initech', sub: 'kim' } }),
    },
  ),
  {
    title: 'more calls under a grant than it is limited to, by another token each time',
    against: 'grant-within-limit',
    async run(door) {
      const restraints = [{ kind: 'limit', ...restrained, requests: 10 } as const]
      door.source.change('acme', { grants: [grantOf()], restraints })
      for (let turn = 0; turn < 4; turn += 1) {
        const token = delegated({ jti: `token-${turn}`, client_id: `client-${turn}` })
        await door.ask({ path: PATIENTS, token })
      }
      // Two may come at once.
      return door.upstream.seen.length > 2
    },
  },
  {
    title: 'somebody who has not signed in since the grant was challenged, or does not say when',
    against: 'grant-is-not-challenged',
    async run(door) {
      const restraints = [{ kind: 'challenge', ...restrained, since: at(-60_000) } as const]
      door.source.change('acme', { grants: [grantOf()], restraints })
      for (const change of [{}, { auth_time: Math.floor(Date.now() / 1000) - 120 }]) {
        await door.ask({ path: PATIENTS, token: delegated(change) })
      }
      return door.upstream.seen.length > 0
    },
  },
  under(
    'scope-of-the-grant',
    'a scope that the grant has not',
    { scopes: ['write'], actions: ['read', 'write'] },
    { token: delegated({ scope: 'read write' }) },
  ),
  under(
    'api-of-the-grant',
    'an API that the grant does not name',
    {},
    {
      path: '/t/acme/clinic/billing/patients/7',
    },
  ),
  under(
    'action-of-the-grant',
    'an action that the grant does not name',
    { scopes: ['read', 'write'], actions: ['read', 'PUT'] },
    { method: 'DELETE', token: delegated({ scope: 'read write' }) },
  ),
  under(
    'resource-of-the-grant',
    'a path that begins like the one of the grant',
    {},
    {
      path: '/t/acme/clinic/patients-of-others/7',
    },
  ),
  under(
    'resource-of-the-grant',
    'something beside what the grant names',
    {},
    {
      path: '/t/acme/clinic/staff',
    },
  ),
]
