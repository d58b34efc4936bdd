import { must } from '../../strikes/staged-attack.ts'
import { basic, type Duel } from '../duel.ts'
import type { Party } from '../house/party.ts'
import { attackOf, noneMay, type RealmAttack } from './attack.ts'
import { bodyOf } from '../../strikes/heard.ts'

const read = attackOf('read')
const write = attackOf('write')
const own = { grant_type: 'client_credentials', scope: 'read' }

/** The client that only this realm has asks for a token for itself. */
function onlyClient(duel: Duel, of: Party, at: Party, by: 'owner' | 'attacker') {
  const headers = [basic(of.onlyClient, duel.belongings(of).onlySecret)]
  const what = { form: own, headers }
  return by === 'owner'
    ? duel.ownerSays('POST', at, '/token', what)
    : duel.says('POST', at, '/token', what)
}

export const CLIENTS: readonly RealmAttack[] = [
  read(
    'id-client-other-realm',
    'A client of one realm with its secret at another',
    async (duel) => {
      const { attacker, victim } = duel
      must(
        (await onlyClient(duel, victim, victim, 'owner')).status === 200,
        'get a token for itself',
      )
      return {
        owner: 'a client of the realm got a token for itself',
        attempt: async () => noneMay([await onlyClient(duel, attacker, victim, 'attacker')]),
      }
    },
  ),
  write(
    'id-register-other-realm',
    "Registering a client with another realm's token",
    async (duel) => {
      const { attacker, victim } = duel
      const { realms } = duel.plane.identity
      const [mine, theirs] = [
        await realms.createInitialAccessToken(attacker.tenant, 300),
        await realms.createInitialAccessToken(victim.tenant, 300),
      ]
      const register = (token: string) => ({
        headers: [['Authorization', `Bearer ${token}`] as const],
        json: { redirect_uris: [victim.callback], token_endpoint_auth_method: 'none' },
      })
      const made = await duel.ownerSays('POST', victim, '/reg', register(theirs))
      must(made.status === 201 && bodyOf(made)['client_id'] !== undefined, 'register a client')
      return {
        owner: 'somebody whom the owner asked registered a client',
        attempt: async () => noneMay([await duel.says('POST', victim, '/reg', register(mine))]),
      }
    },
  ),
]
