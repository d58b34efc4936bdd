import type { Duel } from '../duel.ts'
import { accessToken } from '../house/claims.ts'
import { PLATFORM_HOST } from '../house/ground.ts'
import { attack, type FrontDoorAttack, must } from './attack.ts'
import { byPath, call, ownerReads } from './calls.ts'

/** Milliseconds for a server that waits for the rest of a request which never comes. */
const SILENCE_MS = 3_000

/**
 * Bytes that two readers cut into requests at different places. None may come through whole, and
 * the victim's next request must be answered as if nothing had been.
 */
function desync(
  facts: { readonly id: string; readonly title: string; readonly references: readonly string[] },
  make: (parts: {
    readonly start: string
    readonly inner: string
    readonly target: string
  }) => readonly string[],
): FrontDoorAttack {
  return attack(
    { kind: 'disturbance', ...facts },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { wire, door, house, mark } = duel
        const gateway = await door.gateway()
        const texts = make(await partsOf(duel))
        const heard = await Promise.all(texts.map((text) => wire.raw(gateway, text, SILENCE_MS)))
        const undisturbed = await victimIsServed(duel)
        const through = [mark, innerMark(mark)].some((one) =>
          house.upstream.received(one).some(({ whole }) => whole),
        )
        const answered = heard.map((text) => /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 'no answer')
        return {
          crossed: through || !undisturbed,
          met: `${texts.length} requests: ${[...new Set(answered)].join(', ')}; the victim's next one is ${undisturbed ? 'answered as ever' : 'disturbed'}`,
        }
      },
    },
  )
}

/** By which the services know the request that hides in another. */
const innerMark = (mark: string) => `${mark}-inner`

async function partsOf({ attacker, victim, mark }: Duel) {
  const target = `${byPath(attacker).prefix}/records/${mark}`
  const authorization = `Authorization: Bearer ${await accessToken(attacker)}`
  return {
    target,
    start: `POST ${target} HTTP/1.1\r\nHost: ${PLATFORM_HOST}\r\n${authorization}\r\n`,
    inner: `GET /records/${innerMark(mark)} HTTP/1.1\r\nHost: ${victim.host}\r\nX-Glue: `,
  }
}

async function victimIsServed({ own, door, victim, ownMark }: Duel): Promise<boolean> {
  const token = await accessToken(victim)
  const answers = await Promise.all(
    [1, 2, 3].map(() => call(own, door, byPath(victim), ownMark, { token })),
  )
  return answers.every(({ status, body }) => status === 200 && body.includes(victim.recordCanary))
}

const CHUNKED = 'Transfer-Encoding: chunked\r\n'

export const FRAMING: readonly FrontDoorAttack[] = [
  desync(
    {
      id: 'fd-framing-two-lengths',
      title: 'A body with a length and chunks, or with two lengths: request smuggling',
      references: ['HT-6'],
    },
    ({ start, inner }) => [
      `${start}Content-Length: ${inner.length + 5}\r\n${CHUNKED}\r\n0\r\n\r\n${inner}`,
      `${start}${CHUNKED}Content-Length: 4\r\n\r\n5c\r\n${inner}\r\n0\r\n\r\n`,
      `${start}Content-Length: 0\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
      `${start}Content-Length: 0, ${inner.length}\r\n\r\n${inner}`,
      `${start}Content-Length: +${inner.length}\r\n\r\n${inner}`,
      `${start}Content-Length: 0x${inner.length.toString(16)}\r\n\r\n${inner}`,
    ],
  ),
  desync(
    {
      id: 'fd-framing-codings',
      title: 'Transfer codings that only one of two readers knows',
      references: ['HT-6'],
    },
    ({ start, inner }) =>
      [
        'gzip, chunked',
        'identity',
        'chunked, identity',
        'xchunked',
        'chunked\r\n chunked',
        'deflate',
      ].flatMap((coding) => {
        const head = `${start}Connection: close\r\nTransfer-Encoding: ${coding}\r\n\r\n`
        return [`${head}0\r\n\r\n`, `${head}0\r\n\r\n${inner}`]
      }),
  ),
  desync(
    {
      id: 'fd-framing-line-ends',
      title: 'Line ends, folds and spaces that readers cut at different places',
      references: ['HT-6', 'CVE-2025-55315'],
    },
    ({ start, inner, target }) => [
      `${start}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${inner}`,
      `${start}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n${inner}`,
      `${start}X-Folded: a\r\n Host: other\r\nContent-Length: 0\r\n\r\n`,
      `${start}${CHUNKED}\r\n1;a\nb\r\nx\r\n0\r\n\r\n${inner}`,
      `${start}${CHUNKED}\r\n1\nx\r\n0\r\n\r\n${inner}`,
      `${start.replaceAll('\r\n', '\n')}Content-Length: 0\n\n`,
      `GET ${target} HTTP/1.1 \r\nHost: ${PLATFORM_HOST}\r\n\r\n`,
      `GET ${target}\r\nHost: ${PLATFORM_HOST}\r\n\r\n`,
    ],
  ),
  attack(
    {
      id: 'fd-framing-tunnel',
      title: 'A switch to a protocol in which nothing is checked any more',
      kind: 'read',
      references: ['HT-8'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, wire, door, mark } = duel
        const token = await accessToken(attacker)
        const heard = await Promise.all(
          [
            ['records', 'websocket'],
            ['records', 'WebSocket'],
            ['records', 'websocket, h2c'],
            // Where WebSockets are allowed, nothing else is.
            ['live', 'websocket, h2c'],
            ['live', 'h2c'],
          ].map(([resource = '', protocol = '']) =>
            call(wire, door, byPath(attacker), mark, {
              token,
              resource,
              headers: [
                ['Connection', 'Upgrade, close'],
                ['Upgrade', protocol],
                ['Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAAAA=='],
                ['Sec-WebSocket-Version', '13'],
              ],
            }),
          ),
        )
        return { crossed: duel.reached, met: heard.map(({ status }) => status).join(', ') }
      },
    },
  ),
  attack(
    {
      id: 'fd-framing-method',
      title:
        'Methods that answer with the request itself, context and all, or that services invent',
      kind: 'read',
      references: ['HT-8'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, wire, door, mark } = duel
        const token = await accessToken(attacker)
        const heard = await Promise.all(
          ['TRACE', 'PROPFIND', 'LOCK', 'PURGE', 'SEARCH', 'FROBNICATE'].map((method) =>
            call(wire, door, byPath(attacker), mark, { token, method }),
          ),
        )
        must(heard.length > 0, 'ask')
        return { crossed: duel.reached, met: heard.map(({ status }) => status).join(', ') }
      },
    },
  ),
]
