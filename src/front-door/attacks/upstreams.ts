import type { LookupFunction } from 'node:net'
import { parseApiName, parseContractName, parseUpstreamName } from '../../core/names.ts'
import type { UpstreamGuardOptions } from '../../upstreams/upstream-guard.ts'
import type { Duel } from '../duel.ts'
import { accessToken } from '../house/claims.ts'
import type { Door } from '../house/door.ts'
import type { Party } from '../house/party.ts'
import { type Settings, withTenant } from '../house/settings.ts'
import { attack, type FrontDoorAttack, must, staged, statusesOf } from './attack.ts'
import { byPath, call, ownerReads } from './calls.ts'

const OWN = parseUpstreamName('own')
/** A name of the attacker's, whose name server is the attacker's too. */
const NAME = 'crm.attacker.example'
/** Requests that break the connection they come over: more than any breaker waits for. */
const BREAKING = 12

const here: LookupFunction = (_host, _options, done) =>
  done(null, [{ address: '127.0.0.1', family: 4 }])

/** Addresses of services of tenants on the platform's own network, as nothing of the platform is there. */
export const HERE = { lookup: here, ranges: ['127.0.0.0/8'] }

/** The party's whole surface is an upstream of its own. */
export function owning(settings: Settings, party: Party, url: string): Settings {
  const upstream = { of: 'tenant', name: OWN } as const
  return withTenant(settings, party, {
    upstreams: [{ name: OWN, servers: [{ url }] }],
    contract: {
      name: parseContractName('own'),
      apis: [{ name: parseApiName('own'), prefix: '/', upstream }],
    },
  })
}

export const portOf = (url: string) => new URL(url).port

export async function asks(duel: Duel, door: Door): Promise<string> {
  const { wire, attacker, mark } = duel
  const token = await accessToken(attacker)
  const heard = [
    await call(wire, door, byPath(attacker), mark, { token }),
    await call(wire, door, byPath(attacker), mark, { token, method: 'POST', body: 'x' }),
  ]
  return statusesOf(heard)
}

/** An own upstream that is where the platform's services are. */
function inside(
  facts: { readonly id: string; readonly title: string },
  urlsOf: (port: string) => readonly string[],
  ownUpstreams: UpstreamGuardOptions,
): FrontDoorAttack {
  return attack(
    { kind: 'read', references: ['WH-1'], ...facts },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { house, attacker } = duel
        const met: string[] = []
        for (const url of urlsOf(portOf(house.upstream.url))) {
          const settings = owning(house.settings, attacker, url)
          met.push(await asks(duel, await duel.branch({ settings, ownUpstreams })))
        }
        return { crossed: duel.reached, met: `${met.length} addresses: ${met.join(', ')}` }
      },
    },
  )
}

/** A tenant's own upstream as a way to what only the gateway can reach; and failures that others feel. */
export const UPSTREAMS: readonly FrontDoorAttack[] = [
  inside(
    {
      id: 'fd-upstream-rebinding',
      title: 'An own upstream whose name comes to mean the inside when it is connected to',
    },
    (port) => [`http://${NAME}:${port}/clinic`],
    { lookup: here },
  ),
  inside(
    {
      id: 'fd-upstream-spellings',
      title: 'An own upstream at an address of the inside, spelled in other ways',
    },
    (port) => [`http://2130706433:${port}/clinic`, `http://[::ffff:127.0.0.1]:${port}/clinic`],
    {},
  ),
  inside(
    {
      id: 'fd-upstream-as-platforms',
      title: "An own upstream that is the platform's service, where inner addresses are allowed",
    },
    (port) => [`http://127.0.0.1:${port}/clinic`, `http://${NAME}:${port}/clinic`],
    HERE,
  ),
  staged(
    {
      id: 'fd-upstream-connection',
      title: "An own upstream that names the victim's, to come over the victim's connection",
      kind: 'read',
      references: ['WH-1'],
    },
    async (duel) => {
      const { attacker, victim, own, ownMark, mark, house } = duel
      // As it would be where services of tenants are on the platform's own network.
      const elsewhere = { ...house.settings.platform, services: [] }
      const url = `http://127.0.0.1:${portOf(house.upstream.url)}/clinic`
      const others = owning({ ...house.settings, platform: elsewhere }, attacker, url)
      const settings = owning(others, victim, url)
      const door = await duel.branch({ settings, ownUpstreams: { ranges: ['127.0.0.0/8'] } })
      const token = await accessToken(victim)
      await call(own, door, byPath(victim), ownMark, { token, resource: 'echo' })
      const [reached] = house.upstream.received(ownMark)
      must(reached !== undefined, 'reach its own upstream')
      return {
        owner: 'the owner reaches its own upstream',
        async attempt() {
          const met = await asks(duel, door)
          const connections = house.upstream.received(mark).map(({ connection }) => connection)
          return { crossed: connections.includes(reached.connection), met }
        },
      }
    },
  ),
  staged(
    {
      id: 'fd-upstream-breaker',
      title: 'Requests that break their connections, so that a server is taken from all',
      kind: 'disturbance',
      references: ['HT-11'],
    },
    async (duel) => {
      const { attacker, victim, own, ownMark, wire, mark } = duel
      const door = await duel.branch({})
      await ownerReads(duel, door)
      return {
        owner: 'the owner reads its own record',
        async attempt() {
          const token = await accessToken(attacker)
          const breaking = { token, resource: 'break' }
          for (let n = 0; n < BREAKING; n += 1) {
            await call(wire, door, byPath(attacker), mark, breaking)
          }
          const ownToken = await accessToken(victim)
          const { body, status } = await call(own, door, byPath(victim), ownMark, {
            token: ownToken,
          })
          return { crossed: !body.includes(victim.recordCanary), met: `the owner: ${status}` }
        },
      }
    },
  ),
]
