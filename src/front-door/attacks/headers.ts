import type { Duel } from '../duel.ts'
import { accessToken, CONTEXT_TYP, contextClaims } from '../house/claims.ts'
import { forge, forgeUnsigned, headerOf } from '../../strikes/forge.ts'
import { BELIEVED_NAMES } from '../house/believed-tenant.ts'
import type { Party } from '../house/party.ts'
import type { Wire } from '../../strikes/wire.ts'
import { CONTEXT_HEADER } from '../../tokens/tenant-context.ts'
import { attack, type FrontDoorAttack, must, statusesOf } from './attack.ts'
import { byPath, call, ownerReads } from './calls.ts'

type Fields = readonly (readonly [string, string])[]

/**
 * Header fields of the attacker's, in front of a service that believes them, as services do that
 * were written for another proxy. It shows the victim its own record when nothing is forged.
 */
function spoof(
  facts: { readonly id: string; readonly title: string; readonly references: readonly string[] },
  make: (duel: Duel) => readonly Fields[],
): FrontDoorAttack {
  return attack(
    { kind: 'read', ...facts },
    {
      async owner(duel) {
        const { victim, own, ownMark } = duel
        await ownerReads(duel)
        const { body } = await believing(duel, own, victim, ownMark, [])
        must(body.includes(victim.recordCanary), 'read its own record at the believing service')
        return 'a service that believes header fields shows the owner its own record'
      },
      async attempt(duel) {
        const { attacker, wire, mark } = duel
        const sets = make(duel)
        const heard = await Promise.all(
          sets.map((fields) => believing(duel, wire, attacker, mark, fields)),
        )
        return { crossed: false, met: `${sets.length} forgeries: ${statusesOf(heard)}` }
      },
    },
  )
}

async function believing({ door }: Duel, wire: Wire, party: Party, mark: string, headers: Fields) {
  const token = await accessToken(party)
  return call(wire, door, byPath(party), mark, { token, resource: 'believing', headers })
}

const spellings = (name: string) => new Set([name, name.toUpperCase(), name.replaceAll('-', '_')])

export const HEADERS: readonly FrontDoorAttack[] = [
  spoof(
    {
      id: 'fd-header-tenant',
      title: 'Header fields that name the victim as the tenant, user or host, in every spelling',
      references: ['HT-1', 'HT-2', 'CVE-2025-64484'],
    },
    ({ victim }) => [
      ...BELIEVED_NAMES.flatMap((name) =>
        [...spellings(name)].map((spelling): Fields => [[spelling, victim.tenant]]),
      ),
      [
        ['X-Tenant-Id', 'x'],
        ['X-Tenant-Id', victim.tenant],
      ],
    ],
  ),
  spoof(
    {
      id: 'fd-header-forwarded',
      title: "Forwarded fields with the victim's host and address",
      references: ['HT-5', 'HT-2'],
    },
    ({ victim }) => [
      [['Forwarded', `for=127.0.0.1;host=${victim.host};proto=https`]],
      [['X-Forwarded-Host', victim.host]],
      [['X-Original-Host', victim.host]],
      [['X-Original-URL', `/t/${victim.tenant}/records`]],
      [['X-Rewrite-URL', `/t/${victim.tenant}/records`]],
      [['X-Forwarded-Prefix', `/t/${victim.tenant}`]],
      [['X-Forwarded-Uri', `/t/${victim.tenant}/records`]],
    ],
  ),
  spoof(
    {
      id: 'fd-header-context',
      title: 'A tenant context of the attacker’s own making, in front of the real one',
      references: ['HT-1', 'JW-13'],
    },
    ({ attacker, victim }) => {
      const header = headerOf(attacker.realm, CONTEXT_TYP)
      const forged = [
        forge(attacker.realm, header, contextClaims(victim)),
        forgeUnsigned({ alg: 'none', typ: CONTEXT_TYP }, contextClaims(victim)),
      ]
      return forged.flatMap((token) =>
        [...spellings(CONTEXT_HEADER)].map((name): Fields => [[name, token]]),
      )
    },
  ),
  attack(
    {
      id: 'fd-header-trailers',
      title: 'The same fields after the body, as trailers',
      kind: 'read',
      references: ['HT-2'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt({ attacker, victim, wire, door, mark }) {
        const { host, prefix } = byPath(attacker)
        const head = [
          `POST ${prefix}/believing/${mark} HTTP/1.1`,
          `Host: ${host}`,
          `Authorization: Bearer ${await accessToken(attacker)}`,
          'Trailer: X-Tenant-Id, X-Forwarded-Host',
          'Connection: close',
          'Transfer-Encoding: chunked',
        ].join('\r\n')
        const trailers = `X-Tenant-Id: ${victim.tenant}\r\nX-Forwarded-Host: ${victim.host}\r\n`
        const text = `${head}\r\n\r\n1\r\nx\r\n0\r\n${trailers}\r\n`
        const heard = await wire.raw(await door.gateway(), text)
        return { crossed: false, met: heard.split('\r\n', 1)[0] ?? '' }
      },
    },
  ),
  attack(
    {
      id: 'fd-header-connection',
      title: 'A Connection field that has the next hop drop the context',
      kind: 'read',
      references: ['HT-3', 'CVE-2025-48865'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, wire, mark, house } = duel
        const heard = []
        for (const connection of [
          `close, ${CONTEXT_HEADER}`,
          `${CONTEXT_HEADER}, Forwarded, close`,
          'close, x-request-id',
        ]) {
          const fields: Fields = [
            ['Connection', connection],
            ['TE', 'trailers'],
            ['Proxy-Authorization', 'Basic Og=='],
          ]
          heard.push(await believing(duel, wire, attacker, mark, fields))
        }
        const passedOn = house.upstream.received(mark).some(({ rawHeaders }) => {
          const text = rawHeaders.join('\n').toLowerCase()
          return (
            /connection\n[^\n]*(?:ringfence|forwarded|request-id)/.test(text) ||
            text.includes('basic og==')
          )
        })
        return { crossed: passedOn, met: statusesOf(heard) }
      },
    },
  ),
  attack(
    {
      id: 'fd-header-method-override',
      title: 'A method in a header field, which makes a GET a write at the service',
      kind: 'write',
      references: ['HT-8'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, wire, mark, house } = duel
        const names = ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override']
        const heard = []
        for (const name of names) {
          heard.push(await believing(duel, wire, attacker, mark, [[name, 'DELETE']]))
        }
        const through = house.upstream
          .received(mark)
          .some(({ rawHeaders }) => rawHeaders.includes('DELETE'))
        return { crossed: through, met: statusesOf(heard) }
      },
    },
  ),
  attack(
    {
      id: 'fd-header-answer',
      title: 'A service that sends the context back: callers must not get hold of it',
      kind: 'read',
      references: ['HT-13'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt({ attacker, wire, door, mark }) {
        const token = await accessToken(attacker)
        const { status, headers } = await call(wire, door, byPath(attacker), mark, {
          token,
          resource: 'echo',
        })
        must(status === 200, 'be answered')
        const ids = headers.filter(([name]) => name === 'x-request-id')
        const got = headers.some(([name]) => name === CONTEXT_HEADER) || ids.length !== 1
        return { crossed: got, met: `${status}, ${got ? 'with' : 'without'} the context` }
      },
    },
  ),
]
