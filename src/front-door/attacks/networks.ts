import { accessToken } from '../house/claims.ts'
import { certificatesOf } from '../house/certificates.ts'
import type { Door } from '../house/door.ts'
import { PLATFORM_HOST } from '../house/ground.ts'
import type { Party } from '../house/party.ts'
import { withTenant } from '../house/settings.ts'
import type { Address } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import { type FrontDoorAttack, must, staged, statusesOf } from './attack.ts'
import { bearer, byHost, byPath, call } from './calls.ts'

/** Where the victim's users are, and where the attacker is. */
const INSIDE = '192.0.2.7'
const OUTSIDE = '198.51.100.7'
const FORWARDED_FOR = 'X-Forwarded-For'

type Fields = readonly (readonly [name: string, value: string])[]

/**
 * A front door behind a proxy of ours, at which the victim is to be called from its own network alone.
 * The proxy puts whom it sees behind what callers have said.
 */
async function networkDoor(duel: Duel): Promise<Door> {
  const { victim, house } = duel
  const network = { allow: ['192.0.2.0/24', '2001:db8::/32'], deny: ['198.51.100.0/24'] }
  return duel.branch({
    settings: withTenant(house.settings, victim, { network }),
    edge: { trustedProxies: { ranges: ['127.0.0.0/8', '::1'] } },
  })
}

/** The same, where the platform serves nobody who comes from outside for a while. */
async function blockingDoor(duel: Duel): Promise<Door> {
  const { settings } = duel.house
  const until = new Date(Date.now() + 3_600_000).toISOString()
  const blocked = [{ network: OUTSIDE, until }]
  return duel.branch({
    settings: { ...settings, platform: { ...settings.platform, blocked } },
    edge: { trustedProxies: { ranges: ['127.0.0.0/8', '::1'] } },
  })
}

/** Somebody has got hold of a token of the victim's user, and calls from elsewhere. */
function fromOutside(
  facts: { readonly id: string; readonly title: string },
  forms: readonly Fields[],
  doorOf = networkDoor,
): FrontDoorAttack {
  return staged({ kind: 'read', references: ['HT-5'], ...facts }, async (duel) => {
    const { attacker, victim, own, ownMark, wire } = duel
    const door = await doorOf(duel)
    // Whose rules hold must not depend on who called first.
    await call(wire, door, byPath(attacker), ownMark, {
      token: await accessToken(attacker),
      headers: [[FORWARDED_FOR, OUTSIDE]],
    })
    const token = await accessToken(victim)
    const inside = { token, headers: [[FORWARDED_FOR, INSIDE]] as const }
    const { body } = await call(own, door, byHost(victim), ownMark, inside)
    must(body.includes(victim.recordCanary), 'read its own record from its own network')
    return {
      owner: 'the owner reads its own record from its own network',
      async attempt() {
        const { wire, mark } = duel
        const heard = await Promise.all(
          forms.flatMap((headers) =>
            [byPath(victim), byHost(victim)].map((way) =>
              call(wire, door, way, mark, { token, headers }),
            ),
          ),
        )
        return { crossed: duel.reached, met: `with a good token: ${statusesOf(heard)}` }
      },
    }
  })
}

const named = (address: Address, serverName: string | undefined): Address =>
  'path' in address ? address : { ...address, tls: serverName === undefined ? {} : { serverName } }

const record = (party: Party, mark: string) => `${byHost(party).prefix}/records/${mark}`

/** By which way and from where a request comes. */
export const NETWORKS: readonly FrontDoorAttack[] = [
  staged(
    {
      id: 'fd-network-handshake',
      title: "A handshake for one host and a request to another's, on the same connection",
      kind: 'read',
      references: ['HT-5'],
    },
    async (duel) => {
      const { attacker, victim, wire, own, mark, ownMark } = duel
      const certificates = await certificatesOf(duel.ground)
      const door = await duel.branch({ edge: { certificates } })
      const gateway = await door.gateway()
      const ownToken = await accessToken(victim)
      const { body } = await own.ask(named(gateway, victim.host), {
        target: record(victim, ownMark),
        headers: [['Host', victim.host], ...bearer(ownToken)],
      })
      must(body.includes(victim.recordCanary), 'read its own record over TLS')
      return {
        owner: 'the owner reads its own record over TLS, by its own host',
        async attempt() {
          const token = await accessToken(attacker)
          const ways = [
            [victim.host, attacker.host, record(attacker, mark)],
            [PLATFORM_HOST, attacker.host, record(attacker, mark)],
            [attacker.host, PLATFORM_HOST, `${byPath(attacker).prefix}/records/${mark}`],
            [victim.host, `${attacker.host}.`, record(attacker, mark)],
            [victim.host, `${attacker.host}:443`, record(attacker, mark)],
            [undefined, attacker.host, record(attacker, mark)],
          ] as const
          const heard = await Promise.all(
            ways.map(([serverName, host, target]) =>
              wire.ask(named(gateway, serverName), {
                target,
                headers: [
                  ['Host', host],
                  ['X-Forwarded-Host', serverName ?? host],
                  ...bearer(token),
                ],
              }),
            ),
          )
          return { crossed: duel.reached, met: `${ways.length} requests: ${statusesOf(heard)}` }
        },
      }
    },
  ),
  staged(
    {
      id: 'fd-network-two-authorities',
      title: 'Two authorities in one request of HTTP/2, of which two readers take one each',
      kind: 'read',
      references: ['HT-5', 'HT-9'],
    },
    async (duel) => {
      const { attacker, victim, wire, own, mark, ownMark } = duel
      const door = await duel.branch({ edge: { certificates: await certificatesOf(duel.ground) } })
      const gateway = await door.gateway()
      const asked = (party: Party, token: string, own: string) => ({
        ':authority': party.host,
        ':path': record(party, own),
        authorization: `Bearer ${token}`,
      })
      const { body } = await own.askHttp2(
        named(gateway, victim.host),
        asked(victim, await accessToken(victim), ownMark),
      )
      must(body.includes(victim.recordCanary), 'read its own record over HTTP/2')
      return {
        owner: 'the owner reads its own record over HTTP/2',
        async attempt() {
          const good = asked(attacker, await accessToken(attacker), mark)
          const heard = await Promise.all(
            [
              { ...good, host: victim.host },
              { ...good, ':authority': victim.host, host: attacker.host },
              { ...good, ':authority': `${attacker.host},${victim.host}` },
              { ...good, ':path': `https://${victim.host}${good[':path']}` },
              { ...good, 'x-forwarded-host': victim.host, ':authority': `${victim.host}:443` },
            ].map((headers) => wire.askHttp2(named(gateway, attacker.host), headers)),
          )
          return { crossed: duel.reached, met: `${heard.length} requests: ${statusesOf(heard)}` }
        },
      }
    },
  ),
  fromOutside(
    {
      id: 'fd-network-spoofed',
      title: "A stolen token used outside the victim's network, by one that says that it is inside",
    },
    [
      [[FORWARDED_FOR, `${INSIDE}, ${OUTSIDE}`]],
      [
        [FORWARDED_FOR, INSIDE],
        [FORWARDED_FOR, OUTSIDE],
      ],
      [
        ['Forwarded', `for=${INSIDE}`],
        ['X-Real-IP', INSIDE],
        ['True-Client-IP', INSIDE],
        [FORWARDED_FOR, OUTSIDE],
      ],
      [[FORWARDED_FOR, `${INSIDE}, nonsense`]],
      [],
    ],
  ),
  fromOutside(
    {
      id: 'fd-network-mapped',
      title:
        'A stolen token used from a network that is shut out, by other spellings of its address',
    },
    [`::ffff:${OUTSIDE}`, '::ffff:c633:6407', '0:0:0:0:0:FFFF:C633:6407', `${OUTSIDE}:443`].map(
      (address) => [[FORWARDED_FOR, address]] as const,
    ),
  ),
  fromOutside(
    {
      id: 'fd-network-blocked',
      title: 'A stolen token used from a network that detectors have had blocked for everybody',
    },
    [OUTSIDE, `${INSIDE}, ${OUTSIDE}`, `::ffff:${OUTSIDE}`].map(
      (address) => [[FORWARDED_FOR, address]] as const,
    ),
    blockingDoor,
  ),
]
