import type { Duel } from '../duel.ts'
import { accessToken } from '../house/claims.ts'
import type { Heard, Said } from '../../strikes/wire.ts'
import { attack, type AttackFacts, type FrontDoorAttack, must, statusesOf } from './attack.ts'
import { bearer, ownerReads } from './calls.ts'

interface Asked {
  readonly method?: string
  readonly path: string
  readonly type?: string
  readonly body?: string
}

/** Requests at the API that has a document, none of which the document describes. */
function requests(
  facts: Pick<AttackFacts, 'id' | 'title'>,
  make: (mark: string) => readonly Asked[],
): FrontDoorAttack {
  return attack(
    { kind: 'write', references: ['HT-4'], ...facts },
    {
      async owner(duel) {
        const { victim, own, ownMark } = duel
        await ownerReads(duel)
        const said = await saidBy(duel, victim, { path: `/records/${ownMark}` })
        const { body } = await own.ask(await duel.door.gateway(), said)
        must(body.includes(victim.recordCanary), 'read its record through a described operation')
        return 'the owner reads its record through an operation that is described'
      },
      async attempt(duel) {
        const { attacker, wire, door, mark } = duel
        const heard: Heard[] = []
        for (const asked of make(mark)) {
          heard.push(await wire.ask(await door.gateway(), await saidBy(duel, attacker, asked)))
        }
        return { crossed: duel.reached, met: `${heard.length} requests: ${statusesOf(heard)}` }
      },
    },
  )
}

async function saidBy(
  _duel: Duel,
  party: Duel['attacker'],
  { method = 'GET', path, type = 'application/json', body }: Asked,
): Promise<Said> {
  return {
    method,
    target: `/forms${path}`,
    headers: [
      ['Host', party.host],
      ...bearer(await accessToken(party)),
      ...(body === undefined ? [] : [['Content-Type', type] as const]),
    ],
    ...(body === undefined ? {} : { body }),
  }
}

export const DESCRIPTIONS: readonly FrontDoorAttack[] = [
  requests(
    {
      id: 'fd-openapi-operation',
      title: 'Paths, methods and parameters that the document of the API does not describe',
    },
    (mark) => [
      { path: `/believing/${mark}` },
      { method: 'DELETE', path: `/records/${mark}` },
      { path: `/records/${mark}?admin=true` },
      { path: `/records/${mark}/` },
      { path: `/records/${mark};x=1` },
    ],
  ),
  requests(
    {
      id: 'fd-openapi-body',
      title: 'Bodies with more in them than is described: a flag, the own tenant, a key twice',
    },
    (mark) =>
      [
        { body: '{"admin":true}' },
        { body: '{"tenant":"other"}' },
        { body: '{"text":"a","t\\u0065xt":"b"}' },
        { body: '{"text":{"$ne":""}}' },
        { body: '{"text":"a"', type: 'application/json' },
        { body: '<text/>', type: 'text/xml' },
        { body: 'text=a', type: 'application/x-www-form-urlencoded' },
      ].map((one) => ({ method: 'POST', path: `/records/${mark}`, ...one })),
  ),
]
