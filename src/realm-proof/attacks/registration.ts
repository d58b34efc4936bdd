import { must } from '../../strikes/staged-attack.ts'
import type { Duel } from '../duel.ts'
import type { Party } from '../house/party.ts'
import { attackOf, noneMay, type RealmAttack, statusesOf } from './attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import { bodyOf } from '../../strikes/heard.ts'

const write = attackOf('write')
const bearer = (token: string) => [['Authorization', `Bearer ${token}`] as const]

/** Registers a client at a realm, by a token that its owner gave away. */
async function register(
  duel: Duel,
  party: Party,
  metadata: object,
  by: 'owner' | 'attacker' = 'owner',
) {
  const token = await duel.plane.identity.realms.createInitialAccessToken(party.tenant, 300)
  const json = { token_endpoint_auth_method: 'none', redirect_uris: [party.callback], ...metadata }
  const what = { headers: bearer(token), json }
  return by === 'owner'
    ? duel.ownerSays('POST', party, '/reg', what)
    : duel.says('POST', party, '/reg', what)
}

export const REGISTRATION: readonly RealmAttack[] = [
  write(
    'id-register-redirect',
    "Registering a client with another tenant's redirect",
    async (duel) => {
      const { attacker, victim } = duel
      must((await register(duel, victim, {})).status === 201, 'register a client with its redirect')
      const evil = [
        { redirect_uris: [victim.callback] },
        { redirect_uris: [attacker.callback, victim.callback] },
        { redirect_uris: [`https://app.${attacker.domain}.evil.test/cb`] },
        { redirect_uris: [`http://app.${attacker.domain}/cb`] },
        { redirect_uris: [`https://app.${attacker.domain}@evil.test/cb`] },
        {
          redirect_uris: [`https://app.${attacker.domain}/cb`],
          post_logout_redirect_uris: [`https://app.${victim.domain}/bye`],
        },
        { redirect_uris: [`https://app.${attacker.domain}/cb`], jwks_uri: `${victim.issuer}/jwks` },
        {
          redirect_uris: [`https://app.${attacker.domain}/cb`],
          sector_identifier_uri: 'https://evil.test/',
        },
      ]
      return {
        owner: 'somebody registered a client with a redirect of the realm',
        attempt: async () => {
          const heard: Heard[] = []
          for (const one of evil) heard.push(await register(duel, attacker, one, 'attacker'))
          return noneMay(heard)
        },
      }
    },
  ),
  write(
    'id-register-other-client',
    "Changing another client with one's own token",
    async (duel) => {
      const { victim } = duel
      const [mine, theirs] = [
        bodyOf(await register(duel, victim, {})),
        bodyOf(await register(duel, victim, {})),
      ]
      const path = `/reg/${String(theirs['client_id'])}`
      const own = { headers: bearer(String(theirs['registration_access_token'])) }
      must((await duel.ownerSays('GET', victim, path, own)).status === 200, 'read its registration')
      duel.othersWork()
      return {
        owner: 'the client read its registration',
        attempt: async () => {
          const token = { headers: bearer(String(mine['registration_access_token'])) }
          const heard = [
            await duel.says('GET', victim, path, token),
            await duel.says('DELETE', victim, path, token),
          ]
          return { ...noneMay(heard), met: statusesOf(heard) }
        },
      }
    },
  ),
]
