import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import * as grpc from '@grpc/grpc-js'
import { parseApiName, parseContractName, parseUpstreamName } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import { upstreamGuard } from '../upstreams/upstream-guard.ts'
import { type Door, openDoor, tokenOf, until } from './door.test-support.ts'
import { certificate, certificates } from './network-attacks.test-support.ts'

const text = (value: string) => Buffer.from(value)
const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
  ...{ path, requestStream, responseStream },
  requestSerialize: text,
  requestDeserialize: String,
  responseSerialize: text,
  responseDeserialize: String,
})
const RECORDS = {
  Get: method('/clinic.Records/Get', false, false),
  Watch: method('/clinic.Records/Watch', false, true),
  Talk: method('/clinic.Records/Talk', true, true),
}

interface Site {
  readonly door: Door
  readonly client: grpc.Client
  /** Metadata that the service got. */
  readonly seen: grpc.Metadata[]
  /** Streams that the service keeps open. */
  readonly watching: Set<grpc.ServerWritableStream<string, string>>
}

/** A gRPC service behind the gateway, and a client of acme's before it. */
async function site(t: TestContext): Promise<Site> {
  const seen: grpc.Metadata[] = []
  const watching = new Set<grpc.ServerWritableStream<string, string>>()
  const server = new grpc.Server()
  server.addService(RECORDS, {
    Get(call: grpc.ServerUnaryCall<string, string>, done: grpc.sendUnaryData<string>) {
      seen.push(call.metadata)
      const trailer = new grpc.Metadata()
      trailer.set('x-count', '1')
      if (call.request === 'nobody') {
        done({ code: grpc.status.NOT_FOUND, details: 'no such record', metadata: trailer })
      } else done(null, `record of ${call.request}`, trailer)
    },
    Watch(call: grpc.ServerWritableStream<string, string>) {
      call.write('first')
      watching.add(call)
      call.on('cancelled', () => watching.delete(call))
    },
    Talk(call: grpc.ServerDuplexStream<string, string>) {
      call.on('data', (said: string) => call.write(`you said ${said}`))
      call.on('end', () => call.end())
    },
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    )
  })
  // The tenant's own server is here.
  const upstreams = upstreamGuard({ ranges: ['127.0.0.0/8'] })
  const door = await openDoor(t, { upstreamGuard: upstreams })
  door.source.change('acme', {
    upstreams: [
      {
        name: parseUpstreamName('records'),
        servers: [{ url: `http://127.0.0.1:${port}` }],
        protocol: 'h2c',
      },
    ],
    contract: {
      name: parseContractName('records'),
      apis: [
        {
          name: parseApiName('records'),
          prefix: '/',
          upstream: { of: 'tenant', name: parseUpstreamName('records') },
        },
      ],
    },
  })
  const front = await door.front({ certificates })
  const client = new grpc.Client(
    `127.0.0.1:${front}`,
    grpc.credentials.createSsl(Buffer.from(certificate.chain)),
    {
      'grpc.ssl_target_name_override': 'acme.example',
      'grpc.default_authority': 'acme.example',
    },
  )
  t.after(() => {
    client.close()
    server.forceShutdown()
  })
  return { door, client, seen, watching }
}

function metadata(token: string = tokenOf('acme')): grpc.Metadata {
  const made = new grpc.Metadata()
  made.set('authorization', `Bearer ${token}`)
  return made
}

interface Got {
  readonly value: string | undefined
  readonly error: grpc.ServiceError | null
  readonly trailer: grpc.Metadata | undefined
}

function get({ client }: Site, what: string, more = metadata(), path = RECORDS.Get.path) {
  return new Promise<Got>((resolve) => {
    let trailer: grpc.Metadata | undefined
    let result: Pick<Got, 'value' | 'error'> | undefined
    const call = client.makeUnaryRequest(path, text, String, what, more, (error, value) => {
      result = { value, error }
      if (trailer !== undefined) resolve({ ...result, trailer })
    })
    call.on('status', (status) => {
      trailer = status.metadata
      if (result !== undefined) resolve({ ...result, trailer })
    })
  })
}

test('gRPC passes through: a call, its trailers, its errors, with a context and without the token', async (t) => {
  const one = await site(t)
  const good = await get(one, 'ann')
  assert.equal(good.error, null)
  assert.equal(good.value, 'record of ann')
  assert.deepEqual(good.trailer?.get('x-count'), ['1'])
  assert.ok(one.seen[0]?.get('ringfence-context').length === 1)
  assert.deepEqual(one.seen[0]?.get('authorization'), [])
  const missing = await get(one, 'nobody')
  assert.equal(missing.error?.code, grpc.status.NOT_FOUND)
  assert.equal(missing.error?.details, 'no such record')
  const unknown = await get(one, 'x', metadata(), '/clinic.Records/Nothing')
  assert.equal(unknown.error?.code, grpc.status.UNIMPLEMENTED)
})

test('what the gateway refuses a gRPC client understands, and no service hears of it', async (t) => {
  const one = await site(t)
  for (const token of ['nonsense', tokenOf('globex')]) {
    const { error } = await get(one, 'ann', metadata(token))
    assert.equal(error?.code, grpc.status.UNAUTHENTICATED)
  }
  assert.equal(one.seen.length, 0)
})

test('streams go both ways as they come', async (t) => {
  const { client } = await site(t)
  const talk = client.makeBidiStreamRequest(RECORDS.Talk.path, text, String, metadata())
  for (const said of ['one', 'two']) {
    const heard = new Promise((resolve) => talk.once('data', resolve))
    talk.write(said)
    assert.equal(await heard, `you said ${said}`)
  }
  const ended = new Promise<grpc.StatusObject>((resolve) => talk.once('status', resolve))
  talk.end()
  talk.resume()
  assert.equal((await ended).code, grpc.status.OK)
})

for (const [title, act] of [
  [
    'its session is revoked',
    ({ door }: Site) =>
      door.revocations.revoke({
        kind: 'session',
        tenant: parseTenantId('acme'),
        id: 's-1',
        at: new Date(),
      }),
  ],
  [
    'its tenant is suspended',
    ({ door }: Site) => door.source.change('acme', { status: 'suspended' }),
  ],
] as const) {
  test(`a stream ends at both ends when ${title}`, async (t) => {
    const one = await site(t)
    const more = metadata(tokenOf('acme', { sid: 's-1' }))
    const watch = one.client.makeServerStreamRequest(RECORDS.Watch.path, text, String, 'x', more)
    watch.on('error', () => undefined)
    const ended = new Promise<grpc.StatusObject>((resolve) => watch.once('status', resolve))
    const first = await new Promise((resolve) => watch.once('data', resolve))
    assert.equal(first, 'first')
    watch.resume()
    await until(() => one.watching.size === 1)
    act(one)
    assert.notEqual((await ended).code, grpc.status.OK)
    await until(() => one.watching.size === 0)
  })
}

test('a service that is away is an error, not a silence', async (t) => {
  const one = await site(t)
  one.door.source.change('acme', {
    upstreams: [
      {
        name: parseUpstreamName('records'),
        servers: [{ url: 'http://127.0.0.1:1' }],
        protocol: 'h2c',
      },
    ],
    contract: {
      name: parseContractName('records'),
      apis: [
        {
          name: parseApiName('records'),
          prefix: '/',
          upstream: { of: 'tenant', name: parseUpstreamName('records') },
        },
      ],
    },
  })
  assert.equal((await get(one, 'ann')).error?.code, grpc.status.UNAVAILABLE)
})
