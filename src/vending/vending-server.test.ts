import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { Hono } from 'hono'
import { SignJWT } from 'jose'
import { RingfenceError } from '../core/errors.ts'
import { parseTenantId } from '../core/tenant.ts'
import type { LeaseCache } from './lease-cache.ts'
import { ContextSigner } from './tenant-context.ts'
import { vendingApp } from './vending-server.ts'

const ACME = parseTenantId('acme')
let signer: ContextSigner
let app: Hono
const asked: string[] = []
const logged: string[] = []

before(async () => {
  signer = await ContextSigner.create()
  const cache = {
    async get(tenant: string, scope: string) {
      asked.push(`${tenant}/${scope}`)
      if (tenant === 'nobody') throw new RingfenceError('tenant_unknown', 'no such active tenant')
      if (tenant === 'greedy') throw new RingfenceError('lease_denied', 'too many')
      if (tenant === 'away') throw new RingfenceError('engine_unavailable', 'away')
      return { lease_id: 'l1', renewable: true, boundary: 'postgres', credential: { user: 'u' } }
    },
    secondsLeft: () => 600,
  } as unknown as LeaseCache
  app = vendingApp({ cache, contextKey: signer.publicJwk, log: (line) => logged.push(line) })
})

async function exchange(token: string, changes: Record<string, string> = {}): Promise<Response> {
  return app.request('/v1/token', {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      scope: 'write',
      ...changes,
    }),
  })
}

describe('a tenant context', () => {
  test('is exchanged for a lease of its own tenant', async () => {
    const response = await exchange(await signer.sign(ACME, 60))
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('cache-control'), 'no-store')
    assert.deepEqual(await response.json(), {
      issued_token_type: 'urn:ringfence:params:token-type:postgres-credential',
      token_type: 'N_A',
      scope: 'write',
      expires_in: 600,
      lease_id: 'l1',
      lease_duration: 600,
      renewable: true,
      data: { user: 'u' },
    })
    assert.equal(asked.at(-1), 'acme/write')
  })

  test('decides alone: a tenant named in the form changes nothing', async () => {
    await exchange(await signer.sign(ACME, 60), {
      tenant: 'globex',
      tenant_id: 'globex',
      resource: 'globex',
    })
    assert.equal(asked.at(-1), 'acme/write')
  })
})

describe('a token that must not be taken', () => {
  const forged: Record<string, () => Promise<string>> = {
    'signed by another key': async () => (await ContextSigner.create()).sign(ACME, 60),
    'for another audience': () => signer.sign(ACME, 60, 'elsewhere'),
    expired: () => signer.sign(ACME, -60),
    'of no form': async () => 'abc',
    'without a signature': async () =>
      `${btoa('{"alg":"none","typ":"rf-context+jwt"}')}.${btoa('{"tenant_id":"acme"}')}.`,
    'signed with the public key as a secret': async () =>
      new SignJWT({ tenant_id: 'acme' })
        .setProtectedHeader({ alg: 'HS256', typ: 'rf-context+jwt' })
        .setIssuer('ringfence')
        .setAudience('ringfence-vending')
        .setIssuedAt()
        .setJti('x')
        .setExpirationTime('1m')
        .sign(new TextEncoder().encode(JSON.stringify(signer.publicJwk))),
  }
  for (const [what, make] of Object.entries(forged)) {
    test(`${what}: refused as any other, and no lease is asked for`, async () => {
      const before = asked.length
      const response = await exchange(await make())
      assert.equal(response.status, 400)
      assert.deepEqual(await response.json(), { error: 'invalid_grant' })
      assert.equal(asked.length, before)
    })
  }
})

describe('refusals', () => {
  test('an unknown tenant looks like a bad token', async () => {
    const response = await exchange(await signer.sign(parseTenantId('nobody'), 60))
    assert.equal(response.status, 400)
    assert.deepEqual(await response.json(), { error: 'invalid_grant' })
  })

  for (const [tenant, status] of [
    ['greedy', 429],
    ['away', 503],
  ] as const) {
    test(`${tenant}: the caller may try again (${status})`, async () => {
      const response = await exchange(await signer.sign(parseTenantId(tenant), 60))
      assert.equal(response.status, status)
      assert.deepEqual(await response.json(), { error: 'temporarily_unavailable' })
    })
  }

  for (const [field, value, error] of [
    ['grant_type', 'password', 'unsupported_grant_type'],
    ['subject_token_type', 'urn:x', 'invalid_request'],
    ['scope', 'admin', 'invalid_scope'],
  ] as const) {
    test(`${field}=${value} is ${error}`, async () => {
      const response = await exchange(await signer.sign(ACME, 60), { [field]: value })
      assert.equal(response.status, 400)
      assert.deepEqual(await response.json(), { error })
    })
  }

  test('a body over 16 KiB is not read', async () => {
    assert.equal((await exchange('x'.repeat(20_000))).status, 413)
  })

  test('the log holds no token', async () => {
    const token = await signer.sign(parseTenantId('nobody'), 60)
    await exchange(token)
    assert.ok(logged.length > 0)
    assert.ok(logged.every((line) => !line.includes(token)))
  })
})
