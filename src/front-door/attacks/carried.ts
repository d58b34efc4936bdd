import { randomBytes } from 'node:crypto'
import { UsageSeal } from '../../external-authorization/usage-seal.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import { PROXY_SECRET } from '../house/beside.ts'
import { accessToken } from '../house/claims.ts'
import type { Door } from '../house/door.ts'
import type { Party } from '../house/party.ts'
import { asks, type Fields } from './authorizers.ts'
import { type FrontDoorAttack, must, type Outcome, staged } from './attack.ts'
import { bearer, byPath } from './calls.ts'

const FIELD = 'ringfence-usage'

/** What the authorizer has a proxy write of a request; empty for one that is not let through. */
const usageIn = ({ headers }: Heard) => headers.find(([name]) => name === FIELD)?.[1] ?? ''

/** A line of the proxy's log about a request that it has carried. */
const lineOf = (usage: string) =>
  JSON.stringify({
    ...{ proxy: 'nginx', usage, id: randomBytes(16).toString('hex') },
    ...{ ended_s: '1795694400.123', took_s: '0.010', status: '200' },
    ...{ request_bytes: '', response_bytes: '2', completion: 'OK', answered: '0.005', length: '2' },
  })

/** Who pays for what a line tells of; undefined for a line that counts for nobody. */
function payerOf({ house }: Duel, line: string): string | undefined {
  const read = house.pieces.proxyLines(PROXY_SECRET)(line)
  return typeof read === 'string' ? undefined : read.event.tenantid
}

/** A request that a proxy carries, as the authorizer has it written down. */
async function carried(duel: Duel, door: Door, party: Party, more: Fields = []): Promise<string> {
  const { wire, own, victim, mark } = duel
  const fields = [...bearer(await accessToken(party)), ...more]
  const target = `${byPath(party).prefix}/records/${mark}`
  return usageIn(await asks(party === victim ? own : wire, door, { target, fields }))
}

/** Usage that is made another tenant's, by whoever can say something or write into a proxy's log. */
function billed(
  id: string,
  title: string,
  attempt: (duel: Duel, door: Door, ofVictim: string) => Promise<Outcome>,
): FrontDoorAttack {
  return staged({ id, title, kind: 'write', references: ['HT-2'] }, async (duel) => {
    const door = await duel.branch({})
    const { victim } = duel
    const usage = await carried(duel, door, victim)
    must(payerOf(duel, lineOf(usage)) === victim.tenant, 'be metered for its own request')
    return {
      owner: 'a request that a proxy carried is metered for the tenant whose it is',
      attempt: () => attempt(duel, door, usage),
    }
  })
}

const seal = (tenant: Party, secret: string) =>
  new UsageSeal(secret).seal({ tenantid: tenant.tenant, data: { api: 'clinic' } })

/** What another proxy carries, and whose bill it is on. */
export const CARRIED: readonly FrontDoorAttack[] = [
  billed(
    'fd-proxy-usage-field',
    "A caller's own word beside the authorizer's on what is metered",
    async (duel, door, ofVictim) => {
      const { attacker, victim } = duel
      const payers: (string | undefined)[] = []
      for (const usage of [ofVictim, seal(victim, PROXY_SECRET), victim.tenant]) {
        const fields = [FIELD, 'x-ringfence-usage', 'ringfence-answer-usage'].map(
          (name) => [name, usage] as const,
        )
        const said = await carried(duel, door, attacker, fields)
        must(said !== '', 'let the attacker through to what is its own')
        payers.push(payerOf(duel, lineOf(said)))
      }
      return {
        crossed: payers.includes(victim.tenant),
        met: `metered for itself: ${payers.filter((payer) => payer === attacker.tenant).length} times`,
      }
    },
  ),
  billed(
    'fd-proxy-usage-line',
    "Lines in a proxy's log that no authorizer has said, for another tenant's bill",
    async (duel, door, ofVictim) => {
      const { attacker, victim } = duel
      const [text = '', code = ''] = ofVictim.split('.')
      const [, ownCode = ''] = (await carried(duel, door, attacker)).split('.')
      const other = seal(victim, randomBytes(24).toString('hex'))
      const forged = [text, `${text}.`, `${text}.${ownCode}`, `${text}.${code}.`, other, '']
      const payers = forged.map((usage) => payerOf(duel, lineOf(usage)))
      // A line's end inside of what is said would make it two.
      payers.push(payerOf(duel, `${lineOf(other)}\n${lineOf(text)}`))
      return {
        crossed: payers.some((payer) => payer !== undefined),
        met: `${payers.length} lines, none of which counts`,
      }
    },
  ),
]
