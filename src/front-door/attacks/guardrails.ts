import { gzipSync } from 'node:zlib'
import type { Duel } from '../duel.ts'
import { accessToken } from '../house/claims.ts'
import { GUARDED_BYTES_MAX, ownWordOf, SECRET_NUMBER } from '../house/guarded.ts'
import type { Party } from '../house/party.ts'
import type { Heard, Wire } from '../../strikes/wire.ts'
import { attack, type AttackFacts, type FrontDoorAttack, must, statusesOf } from './attack.ts'
import { bearer, byHost, ownerReads } from './calls.ts'

interface Body {
  readonly type?: string
  readonly headers?: readonly (readonly [string, string])[]
  /** Each is sent as a piece of its own. Bytes as characters. */
  readonly pieces: readonly string[]
}

/** Sends a body to the API that guardrails are over. */
async function send(wire: Wire, { door }: Duel, party: Party, mark: string, body: Body) {
  const pieces = body.pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`)
  return wire.ask(await door.gateway(), {
    method: 'POST',
    target: `/ward/records/${mark}`,
    headers: [
      ['Host', byHost(party).host],
      ...bearer(await accessToken(party)),
      ['Content-Type', body.type ?? 'application/json'],
      ...(body.headers ?? []),
      ['Transfer-Encoding', 'chunked'],
    ],
    body: `${pieces.join('')}0\r\n\r\n`,
  })
}

/** That what may be sent is sent: else nothing is shown by what is not. */
async function ownerSends(duel: Duel): Promise<string> {
  const { victim, own, ownMark, house } = duel
  await ownerReads(duel)
  await send(own, duel, victim, ownMark, { pieces: ['{"note":"078-05"}'] })
  must(
    house.upstream.received(ownMark).some(({ text }) => text.includes('078-05')),
    'send what no guardrail is about',
  )
  return 'the owner sends to the same API what no guardrail is about'
}

/** Bodies none of which may come through with what the platform's guardrails block. */
function bodies(
  facts: Pick<AttackFacts, 'id' | 'title'>,
  all: readonly Body[],
  isThrough: (text: string, rawHeaders: readonly string[]) => boolean = holdsSecret,
): FrontDoorAttack {
  return attack(
    { kind: 'write', references: ['HT-9'], ...facts },
    {
      owner: (duel) => ownerSends(duel),
      async attempt(duel) {
        const { attacker, wire, mark, house } = duel
        const heard: Heard[] = []
        for (const body of all) heard.push(await send(wire, duel, attacker, mark, body))
        const crossed = house.upstream
          .received(mark)
          .some(({ text, rawHeaders }) => isThrough(text, rawHeaders))
        return { crossed, met: `${all.length} bodies: ${statusesOf(heard)}` }
      },
    },
  )
}

/** As it was sent, or as a service would read it. */
function holdsSecret(text: string): boolean {
  const read = text
    .replaceAll(/\\u([0-9a-f]{4})|%([0-9a-f]{2})/gi, (_, unit = '', byte = '') =>
      String.fromCharCode(Number.parseInt(`${unit}${byte}`, 16)),
    )
    .replaceAll(/[^0-9]/g, '')
  return read.includes(SECRET_NUMBER.replaceAll('-', ''))
}

const json = (text: string): Body => ({ pieces: [text] })
const zipped = (text: string) => gzipSync(text).toString('latin1')
const anything = (text: string) => text !== ''

export const GUARDRAILS_ATTACKED: readonly FrontDoorAttack[] = [
  bodies(
    {
      id: 'fd-guardrail-weakened',
      title: 'What the platform blocks, under an own guardrail of the same name that only counts',
    },
    [json(`{"note":"${SECRET_NUMBER}"}`)],
  ),
  bodies(
    { id: 'fd-guardrail-pieces', title: 'What is blocked, in two pieces and in single bytes' },
    [
      { pieces: ['{"note":"078-0', '5-1121"}'] },
      { pieces: Array.from(`{"note":"${SECRET_NUMBER}"}`) },
    ],
  ),
  bodies(
    {
      id: 'fd-guardrail-disguised',
      title: 'What is blocked, as escapes, a key, a number, JSON in JSON, a form, coded, and twice',
    },
    [
      json('{"note":"\\u0030\\u00378-05-1121"}'),
      json(`{"${SECRET_NUMBER}":1}`),
      json('{"ssn":["078051121"]}'),
      json(`{"note":"{\\"a\\":\\"${SECRET_NUMBER}\\"}"}`),
      json(`{"note":"x","note":"${SECRET_NUMBER}"}`),
      json(`{}{"note":"${SECRET_NUMBER}"}`),
      { type: 'application/x-www-form-urlencoded', pieces: ['note=%30%37%38%2d05-1121'] },
    ],
  ),
  bodies(
    {
      id: 'fd-guardrail-coded',
      title: 'What is blocked, under a content coding, under two, and under one that there is not',
    },
    ['gzip', 'gzip, gzip', 'x'].map((coding) => ({
      headers: [['Content-Encoding', coding]],
      pieces: [zipped(`{"note":"${SECRET_NUMBER}"}`)],
    })),
    // A service would take the coding off and read it.
    (text, rawHeaders) =>
      holdsSecret(text) || rawHeaders.some((one) => /^content-encoding$/i.test(one)),
  ),
  bodies(
    {
      id: 'fd-guardrail-types',
      title: 'What is blocked, in bodies that say to be of another type or charset, or of none',
    },
    [
      'application/octet-stream',
      'application/pdf',
      'multipart/form-data; boundary=x',
      'application/json; charset=utf-16',
      'application/json; charset=iso-8859-1',
      '',
    ].map((type) => ({ type, pieces: [`{"note":"${SECRET_NUMBER}"}`] })),
  ),
  bodies(
    {
      id: 'fd-guardrail-two-types',
      title: 'Two content types in one request, of which two readers take one each',
    },
    [
      { headers: [['Content-Type', 'text/xml']], pieces: ['{"note":"x"}'] },
      {
        type: 'text/event-stream',
        headers: [['Content-Type', 'application/json']],
        pieces: ['{}'],
      },
    ],
    anything,
  ),
  bodies(
    {
      id: 'fd-guardrail-size',
      title: 'Bodies that are longer than the platform lets them be, one of them coded',
    },
    [
      json(JSON.stringify('x'.repeat(GUARDED_BYTES_MAX))),
      {
        headers: [['Content-Encoding', 'gzip']],
        pieces: [zipped(JSON.stringify('x'.repeat(GUARDED_BYTES_MAX)))],
      },
    ],
    (text) => text.length > GUARDED_BYTES_MAX,
  ),
  bodies(
    { id: 'fd-guardrail-type', title: 'A body of a type that the platform does not allow' },
    [{ type: 'text/plain', pieces: ['plain'] }],
    anything,
  ),
  attack(
    {
      id: 'fd-guardrail-upgrade',
      title: 'A WebSocket, in which no guardrail would see anything',
      kind: 'write',
      references: ['HT-8'],
    },
    {
      owner: (duel) => ownerSends(duel),
      async attempt(duel) {
        const { attacker, wire, door, mark } = duel
        const target = `/talk/records/${mark}`
        const head = [
          `GET ${target} HTTP/1.1`,
          `Host: ${attacker.host}`,
          `Authorization: Bearer ${await accessToken(attacker)}`,
          'Connection: Upgrade',
          'Upgrade: websocket',
          'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
          'Sec-WebSocket-Version: 13',
        ].join('\r\n')
        const talk = wire.open(await door.gateway(), `${head}\r\n\r\n`)
        await door.until(() => talk.closed || /\r\n\r\n/.test(talk.text))
        return { crossed: duel.reached, met: talk.text.split('\r\n', 1)[0] ?? '' }
      },
    },
  ),
  attack(
    {
      id: 'fd-guardrail-others',
      title: "What a tenant's own guardrail blocks, once another tenant has called the same API",
      kind: 'disturbance',
      references: ['HT-12'],
    },
    {
      // Nobody has called it before the attacker has.
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, victim, wire, own, mark, ownMark, house } = duel
        const word = ownWordOf(victim.tenant)
        const first = await send(wire, duel, attacker, mark, json('{"note":"x"}'))
        // A careless user of the victim's.
        const then = await send(own, duel, victim, ownMark, json(`{"note":"${word}"}`))
        const crossed = house.upstream.received(ownMark).some(({ text }) => text.includes(word))
        return { crossed, met: statusesOf([first, then]) }
      },
    },
  ),
  answers('fd-guardrail-answer', 'An answer with what is blocked, as JSON, as events, as a part', [
    { as: 'json' },
    { as: 'events' },
    { as: 'json', headers: [['Range', 'bytes=0-200']] },
    { as: 'octets' },
  ]),
  answers('fd-guardrail-answer-size', 'An answer that is longer than the platform lets it be', [
    { as: 'long' },
  ]),
  answers('fd-guardrail-answer-type', 'An answer of a type that the platform does not allow', [
    { as: 'plain' },
  ]),
]

interface Asked {
  /** What the service answers with. */
  readonly as: string
  readonly headers?: readonly (readonly [string, string])[]
}

/** Asks a service for what its guardrails let nobody hear. */
function answers(id: string, title: string, all: readonly Asked[]): FrontDoorAttack {
  return attack(
    { id, title, kind: 'read', references: ['HT-13'] },
    {
      owner: (duel) => ownerSends(duel),
      async attempt({ attacker, wire, door, mark }) {
        const heard: Heard[] = []
        for (const { as, headers = [] } of all) {
          heard.push(
            await wire.ask(await door.gateway(), {
              target: `/ward/disclose/${mark}?as=${as}`,
              headers: [
                ['Host', attacker.host],
                ...bearer(await accessToken(attacker)),
                ...headers,
              ],
            }),
          )
        }
        const crossed = heard.some(({ body }) => /078-05-1121|disclosed/.test(body))
        return { crossed, met: statusesOf(heard) }
      },
    },
  )
}
