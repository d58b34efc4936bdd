import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDoor, tokenOf } from './door.test-support.ts'

const authorization = `Authorization: Bearer ${tokenOf('acme')}`
const HIDDEN = 'GET /t/globex/clinic/hidden HTTP/1.1\r\nHost: api.example\r\n\r\n'

const post = (fields: readonly string[], body: string) =>
  [
    'POST /t/acme/clinic/upload HTTP/1.1',
    'Host: api.example',
    authorization,
    ...fields,
    '',
    body,
  ].join('\r\n')

const chunked = `0\r\n\r\n${HIDDEN}`
/** Each is a request that two readers might measure differently. */
const ATTEMPTS: Readonly<Record<string, string>> = {
  'both lengths': post(['Content-Length: 5', 'Transfer-Encoding: chunked'], chunked),
  'both lengths, the other way round': post(
    ['Transfer-Encoding: chunked', `Content-Length: ${chunked.length}`],
    chunked,
  ),
  'two lengths': post(['Content-Length: 0', `Content-Length: ${HIDDEN.length}`], HIDDEN),
  'two lengths in one field': post([`Content-Length: 0, ${HIDDEN.length}`], HIDDEN),
  'a length with a sign': post(['Content-Length: +5'], HIDDEN),
  'a length in hexadecimal': post(['Content-Length: 0x5'], HIDDEN),
  'a negative length': post(['Content-Length: -1'], HIDDEN),
  'a coding with a space before its colon': post(['Transfer-Encoding : chunked'], chunked),
  'a coding with a tab in it': post(['Transfer-Encoding:\tchunked\t, identity'], chunked),
  'a coding in a folded line': post(['Transfer-Encoding:\r\n chunked'], chunked),
  'a coding that is not known': post(['Transfer-Encoding: xchunked'], chunked),
  'two codings': post(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], chunked),
  'chunked twice': post(['Transfer-Encoding: chunked, chunked'], chunked),
  'a chunk size that is none': post(['Transfer-Encoding: chunked'], `0x0\r\n\r\n${HIDDEN}`),
  'bare line feeds': post(['X: y\nTransfer-Encoding: chunked'], chunked),
  'a bare carriage return': post(['X: y\rTransfer-Encoding: chunked'], chunked),
  'a NUL in a field': post(['X: a\0b'], ''),
}

for (const [title, bytes] of Object.entries(ATTEMPTS)) {
  test(`${title}: no hidden request comes out`, async (t) => {
    const door = await openDoor(t)
    const answer = await door.raw(bytes)
    const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
    assert.ok(
      door.upstream.seen.every(({ url }) => !url.includes('hidden')),
      'the hidden request was served',
    )
    // A second request is refused by the parser, or has no token of its own: it is never served.
    assert.deepEqual(
      statuses.filter((status) => status !== '400' && status !== '401'),
      [],
    )
  })
}

test('requests in a pipeline are each judged by themselves', async (t) => {
  const door = await openDoor(t)
  const one = (tenant: string) =>
    `GET /t/${tenant}/clinic/x HTTP/1.1\r\nHost: api.example\r\n${authorization}\r\n\r\n`
  const last = one('globex').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')
  const answer = await door.raw(one('acme') + last)
  const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
  assert.deepEqual(statuses, ['200', '401'])
  assert.equal(door.upstream.seen.length, 1)
})

test('fields beyond the limit are refused', async (t) => {
  const door = await openDoor(t, { limits: { headerBytesMax: 8_192 } })
  const reply = await door.ask({
    path: '/t/acme/clinic/x',
    token: tokenOf('acme'),
    headers: ['x-big', 'x'.repeat(9_000)],
  })
  assert.equal(reply.status, 431)
})

test('a tunnel is not opened', async (t) => {
  const door = await openDoor(t)
  const answer = await door.raw(`CONNECT globex.example:443 HTTP/1.1\r\nHost: api.example\r\n\r\n`)
  assert.ok(!answer.includes(' 200 '))
})
