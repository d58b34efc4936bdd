import { parseGrantId, parseServiceName, parseSubject } from '../../core/names.ts'
import { forge, forgeUnsigned, forgeWithSecret, headerOf, seconds } from '../../strikes/forge.ts'
import type { SigningKey } from '../../tokens/signing-key.ts'
import { claimsOf, type Duel } from '../duel.ts'
import { attackOf, must, noneMay, type RecordsAttack } from './attack.ts'
import { PARTS } from './reads.ts'

const read = attackOf('read')
const TYP = 'rf-context+jwt'

/** Contexts of the victim that are none, at everything that a tenant reads. */
function showing(
  id: string,
  title: string,
  make: (duel: Duel) => Promise<readonly string[]>,
): RecordsAttack {
  return read(id, title, async (duel) => {
    const good = await duel.context(duel.victim)
    for (const target of PARTS) {
      const { status } = await duel.ownerSays('tenants', target, good)
      must(status === 200, `read ${target.split('?', 1)[0]}`)
    }
    const contexts = await make(duel)
    return {
      owner: `the owner read its records in ${PARTS.length} ways`,
      attempt: async () => {
        const heard = []
        for (const context of contexts) {
          for (const target of PARTS) heard.push(await duel.says('tenants', target, context))
        }
        return noneMay(heard)
      },
    }
  })
}

/** A good context's claims, changed, and signed with a key. */
async function signed(
  duel: Duel,
  change: Readonly<Record<string, unknown>>,
  key: SigningKey = duel.ground.keys.contexts,
  typ = TYP,
): Promise<string> {
  const claims = claimsOf(await duel.context(duel.victim))
  return forge(key, headerOf(key, typ), { ...claims, ...change })
}

export const CONTEXTS: readonly RecordsAttack[] = [
  showing('rc-context-none', 'Come without a context, or with what is none', async () => [
    '',
    'eyJ9',
    'a.b.c',
    'null',
  ]),
  showing('rc-context-unsigned', 'Show a context that nobody signed', async (duel) => {
    const claims = claimsOf(await duel.context(duel.victim))
    return [
      forgeUnsigned({ alg: 'none', typ: TYP }, claims),
      forgeUnsigned(headerOf(duel.ground.keys.contexts, TYP), claims),
    ]
  }),
  showing('rc-context-stranger', 'Sign a context with a key of one’s own', async (duel) => {
    const { contexts, stranger } = duel.ground.keys
    const claims = claimsOf(await duel.context(duel.victim))
    return [
      forge(stranger, headerOf(stranger, TYP), claims),
      forge(stranger, headerOf(contexts, TYP), claims),
      forge(stranger, { ...headerOf(stranger, TYP), jwk: stranger.publicJwk }, claims),
    ]
  }),
  showing('rc-context-secret', 'Sign a context with the public key as a secret', async (duel) => {
    const { publicJwk } = duel.ground.keys.contexts
    const claims = claimsOf(await duel.context(duel.victim))
    const header = { alg: 'HS256', typ: TYP, kid: publicJwk.kid }
    return [forgeWithSecret(JSON.stringify(publicJwk), header, claims)]
  }),
  showing(
    'rc-context-plane',
    'Sign a context with the key of another plane or a service',
    async (duel) => {
      const { gateway, clinic, jobs } = duel.ground.keys
      return Promise.all([gateway, clinic, jobs].map((key) => signed(duel, {}, key)))
    },
  ),
  showing('rc-context-service', 'Show a context that another service was given', async (duel) =>
    Promise.all(
      ['clinic', 'ringfence-records-2', 'ringfence'].map((name) =>
        duel.context(duel.victim, { service: parseServiceName(name) }),
      ),
    ),
  ),
  showing(
    'rc-context-type',
    'Show another token of the gateway’s in a context’s place',
    async (duel) =>
      Promise.all(
        ['at+jwt', 'JWT', 'client-authentication+jwt'].map((typ) =>
          signed(duel, {}, duel.ground.keys.contexts, typ),
        ),
      ),
  ),
  showing('rc-context-job', 'Read as a job, which is of no person', async (duel) => {
    const { jobs } = duel.ground.keys
    const { victim } = duel
    return [
      await duel.context(victim, { kind: 'job' }, jobs),
      await duel.context(victim, { kind: 'job' }),
    ]
  }),
  showing('rc-context-ended', 'Show a context again when it has ended', async (duel) => [
    await signed(duel, { iat: seconds() - 3_600, exp: seconds() - 3_540 }),
    await signed(duel, { iat: seconds() - 3_600, exp: seconds() + 3_600 }),
  ]),
  showing('rc-context-revoked', 'Read with a token that was taken back', async (duel) => {
    const context = await duel.context(duel.victim)
    const origin = claimsOf(context)['origin'] as { readonly jti: string }
    duel.ground.revoked.add(origin.jti)
    duel.afterwards(async () => duel.ground.revoked.delete(origin.jti))
    return [context]
  }),
  showing('rc-context-suspended', 'Read of a tenant that is suspended', async (duel) => {
    const { tenant } = duel.victim
    duel.ground.suspended.add(tenant)
    duel.afterwards(async () => duel.ground.suspended.delete(tenant))
    return [await duel.context(duel.victim)]
  }),
  showing('rc-context-delegate', 'Read as the delegate of another tenant', async (duel) => {
    const { attacker, victim } = duel
    const delegation = {
      grant: parseGrantId(`gr-${'a'.repeat(24)}`),
      grantee: attacker.tenant,
      source: { id: 'their-token', client: 'web', issuedAt: new Date() },
    }
    const actor = {
      subject: parseSubject('eve'),
      issuer: `https://id.records-proof.test/realms/${attacker.tenant}`,
    }
    return [
      await duel.context(victim, { actor, delegation }),
      await duel.context(victim, { actor, delegation, roles: ['auditor'] }),
    ]
  }),
  showing('rc-context-roles', 'Read as a user of the tenant who has no role for it', async (duel) =>
    Promise.all(
      [[], ['user'], ['Tenant-Admin'], ['tenant-admins'], ['auditors', 'administrator']].map(
        (roles) => duel.context(duel.victim, { roles }),
      ),
    ),
  ),
]
