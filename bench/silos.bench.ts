import pg from 'pg'
import type { TenantKey } from '../src/boundaries/postgres/names.ts'
import type { TenantId } from '../src/core/tenant.ts'
import type { Bench, BenchContext, Row } from './bench.ts'
import { type Arena, openArena, tenantNamed } from './support/arena.ts'
import { diskMiB, serverMemoryMiB } from './support/resources.ts'
import { percentiles } from './support/statistics.ts'

interface Silo {
  readonly tenant: TenantId
  readonly key: TenantKey
}

export const bench: Bench = {
  title: 'silos: a server of its own for each tenant, started when it is asked for',
  async run(context) {
    const arena = await openArena({ directory: context.directory })
    try {
      const silos = await stopped(arena, context)
      const starts: number[] = []
      const firstQueries: number[] = []
      for (const silo of silos) {
        const began = performance.now()
        await arena.silos.open(silo.key)
        starts.push(performance.now() - began)
        await firstQuery(arena, silo.tenant)
        firstQueries.push(performance.now() - began)
      }
      return [
        {
          what: 'stopped silo: until its server takes connections',
          unit: 'ms',
          ...percentiles(starts),
        },
        {
          what: 'stopped silo: until the first answer (start, lease, login, query)',
          unit: 'ms',
          ...percentiles(firstQueries),
        },
        ...(await resources(arena, context)),
      ]
    } finally {
      await arena.close()
    }
  },
}

/** Silos as they are when nobody has asked for them for a while. */
async function stopped(arena: Arena, context: BenchContext): Promise<readonly Silo[]> {
  const count = context.quick ? 5 : 200
  const silos: Silo[] = []
  for (let id = 0; id < count; id += 1) {
    if (id % 20 === 0) context.say(`silo ${id + 1} of ${count}`)
    const tenant = tenantNamed(`s${id}`, 'silo')
    await arena.boundary.provision(tenant)
    const place = await arena.boundary.find(tenant.id)
    if (place === undefined) throw new RangeError('the silo is not there')
    silos.push({ tenant: tenant.id, key: place.key })
    await arena.silos.stop(place.key)
  }
  return silos
}

async function firstQuery(arena: Arena, tenant: TenantId): Promise<void> {
  const lease = await arena.boundary.lease(tenant, { scope: 'read', holder: 'bench' })
  const client = new pg.Client({ ...lease.credential })
  await client.connect()
  await client.query('select count(*) from bench.visit')
  await client.end()
}

/** With all of them running and idle. */
async function resources(arena: Arena, context: BenchContext): Promise<readonly Row[]> {
  // The connections that manage leases go when they have been unused for half a minute.
  await new Promise((resolve) => setTimeout(resolve, context.quick ? 500 : 35_000))
  const sites = await arena.silos.running()
  const memory = await Promise.all(
    sites.map(({ cluster }) => serverMemoryMiB('pid' in cluster ? Number(cluster.pid) : 0)),
  )
  const disk = await Promise.all(sites.map(({ cluster }) => diskMiB(cluster.directory ?? '')))
  const total = memory.reduce((sum, one) => sum + one, 0)
  return [
    { what: 'idle silo: memory (PSS)', unit: 'MiB', ...percentiles(memory) },
    { what: `idle silos: memory of all ${sites.length}`, unit: 'MiB', n: sites.length, p50: total },
    { what: 'silo: disk', unit: 'MiB', ...percentiles(disk) },
  ]
}
