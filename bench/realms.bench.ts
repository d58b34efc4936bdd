import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parseClientId } from '../src/core/names.ts'
import { parseTenantId, type TenantId } from '../src/core/tenant.ts'
import { type IdentitySite, startIdentitySite } from '../src/identity/identity-site.test-support.ts'
import type { Bench, Row } from './bench.ts'
import { percentiles } from './support/statistics.ts'

const CLIENT = parseClientId('bench')
const AT_ONCE = 4
/** In how many realms first tokens are asked for. */
const SAMPLES = 200
const MIB = 1024 * 1024

export const bench: Bench = {
  title: 'realms: creation, memory and the first token, by how many realms there are',
  async run({ quick, say }) {
    const rows: Row[] = []
    for (const realms of quick ? [5, 30] : [10, 1_000, 10_000]) {
      say(`${realms} realms`)
      const site = await startIdentitySite()
      try {
        rows.push(...(await ofSize(site, realms)))
      } finally {
        await site.stop()
      }
    }
    return rows
  },
}

async function ofSize(site: IdentitySite, realms: number): Promise<readonly Row[]> {
  const named = (what: string) => `${what}, ${realms.toLocaleString('en')} realms`
  const tenants = Array.from({ length: realms }, (_, n) => parseTenantId(`realm-${n}`))
  const creating = await timedEach(tenants, (tenant) =>
    site.identity.realms.ensure(tenant, 'A realm'),
  )
  const sampled = tenants.filter((_, n) => n % Math.ceil(realms / SAMPLES) === 0)
  const secrets = new Map<TenantId, string>()
  for (const tenant of sampled) {
    const may = { roles: ['bench'], scopes: ['read'] }
    secrets.set(tenant, String(await site.identity.realms.putClient(tenant, CLIENT, may)))
  }
  // A process that has seen none of them.
  const process = await site.open()
  const before = heapMib()
  const first = await timedEach(sampled, (tenant) => token(site, tenant, secrets, process), 1)
  const next = await timedEach(sampled, (tenant) => token(site, tenant, secrets, process), 1)
  await timedEach(tenants, (tenant) => process.providers.get(tenant))
  const made = process.providers.size
  const heap = Math.max(heapMib() - before, 0.001)
  await process.close()
  return [
    { what: named('creation of a realm'), unit: 'ms', ...percentiles(creating) },
    { what: named('first token of a realm'), unit: 'ms', ...percentiles(first) },
    { what: named('next token of a realm'), unit: 'ms', ...percentiles(next) },
    { what: named(`heap of ${made} providers in memory`), unit: 'MiB', n: 1, p50: heap },
    { what: named('heap of one provider'), unit: 'KiB', n: made, p50: (heap * 1024) / made },
  ]
}

async function token(
  site: IdentitySite,
  tenant: TenantId,
  secrets: ReadonlyMap<TenantId, string>,
  identity: IdentitySite['identity'],
): Promise<void> {
  const basic = Buffer.from(`${CLIENT}:${secrets.get(tenant)}`).toString('base64')
  const { status, text } = await site.ask(
    `/realms/${tenant}/token`,
    {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${basic}`,
      },
      body: 'grant_type=client_credentials',
    },
    identity,
  )
  if (status !== 200) throw new Error(`no token: ${status} ${text}`)
}

/** Milliseconds of each, some at once. */
async function timedEach<T>(
  things: readonly T[],
  work: (thing: T) => Promise<unknown>,
  atOnce = AT_ONCE,
): Promise<readonly number[]> {
  const times: number[] = []
  const waiting = things.values()
  const workers = Array.from({ length: atOnce }, async () => {
    for (const thing of waiting) {
      const began = performance.now()
      await work(thing)
      times.push(performance.now() - began)
    }
  })
  await Promise.all(workers)
  return times
}

/** What is in use when nothing is left to collect. */
function heapMib(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed / MIB
}
