import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo, LookupFunction } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { addressRules } from '../../../core/public-addresses.ts'
import { guardedFetch } from './guarded-fetch.ts'

const LOOPBACK = { allowHttp: true, allowNetworks: ['127.0.0.0/8'] }

async function serve(t: TestContext, answer: RequestListener): Promise<number> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** A name server that answers so, in turn. */
function names(...answers: readonly (readonly string[])[]): LookupFunction {
  let asked = 0
  return (_host, _options, callback) => {
    const addresses = answers[Math.min(asked++, answers.length - 1)] ?? []
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
}

describe('an address', () => {
  const rules = addressRules()
  for (const address of [
    '127.0.0.1',
    '127.9.9.9',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '192.0.2.1',
    '198.18.0.1',
    '::1',
    '::',
    'fe80::1',
    'fc00::1',
    'fd00:ec2::254',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001::1',
    '2001:db8::1',
    'fe80::1%eth0',
    'localhost',
    '1',
    '0x7f.1',
    '',
  ]) {
    test(`${address || 'of nothing'} is not gone to`, () =>
      assert.equal(rules.allows(address), false))
  }
  for (const address of ['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700::1111', '2a00:1450::1']) {
    test(`${address} is gone to`, () => assert.equal(rules.allows(address), true))
  }

  test('of a network that the platform allows is gone to, and no other', () => {
    const allowing = addressRules(['10.1.0.0/16', 'fd00::/64'])
    assert.ok(allowing.allows('10.1.2.3'))
    assert.ok(allowing.allows('fd00::1'))
    assert.ok(!allowing.allows('10.2.0.1'))
    assert.ok(!allowing.allows('127.0.0.1'))
  })

  test('of a network that cannot be read is an error', () => {
    for (const text of ['10.0.0.0/', '10.0.0.0/33', 'x/8', '::/129', '10.0.0.0/-1']) {
      assert.throws(() => addressRules([text]), { code: 'invalid_argument' })
    }
  })

  test('inside the special networks is never gone to, however it is written as IPv6', () => {
    const byte = fc.integer({ min: 0, max: 255 })
    fc.assert(
      fc.property(fc.constantFrom(10, 127), byte, byte, byte, (a, b, c, d) => {
        assert.ok(!rules.allows(`${a}.${b}.${c}.${d}`))
        assert.ok(!rules.allows(`::ffff:${a}.${b}.${c}.${d}`))
        const hex = (high: number, low: number) => ((high << 8) | low).toString(16)
        assert.ok(!rules.allows(`64:ff9b::${hex(a, b)}:${hex(c, d)}`))
        assert.ok(!rules.allows(`2002:${hex(a, b)}:${hex(c, d)}::1`))
      }),
    )
  })
})

describe('a fetch', () => {
  for (const url of [
    'http://idp.example/',
    'ftp://idp.example/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'https://user:password@idp.example/',
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://169.254.169.254/latest/meta-data',
    'https://2130706433/',
    'https://0x7f.1/',
    'not a url',
  ]) {
    test(`of ${url} is refused`, async () => {
      await assert.rejects(guardedFetch()(url), { code: 'invalid_url' })
    })
  }

  test('of a name with a private address is refused before anything is sent', async (t) => {
    let asked = 0
    const port = await serve(t, (_request, response) => {
      asked++
      response.end()
    })
    for (const answers of [['127.0.0.1'], ['8.8.8.8', '127.0.0.1'], []]) {
      const fetch = guardedFetch({ allowHttp: true, lookup: names(answers) })
      await assert.rejects(fetch(`http://idp.example:${port}/`), { code: 'invalid_url' })
    }
    assert.equal(asked, 0)
  })

  test('of a name whose address changes (rebinding) goes to what was checked', async (t) => {
    let asked = 0
    const port = await serve(t, (_request, response) => {
      asked++
      response.end('ours')
    })
    const lookup = names(['127.0.0.1'], ['10.255.255.1'])
    const fetch = guardedFetch({ ...LOOPBACK, lookup })
    assert.equal(await (await fetch(`http://idp.example:${port}/`)).text(), 'ours')
    await assert.rejects(fetch(`http://idp.example:${port}/`), { code: 'invalid_url' })
    assert.equal(asked, 1)
  })

  test('follows no redirect', async (t) => {
    const port = await serve(t, (_request, response) => {
      response.writeHead(302, { location: 'http://169.254.169.254/' }).end()
    })
    const answer = await guardedFetch(LOOPBACK)(`http://127.0.0.1:${port}/`)
    assert.equal(answer.status, 302)
  })

  test('takes no endless, no late and no compressed answer', async (t) => {
    const port = await serve(t, (request, response) => {
      if (request.url === '/compressed')
        response.writeHead(200, { 'content-encoding': 'gzip' }).end('x')
      if (request.url !== '/endless') return
      const more = (): void => {
        if (!response.destroyed) response.write('x'.repeat(65_536), more)
      }
      more()
    })
    const fetch = guardedFetch({ ...LOOPBACK, timeoutMs: 200 })
    const patient = guardedFetch(LOOPBACK)
    await assert.rejects(patient(`http://127.0.0.1:${port}/endless`), { code: 'too_large' })
    await assert.rejects(fetch(`http://127.0.0.1:${port}/late`), { code: 'timed_out' })
    await assert.rejects(patient(`http://127.0.0.1:${port}/compressed`), {
      code: 'upstream_failed',
    })
  })

  test('sends what it was given and asks for nothing compressed', async (t) => {
    const port = await serve(t, (request, response) => {
      response.setHeader('content-type', 'application/json')
      const { method, headers } = request
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () =>
        response.end(JSON.stringify({ method, headers, body: Buffer.concat(chunks).toString() })),
      )
    })
    const answer = await guardedFetch(LOOPBACK)(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      headers: { 'x-mine': '1', 'accept-encoding': 'gzip' },
      body: 'a=b',
    })
    const seen = (await answer.json()) as {
      method: string
      headers: Record<string, string>
      body: string
    }
    assert.equal(seen.method, 'POST')
    assert.equal(seen.body, 'a=b')
    assert.equal(seen.headers['x-mine'], '1')
    assert.equal(seen.headers['accept-encoding'], 'identity')
  })
})
