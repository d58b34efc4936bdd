import { randomUUID } from 'node:crypto'
import { forge, forgeUnsigned, headerOf } from '../../strikes/forge.ts'
import { must } from '../../strikes/staged-attack.ts'
import type { Duel } from '../duel.ts'
import { DEVICE_CODE } from '../house/furnish.ts'
import { PERSON } from '../house/party.ts'
import { saidIn } from './actors.ts'
import { attackOf, noneMay, type RealmAttack, statusesOf } from './attack.ts'
import { bodyOf } from '../../strikes/heard.ts'

const read = attackOf('read')
const write = attackOf('write')
const disturb = attackOf('disturbance')

const refresh = (refresh_token: string) => ({ grant_type: 'refresh_token', refresh_token })

/** A sign-in at the victim's realm, whose tokens work. */
async function signedIn(duel: Duel) {
  const tokens = await duel.tokens(duel.victim)
  must(typeof tokens.refresh_token === 'string', 'get a refresh token')
  return tokens
}

export const GRANTS: readonly RealmAttack[] = [
  read(
    'id-code-other-realm',
    'A code of one realm at the token endpoint of another',
    async (duel) => {
      const { attacker, victim } = duel
      must(
        (await duel.exchange('owner', victim, await duel.code(victim))).status === 200,
        'use a code',
      )
      const code = await duel.code(victim)
      return {
        owner: 'the application exchanged a code of its realm',
        attempt: async () =>
          noneMay([
            await duel.exchange('attacker', attacker, code, { redirect_uri: victim.callback }),
            await duel.exchange('attacker', attacker, code),
          ]),
      }
    },
  ),
  write('id-refresh-other-realm', 'A refresh token of one realm at another', async (duel) => {
    const { attacker, victim } = duel
    const { refresh_token } = await signedIn(duel)
    const first = await duel.client('owner', victim, '/token', refresh(refresh_token))
    must(first.status === 200, 'refresh its token')
    const next = String(bodyOf(first)['refresh_token'])
    return {
      owner: 'the application refreshed its token',
      attempt: async () =>
        noneMay([await duel.client('attacker', attacker, '/token', refresh(next))]),
    }
  }),
  read('id-device-other-realm', 'A device code of one realm at another', async (duel) => {
    const { attacker, victim } = duel
    const begun = await duel.client('owner', victim, '/device/auth', {
      client_id: 'app',
      scope: 'openid read',
    })
    must(begun.status === 200, 'begin a sign-in on a device')
    const device = { grant_type: DEVICE_CODE, device_code: String(bodyOf(begun)['device_code']) }
    const pending = await duel.client('owner', victim, '/token', device)
    must(bodyOf(pending)['error'] === 'authorization_pending', 'wait for its user')
    return {
      owner: 'the device was told to wait for its user',
      attempt: async () => {
        const heard = await duel.client('attacker', attacker, '/token', device)
        const error = String(bodyOf(heard)['error'])
        return { crossed: error !== 'invalid_grant', met: `${heard.status} ${error}` }
      },
    }
  }),
  read('id-introspect-other-realm', 'Asking one realm about tokens of another', async (duel) => {
    const { attacker, victim } = duel
    const { refresh_token, access_token } = await signedIn(duel)
    const about = (by: 'owner' | 'attacker', token: string) =>
      duel.client(by, by === 'owner' ? victim : attacker, '/token/introspection', { token })
    for (const token of [refresh_token, access_token]) {
      must(bodyOf(await about('owner', token))['active'] === true, 'ask about its token')
    }
    return {
      owner: 'the application was told about its tokens',
      attempt: async () => {
        const heard = [
          await about('attacker', refresh_token),
          await about('attacker', access_token),
        ]
        const crossed = heard.some((one) => bodyOf(one)['active'] !== false)
        return { crossed, met: statusesOf(heard) }
      },
    }
  }),
  read('id-userinfo-other-realm', 'Who a user is, by a token of another realm', async (duel) => {
    const { attacker, victim } = duel
    const scope = { scope: 'openid profile email read' }
    const ask = (by: 'owner' | 'attacker', token: string) => {
      const headers = [['Authorization', `Bearer ${token}`] as const]
      return by === 'owner'
        ? duel.ownerSays('GET', victim, '/userinfo', { headers })
        : duel.says('GET', victim, '/userinfo', { headers })
    }
    const { access_token: own } = await duel.tokens(victim, scope)
    must((await ask('owner', own)).body.includes(victim.nameCanary), 'read who its user is')
    const { access_token: theirs } = await duel.tokens(attacker, scope)
    const key = await duel.plane.identity.parts.keys.signing(attacker.tenant)
    const said = { ...saidIn(own), jti: randomUUID() }
    const plain = await duel.plane.identity.realms.issueFor(victim.tenant, PERSON)
    return {
      owner: 'the application read who its user is',
      attempt: async () =>
        noneMay([
          await ask('attacker', theirs),
          await ask('attacker', forge(key, headerOf(key, 'at+jwt'), said)),
          await ask('attacker', forgeUnsigned({ alg: 'none', typ: 'at+jwt' }, said)),
          await ask('attacker', plain.access_token),
        ]),
    }
  }),
  disturb('id-revoke-other-realm', 'Revoking tokens of one realm at another', async (duel) => {
    const { attacker, victim } = duel
    const { refresh_token: gone } = await signedIn(duel)
    await duel.client('owner', victim, '/token/revocation', { token: gone })
    const late = await duel.client('owner', victim, '/token', refresh(gone))
    must(late.status === 400, 'revoke a token of its own')
    const { refresh_token } = await signedIn(duel)
    duel.othersWork()
    return {
      owner: 'the application revoked a token of its own',
      attempt: async () => {
        const heard = await duel.client('attacker', attacker, '/token/revocation', {
          token: refresh_token,
        })
        const still = await duel.client('owner', victim, '/token', refresh(refresh_token))
        return { crossed: still.status !== 200, met: `${heard.status}, then ${still.status}` }
      },
    }
  }),
]
