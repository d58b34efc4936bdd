import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { TenantConfig } from '../../snapshot/snapshot.ts'
import { forge, headerOf } from '../../strikes/forge.ts'
import type { Conversation } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import { ACCESS_TYP, accessClaims, accessToken } from '../house/claims.ts'
import type { Door, DoorOptions } from '../house/door.ts'
import { PLATFORM_HOST } from '../house/ground.ts'
import type { Party } from '../house/party.ts'
import { tenantOf } from '../house/settings.ts'
import { attack, type FrontDoorAttack, must } from './attack.ts'
import { byPath, ownerReads } from './calls.ts'

const ATTEMPTS = 5
const AT_ONCE = 2
const TURNS = 40
const TURN_MS = 5
/** What a token has left when its bearer opens something that lasts. */
const LEFT_MS = 300

/** A WebSocket's opening handshake in the API that allows it. */
async function handshake(
  { wire, mark }: Pick<Duel, 'wire' | 'mark'>,
  door: Door,
  party: Party,
  token: string,
): Promise<Conversation> {
  return wire.open(
    await door.gateway(),
    [
      `GET ${byPath(party).prefix}/live/${mark} HTTP/1.1`,
      `Host: ${PLATFORM_HOST}`,
      `Authorization: Bearer ${token}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      '\r\n',
    ].join('\r\n'),
  )
}

const isOpen = ({ text }: Conversation) => text.startsWith('HTTP/1.1 101 ')
const isAnswered = (said: Conversation) => said.text.includes('\r\n\r\n') || said.closed

/** The attacker has a WebSocket, loses what it was let in by, and goes on talking. */
function kept(
  facts: { readonly id: string; readonly title: string },
  take: (duel: Duel, door: Door, session: string) => Promise<unknown>,
): FrontDoorAttack {
  return attack(
    { kind: 'read', references: ['JW-12'], ...facts },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker } = duel
        const door = await duel.branch({})
        const session = randomUUID()
        const token = await accessToken(attacker, { session })
        const said = await handshake(duel, door, attacker, token)
        await door.until(() => isAnswered(said))
        must(isOpen(said), 'open a WebSocket')
        said.say('before')
        await door.until(() => said.text.endsWith('before'))
        await take(duel, door, session)
        // Within moments it is ended, or not at all.
        for (let turn = 0; turn < TURNS && !said.closed; turn += 1) await setTimeout(TURN_MS)
        said.say('after')
        await door.until(() => said.closed || said.text.endsWith('after'))
        const went = said.text.endsWith('after')
        return { crossed: went, met: went ? 'it went on' : 'it was ended' }
      },
    },
  )
}

const published = (door: Door, party: Party, change: Partial<TenantConfig>) =>
  door.sees(() => door.feed.publish({ tenants: [tenantOf(party, change)] }))

/** Connections that became something else than HTTP. */
export const UPGRADES: readonly FrontDoorAttack[] = [
  attack(
    {
      id: 'fd-upgrade-foreign',
      title: "A WebSocket in the victim's API, by a token of the attacker's",
      kind: 'read',
      references: ['HT-8'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, victim, door } = duel
        const said = await handshake(duel, door, victim, await accessToken(attacker))
        await door.until(() => isAnswered(said))
        return { crossed: duel.reached, met: said.text.slice(0, 12) }
      },
    },
  ),
  kept(
    {
      id: 'fd-upgrade-revoked',
      title: 'A WebSocket that goes on after its session was revoked',
    },
    ({ attacker }, door, id) =>
      door.revokes({ kind: 'session', tenant: attacker.tenant, id, at: new Date() }),
  ),
  kept(
    {
      id: 'fd-upgrade-suspended',
      title: 'A WebSocket that goes on after its tenant was suspended',
    },
    ({ attacker }, door) => published(door, attacker, { status: 'suspended' }),
  ),
  kept(
    {
      id: 'fd-upgrade-shut-out',
      title: "A WebSocket that goes on after its caller's network was shut out",
    },
    ({ attacker }, door) => published(door, attacker, { network: { allow: ['192.0.2.0/24'] } }),
  ),
  attack(
    {
      id: 'fd-upgrade-ended',
      title: 'A WebSocket that goes on after its token has ended by itself',
      kind: 'read',
      references: ['JW-12'],
    },
    {
      async owner(duel) {
        const { victim, own: wire, ownMark: mark, door } = duel
        const said = await handshake({ wire, mark }, door, victim, await accessToken(victim))
        await door.until(() => isAnswered(said))
        must(isOpen(said), 'open a WebSocket')
        said.say('before')
        await door.until(() => said.text.endsWith('before'))
        return 'the owner talked over a WebSocket'
      },
      async attempt(duel) {
        const { attacker, door } = duel
        // NumericDate has fractions (RFC 7519, section 2): it ends soon, and not at the next second.
        const end = Date.now() + LEFT_MS
        const claims = accessClaims(attacker, { exp: end / 1000 })
        const token = forge(attacker.realm, headerOf(attacker.realm, ACCESS_TYP), claims)
        const said = await handshake(duel, door, attacker, token)
        await door.until(() => isAnswered(said))
        must(isOpen(said), 'open a WebSocket')
        await setTimeout(Math.max(0, end - Date.now()))
        for (let turn = 0; turn < TURNS && !said.closed; turn += 1) await setTimeout(TURN_MS)
        said.say('after')
        await door.until(() => said.closed || said.text.endsWith('after'))
        const went = said.text.endsWith('after')
        return { crossed: went, met: went ? 'it went on' : 'it was ended' }
      },
    },
  ),
  attack(
    {
      id: 'fd-upgrade-all',
      title: 'WebSockets without number, each of which holds a connection',
      kind: 'disturbance',
      references: ['HT-11'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const limits: DoorOptions = { gatewayLimits: { upgradesPerTenant: AT_ONCE } }
        const door = await duel.branch(limits)
        const token = await accessToken(duel.attacker)
        const said = []
        for (let turn = 0; turn < ATTEMPTS; turn += 1) {
          const one = await handshake(duel, door, duel.attacker, token)
          await door.until(() => isAnswered(one))
          said.push(one)
        }
        const open = said.filter(isOpen).length
        return { crossed: open > AT_ONCE, met: `${open} open of ${ATTEMPTS}` }
      },
    },
  ),
]
