import { createServer } from 'node:http'
import { listenWith } from '../../http/listen.ts'
import { PLATFORM_HOST } from '../house/ground.ts'
import { attack, type FrontDoorAttack } from './attack.ts'
import { ownerReads } from './calls.ts'
import { asks, HERE, owning, portOf } from './upstreams.ts'

/** Services of the platform's domain are allowed, as an operator may say. */
const NAMED = { ...HERE, hosts: ['.front-door.test'] }

/** A server of the attacker's that sends whoever asks it on to somewhere else. */
async function sendsOn(status: number, location: string) {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(status, { location, refresh: `0; url=${location}` }).end()
  })
  const { url } = await listenWith(server, { host: '127.0.0.1', port: 0 })
  return {
    url,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A tenant's own upstream that leads on: by what it answers, and by how it is called. */
export const REDIRECTS: readonly FrontDoorAttack[] = [
  attack(
    {
      id: 'fd-upstream-redirect',
      title: "An own upstream that sends the gateway on to the platform's service",
      kind: 'read',
      references: ['WH-1'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { house, attacker, mark } = duel
        const inside = `${house.upstream.url}/clinic/records/${mark}`
        const met: string[] = []
        for (const [status, location] of [
          [302, inside],
          [307, inside],
          [308, inside.replace('http:', '')],
        ] as const) {
          const server = await sendsOn(status, location)
          try {
            const settings = owning(house.settings, attacker, server.url)
            const door = await duel.branch({ settings, ownUpstreams: HERE })
            met.push(await asks(duel, door))
          } finally {
            server.close()
          }
        }
        return { crossed: duel.reached, met: `sent on to the caller: ${met.join(', ')}` }
      },
    },
  ),
  attack(
    {
      id: 'fd-upstream-others-host',
      title: "An own upstream that is another tenant's host, or the platform's",
      kind: 'read',
      references: ['WH-1'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { house, attacker, victim } = duel
        // By its name alone: no service of the platform's is at that address.
        const platform = { ...house.settings.platform, services: [] }
        const port = portOf(house.upstream.url)
        const met: string[] = []
        for (const host of [
          victim.host,
          `${victim.host.toUpperCase()}.`,
          PLATFORM_HOST,
          new URL(platform.audience).host,
        ]) {
          const url = `http://${host}:${port}/clinic`
          const settings = owning({ ...house.settings, platform }, attacker, url)
          met.push(await asks(duel, await duel.branch({ settings, ownUpstreams: NAMED })))
        }
        return { crossed: duel.reached, met: `${met.length} hosts: ${met.join(', ')}` }
      },
    },
  ),
]
