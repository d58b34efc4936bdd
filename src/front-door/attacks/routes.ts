import type { Duel } from '../duel.ts'
import { accessToken } from '../house/claims.ts'
import { PLATFORM_HOST } from '../house/ground.ts'
import type { Said } from '../../strikes/wire.ts'
import { attack, type AttackFacts, type FrontDoorAttack, statusesOf } from './attack.ts'
import { bearer, byPath, call, ownerReads } from './calls.ts'

/**
 * Requests with the attacker's own good token that readers on the way might take for the victim's, or
 * for two things. None of them may come through to a service.
 */
function requests(
  facts: AttackFacts,
  make: (duel: Duel, token: string) => readonly Said[],
): FrontDoorAttack {
  return attack(facts, {
    owner: (duel) => ownerReads(duel),
    async attempt(duel) {
      const gateway = await duel.door.gateway()
      const said = make(duel, await accessToken(duel.attacker))
      const heard = await Promise.all(said.map((one) => duel.wire.ask(gateway, one)))
      return { crossed: duel.reached, met: `${said.length} requests: ${statusesOf(heard)}` }
    },
  })
}

const get = (host: string, target: string, token: string): Said => ({
  target,
  headers: [['Host', host], ...bearer(token)],
})

export const ROUTES: readonly FrontDoorAttack[] = [
  requests(
    {
      id: 'fd-route-host-and-path',
      title: "The victim's path at the own host, and the own path at the victim's",
      kind: 'read',
      references: ['HT-5', 'JW-8'],
    },
    ({ attacker, victim, mark }, token) => [
      get(attacker.host, `/t/${victim.tenant}/records/${mark}`, token),
      get(victim.host, `/t/${attacker.tenant}/records/${mark}`, token),
      get(victim.host, `/t/${victim.tenant}/records/${mark}`, token),
    ],
  ),
  requests(
    {
      id: 'fd-route-target-forms',
      title: "Targets of another form, with a host of the victim's in them",
      kind: 'read',
      references: ['HT-5', 'HT-6'],
    },
    ({ attacker, victim, mark }, token) => [
      get(attacker.host, `http://${victim.host}/records/${mark}`, token),
      get(attacker.host, `https://${victim.host}:443/records/${mark}`, token),
      get(attacker.host, `HTTP://x@${victim.host}/records/${mark}`, token),
      get(PLATFORM_HOST, `http://${PLATFORM_HOST}/t/${attacker.tenant}/records/${mark}`, token),
      get(attacker.host, `//${victim.host}/records/${mark}`, token),
      get(attacker.host, `/records/${mark}#@${victim.host}`, token),
      { ...get(attacker.host, `${victim.host}:80`, token), method: 'CONNECT' },
      { ...get(attacker.host, '*', token), method: 'OPTIONS' },
    ],
  ),
  requests(
    {
      id: 'fd-route-separators',
      title: 'Ways out of the own path: dots, slashes and parameters, encoded up to three times',
      kind: 'read',
      references: ['HT-4'],
    },
    ({ attacker, victim, mark }, token) => {
      const [a, b] = [attacker.tenant, victim.tenant]
      return [
        `/t/${a}/../${b}/records/${mark}`,
        `/t/${a}/..%2f${b}/records/${mark}`,
        `/t/${a}%2f..%2f${b}/records/${mark}`,
        `/t/${a}/..%2F..%2Ft%2F${b}/records/${mark}`,
        `/t/${a}/%2e%2e/${b}/records/${mark}`,
        `/t/${a}/%252e%252e/${b}/records/${mark}`,
        `/t/${a}/..%252f..%252ft%252f${b}/records/${mark}`,
        `/t/${a}/..%25252f${b}/records/${mark}`,
        `/t/${a}/..\\${b}\\records/${mark}`,
        `/t/${a}/..%5c${b}%5crecords/${mark}`,
        `/t/${a}/..;/${b}/records/${mark}`,
        `/t/${a};/../${b}/records/${mark}`,
        `/t/${b};x=${a}/records/${mark}`,
        `/t/${a}//${b}/records/${mark}`,
        `//t/${b}/records/${mark}`,
        `/t//${b}/records/${mark}`,
        `/t/${a}%00/${b}/records/${mark}`,
        `/t/${a}%0d%0a/records/${mark}`,
        `/t/${a}/records/%/${mark}`,
        `/t/${b}%20/records/${mark}`,
        `/T/${b}/records/${mark}`,
        `/t/${b.toUpperCase()}/records/${mark}`,
      ].map((target) => get(PLATFORM_HOST, target, token))
    },
  ),
  requests(
    {
      id: 'fd-route-host-spelling',
      title: "The victim's host in capitals, with a dot or a port, behind a name, in a list",
      kind: 'read',
      references: ['HT-5'],
    },
    ({ attacker, victim, mark }, token) =>
      [
        victim.host.toUpperCase(),
        `${victim.host}.`,
        `${victim.host}:80`,
        `${victim.host.toUpperCase()}.:8080`,
        `${attacker.host}@${victim.host}`,
        `${victim.host}@${attacker.host}`,
        `${attacker.host},${victim.host}`,
        `${victim.host},${attacker.host}`,
        `${attacker.host} ${victim.host}`,
        `${attacker.host}/../${victim.host}`,
        `${attacker.host}#${victim.host}`,
        `${attacker.host}?${victim.host}`,
        `${attacker.host}\\${victim.host}`,
        `${attacker.host}:80:${victim.host}`,
        '',
        ' ',
      ].map((host) => get(host, `/records/${mark}`, token)),
  ),
  requests(
    {
      id: 'fd-route-two-hosts',
      title: 'Two hosts in one request, in both orders',
      kind: 'read',
      references: ['HT-5', 'HT-9'],
    },
    ({ attacker, victim, mark }, token) =>
      [
        [attacker.host, victim.host],
        [victim.host, attacker.host],
        [attacker.host, attacker.host],
      ].map((hosts) => ({
        target: `/records/${mark}`,
        headers: [...hosts.map((host) => ['Host', host] as const), ...bearer(token)],
      })),
  ),
  requests(
    {
      id: 'fd-route-unknown-host',
      title: "The own path at a host that is nobody's, as a page of somebody else's would call it",
      kind: 'read',
      references: ['HT-5'],
    },
    ({ attacker, mark }, token) =>
      [
        'evil.test',
        '127.0.0.1',
        'localhost',
        `x.${PLATFORM_HOST}`,
        `${PLATFORM_HOST}.evil.test`,
      ].map((host) => get(host, `/t/${attacker.tenant}/records/${mark}`, token)),
  ),
  requests(
    {
      id: 'fd-route-two-tokens',
      title: 'Two tokens in one request, of which two readers take one each',
      kind: 'read',
      references: ['HT-9'],
    },
    ({ attacker, victim, mark }, token) => {
      const good = ['Authorization', `Bearer ${token}`] as const
      const others = ['Bearer x', 'Basic Og==', `Bearer ${victim.tenant}`]
      const target = `${byPath(attacker).prefix}/records/${mark}`
      return [
        ...others.map((other) => ({
          target,
          headers: [['Host', PLATFORM_HOST] as const, good, ['Authorization', other] as const],
        })),
        {
          target,
          headers: [
            ['Host', PLATFORM_HOST] as const,
            ['Authorization', `Bearer x, Bearer ${token}`],
          ],
        },
      ] as readonly Said[]
    },
  ),
  requests(
    {
      id: 'fd-route-method',
      title: "Methods that are not in the tenant's contract",
      kind: 'write',
      references: ['HT-8'],
    },
    ({ attacker, mark }, token) => [
      { ...get(attacker.host, `/billing/records/${mark}`, token), method: 'DELETE' },
      { ...get(attacker.host, `/billing/records/${mark}`, token), method: 'OPTIONS' },
    ],
  ),
  attack(
    {
      id: 'fd-route-token-in-query',
      title: "A careless user's token in the address, which every log keeps",
      kind: 'read',
      references: ['HT-9'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt({ victim, own, door, mark, house }) {
        const token = await accessToken(victim)
        const heard = await Promise.all(
          [`${mark}?access_token=${token}`, `${mark}?x=1&access_token=${token}`].map((marked) =>
            call(own, door, byPath(victim), marked, { token }),
          ),
        )
        // Whoever reads the service's log is then the victim's user.
        const logged = house.upstream.received(mark).some(({ url }) => url.includes(token))
        return { crossed: logged, met: `refused before a service logs it: ${statusesOf(heard)}` }
      },
    },
  ),
]
