import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { AuditEntry } from '../../audit/entry.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseGrantId, parseServiceName, parseSubject } from '../../core/names.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { held } from '../../http/described-routes.test-support.ts'
import type { Configuration } from '../../snapshot/snapshot.ts'
import { type PublicJwk, SigningKey } from '../../tokens/signing-key.ts'
import { signContext, type TenantContext } from '../../tokens/tenant-context.ts'
import type { LogStore } from '../log/log-store.ts'
import { auditApi } from './audit-api.ts'
import { MemoryLogStore } from './memory-store.test-support.ts'

const [ACME, GLOBEX] = [parseTenantId('acme'), parseTenantId('globex')]
const SERVICE = parseServiceName('ringfence-records')
const gateway = await SigningKey.create('ES256')
const stranger = await SigningKey.create('ES256')

let store: MemoryLogStore
let suspended: boolean
let revoked: Set<string>
let api: ReturnType<typeof auditApi>
beforeEach(async () => {
  store = new MemoryLogStore()
  suspended = false
  revoked = new Set()
  api = auditApi({
    store,
    service: SERVICE,
    source: { current: configuration },
    revocations: { revokes: ({ id }) => revoked.has(id) },
    keysOf: async (log) => [`key of ${log}`],
    log: () => undefined,
  })
  for (let n = 0; n < 30; n += 1) await store.append([entry(n, 'acme'), entry(n, 'globex')])
})

function configuration(): Configuration {
  const platform = { contextKeys: [asJson(gateway.publicJwk)] }
  return {
    platform,
    tenant: () => ({ status: suspended ? 'suspended' : 'active' }),
  } as unknown as Configuration
}
const asJson = (key: PublicJwk) => JSON.parse(JSON.stringify(key)) as unknown

function entry(n: number, tenant: string): AuditEntry {
  return {
    id: randomUUID(),
    time: new Date(Date.UTC(2026, 0, 1, 0, n)).toISOString(),
    tenant: parseTenantId(tenant),
    category: n % 3 === 0 ? 'lease' : 'decision',
    action: n % 3 === 0 ? 'lease.granted' : 'request.denied',
    actor: { kind: 'user', id: `${tenant}-${n % 2 === 0 ? 'ann' : 'bob'}` },
    object: { type: 'api', id: 'clinic' },
    decision: n % 3 === 0 ? 'allowed' : 'denied',
    layer: 'route',
    request_id: `${tenant}-${n}`,
  }
}

async function contextFor(
  change: Partial<TenantContext> = {},
  key: SigningKey = gateway,
): Promise<string> {
  return signContext(
    key,
    {
      kind: 'request',
      tenant: ACME,
      service: SERVICE,
      subject: parseSubject('ann'),
      scopes: ['read'],
      roles: ['tenant-admin'],
      requestId: 'r-1',
      origin: { id: 'token-1', client: 'web', issuedAt: new Date() },
      ...change,
    },
    60,
  )
}

async function ask(path: string, context?: string): Promise<Response> {
  return held(api).request(path, {
    headers: { 'ringfence-context': context ?? (await contextFor()) },
  })
}

interface Page {
  readonly items: readonly { readonly index: number; readonly entry: AuditEntry }[]
  readonly next?: string
}
const page = async (path: string) => (await (await ask(path)).json()) as Page

describe('who reads a log', () => {
  test('each reads its own tenant’s, whatever else it names', async () => {
    for (const path of ['/entries?limit=500', '/export', '/', '/checkpoint', '/tile/0/000.p/1']) {
      const text = await (await ask(path)).text()
      assert.ok(text.includes('acme') && !text.includes('globex'), path)
      const other = await (await ask(path, await contextFor({ tenant: GLOBEX }))).text()
      assert.ok(other.includes('globex') && !other.includes('acme'), path)
    }
    for (const path of [
      '/entries?tenant=globex',
      '/entries?log=tenant/globex',
      '/export?tenant=globex',
    ]) {
      assert.equal((await ask(path)).status, 400, path)
    }
    for (const path of ['/tile/../../globex/tile/0/000', '/globex/checkpoint', '/tenant/globex']) {
      assert.equal((await ask(path)).status, 404, path)
    }
  })

  test('only who is of the tenant itself, with a role for it, and by the gateway’s word for this service', async () => {
    const delegated: Partial<TenantContext> = {
      actor: { subject: parseSubject('eve'), issuer: 'https://id.example/realms/globex' },
      delegation: {
        grant: parseGrantId(`gr-${'a'.repeat(24)}`),
        grantee: GLOBEX,
        source: { id: 't-2', client: 'web', issuedAt: new Date() },
      },
    }
    const cases: readonly (readonly [number, string | Promise<string>])[] = [
      [401, ''],
      [401, 'x.y.z'],
      [401, contextFor({}, stranger)],
      [401, contextFor({ service: parseServiceName('clinic') })],
      [401, contextFor({ kind: 'job' })],
      [403, contextFor(delegated)],
      [403, contextFor({ roles: [] })],
      [403, contextFor({ roles: ['tenant-admins', 'Auditor'] })],
      [200, contextFor({ roles: ['auditor'] })],
    ]
    for (const [status, context] of cases) {
      assert.equal((await ask('/entries', await context)).status, status, await context)
    }
  })

  test('nobody whose token was taken back, and nobody of a tenant that is suspended', async () => {
    revoked.add('token-1')
    assert.equal((await ask('/entries')).status, 401)
    revoked.clear()
    assert.equal((await ask('/entries')).status, 200)
    suspended = true
    assert.equal((await ask('/entries')).status, 401)
  })

  test('a follower ends when its token is taken back', async () => {
    const response = await ask('/follow?cursor=0')
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true }
      if (done) break
      text += value
      if (text.includes('id: 29')) revoked.add('token-1')
    }
    assert.equal(text.match(/^event: entry$/gm)?.length, 30)
  })
})

describe('what is read', () => {
  test('pages hold each entry once, from either end', async () => {
    for (const order of ['newest', 'oldest']) {
      const seen: number[] = []
      for (let cursor = '', more = true; more; ) {
        const { items, next } = await page(`/entries?order=${order}&limit=7${cursor}`)
        seen.push(...items.map(({ index }) => index))
        cursor = `&cursor=${next}`
        more = next !== undefined
      }
      const all = Array.from({ length: 30 }, (_, index) => index)
      assert.deepEqual(seen, order === 'oldest' ? all : all.toReversed())
    }
  })

  test('each filter lets through what it says, and all together what all say', async () => {
    const count = async (query: string) => (await page(`/entries?limit=500&${query}`)).items.length
    assert.equal(await count('category=lease'), 10)
    assert.equal(await count('decision=denied'), 20)
    assert.equal(await count('actor=acme-ann'), 15)
    assert.equal(await count('object=api/clinic'), 30)
    assert.equal(await count('object=clinic&category=lease&actor=acme-ann'), 5)
    assert.equal(await count('since=2026-01-01T00:10:00Z&until=2026-01-01T00:20:00Z'), 10)
    assert.equal(await count('q=ROUTE%20acme-7'), 1)
    assert.equal(await count('request_id=globex-7'), 0)
  })

  test('what cannot be looked for is refused, and says which word is wrong', async () => {
    for (const [query, word] of [
      ['limit=0', 'limit'],
      ['limit=501', 'limit'],
      ['cursor=-1', 'cursor'],
      ['order=up', 'order'],
      ['category=all', 'category'],
      ['since=yesterday', 'since'],
      ['colour=red', 'colour'],
      ['limit=1&limit=2', 'limit'],
    ] as const) {
      const response = await ask(`/entries?${query}`)
      assert.equal(response.status, 400, query)
      assert.match(((await response.json()) as { title: string }).title, new RegExp(word), query)
    }
  })

  test('an export holds every entry in order, as it is or in the open schema', async () => {
    const lines = async (path: string) => (await (await ask(path)).text()).trimEnd().split('\n')
    const own = (await lines('/export')).map((line) => JSON.parse(line) as Page['items'][number])
    assert.deepEqual(
      own.map(({ index }) => index),
      [...own.keys()],
    )
    assert.equal(own.length, 30)
    const ocsf = (await lines('/export?format=ocsf&category=lease')).map(
      (line) => JSON.parse(line) as { readonly class_uid: number },
    )
    assert.deepEqual(
      ocsf.map((event) => event.class_uid),
      Array.from({ length: 10 }, () => 6003),
    )
    assert.equal((await ask('/export?format=xml')).status, 400)
  })

  test('what was erased is shown as erased, but to nobody who looks for something', async () => {
    const read: LogStore['read'] = store.read.bind(store)
    const shown: LogStore = store
    shown.read = async (...asked) =>
      (await read(...asked)).map((one) => (one.index === 4 ? { ...one, entry: undefined } : one))
    const { items } = await page('/entries?limit=500')
    assert.equal(items.length, 30)
    assert.equal(items.find(({ index }) => index === 4)?.entry, null)
    assert.match(await (await ask('/export')).text(), /"index":4,"leaf_hash":"\w+","entry":null/)
    assert.equal((await page('/entries?limit=500&object=api/clinic')).items.length, 29)
  })

  test('where entries are gone the others are read, once each, and reading ends', async () => {
    const read = store.read.bind(store)
    store.read = async (log, from, most) =>
      (await read(log, from, 1_000)).filter(({ index }) => index !== 12).slice(0, most)
    for (const order of ['newest', 'oldest']) {
      const found: number[] = []
      for (let cursor = '', more = true; more; ) {
        const { items, next } = await page(`/entries?order=${order}&limit=7${cursor}`)
        found.push(...items.map(({ index }) => index))
        cursor = `&cursor=${next}`
        more = next !== undefined
      }
      assert.equal(new Set(found).size, 29)
      assert.equal(found.length, 29)
    }
    store.read = async (log, from, most) =>
      (await read(log, from, most)).filter(({ index }) => index < 20)
    const gone = await ask('/entries?order=oldest&cursor=20')
    assert.equal(gone.status, 503)
    assert.match(await gone.text(), /ringfence audit verify/)
    assert.equal((await page('/entries?order=oldest&limit=500')).items.length, 20)
    await assert.rejects(async () => (await ask('/export')).text())
  })

  test('an export that cannot go on breaks off, and one that cannot begin is refused', async () => {
    for (let n = 30; n < 600; n += 1) await store.append([entry(n, 'acme')])
    const read = store.read.bind(store)
    let readings = 0
    store.read = async (...asked) => {
      readings += 1
      if (readings > 1) throw new RingfenceError('engine_unavailable', 'not now')
      return read(...asked)
    }
    const response = await ask('/export')
    assert.equal(response.status, 200)
    await assert.rejects(() => response.text())
    assert.equal((await ask('/export')).status, 503)
    store.read = read
    const taken = await ask('/export')
    revoked.add('token-1')
    await assert.rejects(() => taken.text())
  })

  test('trouble inside is told to nobody', async () => {
    store.read = () => Promise.reject(new Error('password hunter2'))
    const response = await ask('/entries')
    assert.equal(response.status, 500)
    assert.ok(!(await response.text()).includes('hunter2'))
    store.read = () => Promise.reject(new RingfenceError('engine_unavailable', 'not now'))
    assert.equal((await ask('/entries')).status, 503)
  })
})

afterEach(() => revoked.clear())
