import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { credentials, makeClientConstructor, Metadata } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import {
  AUDIENCE,
  ChangingSource,
  contextKey,
  tenantConfig,
  tokenOf,
} from '../gateway/door.test-support.ts'
import { gateway } from '../gateway/gateway.ts'
import { MemoryRevocations } from '../revocation/memory-revocations.test-support.ts'
import { samplePlatform } from '../snapshot/sample.test-support.ts'
import type { CheckResponse } from './envoy-answer.ts'
import { EXT_AUTHZ_PROTO, openEnvoyAuthorizer } from './envoy-authorizer.ts'
import { UsageSeal } from './usage-seal.ts'

const SECRET = 'a-secret-of-the-tests-0123456789ab'
const METHOD = '/envoy.service.auth.v3.Authorization/Check'

interface Asked {
  readonly path?: string
  readonly host?: string
  readonly scheme?: string
  readonly sni?: string
  readonly protocol?: string
  readonly address?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly secret?: string
}

/** The authorizer, asked by a client of gRPC that is not ours. */
async function openSite(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'rf-envoy-'))
  const source = new ChangingSource({ ...samplePlatform, audience: AUDIENCE }, [
    tenantConfig('acme'),
    tenantConfig('globex'),
  ])
  const door = gateway({
    source,
    revocations: new MemoryRevocations(),
    contextKey,
    log: () => undefined,
  })
  const socket = join(directory, 'authorizer')
  const listening = await openEnvoyAuthorizer({
    decide: door.decide,
    listen: { socket },
    secret: SECRET,
  })
  const definition = loadSync(EXT_AUTHZ_PROTO, { keepCase: true, defaults: false })
  const service = definition['envoy.service.auth.v3.Authorization']
  assert.ok(service && !('format' in service))
  const Client = makeClientConstructor(service, 'Authorization')
  const client = new Client(`unix:${socket}`, credentials.createInsecure())
  t.after(async () => {
    client.close()
    await listening.close()
    door.close()
    await rm(directory, { recursive: true, force: true })
  })
  const { Check } = service
  assert.ok(Check)
  return {
    source,
    ask: (asked: Asked): Promise<CheckResponse> => {
      const { path = '/t/acme/clinic/x?a=1', host = 'api.example', scheme = 'http' } = asked
      const { headers = {}, address = '192.0.2.7', secret = SECRET, sni } = asked
      const { protocol = 'HTTP/1.1' } = asked
      const request = {
        attributes: {
          source: { address: { socket_address: { address } } },
          request: { http: { method: 'GET', path, host, scheme, protocol, headers } },
          ...(sni === undefined ? {} : { tls_session: { sni } }),
        },
      }
      const metadata = new Metadata()
      metadata.set('ringfence-proxy-secret', secret)
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          METHOD,
          Check.requestSerialize,
          Check.responseDeserialize,
          request,
          metadata,
          (error: Error | null, answer?: object) =>
            error === null ? resolve(answer as CheckResponse) : reject(error),
        )
      })
    },
  }
}

const bearer = (tenant = 'acme') => ({ authorization: `Bearer ${tokenOf(tenant)}` })
const statusOf = ({ denied_response }: CheckResponse) => denied_response?.status.code ?? 200

test('Envoy is told what to set and what to take away', async (t) => {
  const { ask } = await openSite(t)
  const { ok_response: ok } = await ask({
    headers: {
      ':path': '/t/acme/clinic/x?a=1',
      ...bearer(),
      accept: 'text/plain',
      'x-tenant-id': 'globex',
      'ringfence-context': 'forged',
      x_user: 'globex',
      connection: 'close, x-named',
      'x-named': '1',
    },
  })
  assert.ok(ok)
  const set = new Map(ok.headers.map(({ header }) => [header.key, header.value]))
  assert.match(set.get('ringfence-context') ?? '', /^ey/)
  assert.equal(set.get(':path'), '/clinic/x?a=1')
  assert.equal(set.get('forwarded'), 'for=192.0.2.7;proto=http;host="api.example"')
  assert.ok(ok.headers.every(({ append_action }) => append_action === 2))
  assert.deepEqual(ok.headers_to_remove.toSorted(), [
    'authorization',
    'x-named',
    'x-tenant-id',
    'x_user',
  ])
})

test('for its log Envoy is told what the request is, apart from any field', async (t) => {
  const { ask } = await openSite(t)
  const forged = { 'ringfence-usage': 'forged', 'x-request-id': 'mine' }
  const { ok_response: ok, dynamic_metadata: told } = await ask({
    headers: { ...bearer(), ...forged },
  })
  const used = new UsageSeal(SECRET).open(told?.fields['ringfence-usage']?.string_value ?? '')
  assert.equal(used?.tenantid, 'acme')
  const id = ok?.headers.find(({ header }) => header.key === 'x-request-id')?.header.value
  assert.equal(told?.fields['x-request-id']?.string_value, id)
  assert.ok(ok?.headers_to_remove.includes('ringfence-usage'))
  assert.ok(ok?.headers.every(({ header }) => header.key !== 'ringfence-usage'))
  assert.equal((await ask({ headers: forged })).dynamic_metadata ?? null, null)
})

test('a refusal is what the gateway says', async (t) => {
  const { ask } = await openSite(t)
  const { denied_response: denied } = await ask({})
  assert.equal(denied?.status.code, 401)
  assert.equal(JSON.parse(denied?.body ?? '').code, 'not_authenticated')
  assert.ok(denied?.headers.some(({ header }) => header.key === 'www-authenticate'))
})

test('another tenant, another host, another network and another handshake are refused', async (t) => {
  const { ask, source } = await openSite(t)
  source.change('acme', { network: { allow: ['192.0.2.0/24'] } })
  const headers = bearer()
  const codes = async (asked: Asked) => statusOf(await ask({ headers, ...asked }))
  assert.equal(await codes({}), 200)
  assert.equal(await codes({ path: '/t/globex/clinic/x' }), 401)
  assert.equal(await codes({ host: 'globex.example' }), 401)
  assert.equal(await codes({ host: '' }), 400)
  assert.equal(await codes({ path: '/t/acme/clinic/%2e%2e%2fx' }), 400)
  assert.equal(await codes({ address: '198.51.100.7' }), 403)
  assert.equal(await codes({ address: '' }), 403)
  assert.equal(await codes({ scheme: 'https' }), 421)
  assert.equal(await codes({ scheme: 'https', sni: 'globex.example' }), 421)
  assert.equal(await codes({ scheme: 'https', sni: 'api.example' }), 200)
  const two = `${headers.authorization},${bearer('globex').authorization}`
  assert.equal(await codes({ headers: { authorization: two } }), 401)
})

test('whoever has not the secret gets no answer, whatever is asked', async (t) => {
  const { ask } = await openSite(t)
  for (const secret of ['x', `${SECRET}x`, SECRET.slice(1)]) {
    await assert.rejects(ask({ headers: bearer(), secret }), /not answered/)
  }
})
