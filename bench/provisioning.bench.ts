import type { Tenant } from '../src/core/tenant.ts'
import type { Bench, BenchContext, Row } from './bench.ts'
import { type Arena, openArena, tenantNamed } from './support/arena.ts'
import { diskMiB, serverMemoryMiB } from './support/resources.ts'
import { percentiles } from './support/statistics.ts'

/** Callers that provision at the same time. */
const CALLERS = 4

export const bench: Bench = {
  title: 'tenants provisioned on each tier: time, memory and disk',
  async run(context) {
    const arena = await openArena({ directory: context.directory, bridges: true })
    try {
      return [
        ...(await pooled(arena, context)),
        ...(await bridge(arena, context)),
        ...(await silo(arena, context)),
      ]
    } finally {
      await arena.close()
    }
  },
}

async function pooled(arena: Arena, context: BenchContext): Promise<readonly Row[]> {
  const [count, block] = context.quick ? [60, 30] : [5_000, 1_000]
  const rows: Row[] = []
  const before = await diskMiB(arena.cluster.directory ?? '')
  for (let from = 0; from < count; from += block) {
    context.say(`pooled tenants ${from + 1} to ${from + block}`)
    const times: number[] = []
    const began = performance.now()
    const ids = Array.from({ length: block }, (_, index) => from + index)
    const provision = async () => {
      for (let id = ids.shift(); id !== undefined; id = ids.shift()) {
        const start = performance.now()
        const tenant = tenantNamed(`p${id}`)
        await arena.boundary.provision(tenant)
        // The first lease makes the tenant's login; without one the tenant is only an entry.
        await arena.boundary.lease(tenant.id, { scope: 'write', holder: 'bench' })
        times.push(performance.now() - start)
      }
    }
    await Promise.all(Array.from({ length: CALLERS }, provision))
    const perMinute = (block / (performance.now() - began)) * 60_000
    const what = `pooled tenants ${from + 1} to ${from + block}`
    rows.push(
      { what: `${what}: provision and first lease`, unit: 'ms', ...percentiles(times) },
      { what: `${what}: a minute, ${CALLERS} callers`, unit: '/min', n: block, p50: perMinute },
    )
  }
  const disk = ((await diskMiB(arena.cluster.directory ?? '')) - before) / count
  rows.push({ what: 'pooled tenant: disk', unit: 'KiB', n: count, p50: disk * 1024 })
  return rows
}

async function bridge(arena: Arena, context: BenchContext): Promise<readonly Row[]> {
  const count = context.quick ? 2 : 30
  context.say(`${count} bridge tenants`)
  const before = await diskMiB(arena.cluster.directory ?? '')
  const times = await timed(arena, count, (id) => tenantNamed(`b${id}`, 'bridge'))
  const disk = ((await diskMiB(arena.cluster.directory ?? '')) - before) / count
  return [
    { what: 'bridge tenant: provision', unit: 'ms', ...percentiles(times) },
    { what: 'bridge tenant: disk', unit: 'MiB', n: count, p50: disk },
  ]
}

async function silo(arena: Arena, context: BenchContext): Promise<readonly Row[]> {
  const count = context.quick ? 1 : 20
  context.say(`${count} silo tenants`)
  const [first, ...rest] = await timed(arena, count, (id) => tenantNamed(`s${id}`, 'silo'))
  const memory: number[] = []
  const disk: number[] = []
  for (const site of await arena.silos.running()) {
    const pid = 'pid' in site.cluster ? Number(site.cluster.pid) : 0
    memory.push(await serverMemoryMiB(pid))
    disk.push(await diskMiB(site.cluster.directory ?? ''))
  }
  const rows: Row[] = [
    {
      what: 'first silo, with the seed that others are copied from',
      unit: 'ms',
      n: 1,
      p50: first ?? 0,
    },
    { what: 'silo: memory of the idle server (PSS)', unit: 'MiB', ...percentiles(memory) },
    { what: 'silo: disk', unit: 'MiB', ...percentiles(disk) },
  ]
  if (rest.length > 0)
    rows.push({ what: 'silo tenant: provision', unit: 'ms', ...percentiles(rest) })
  return rows
}

/** One after the other. */
async function timed(
  arena: Arena,
  count: number,
  tenantOf: (id: number) => Tenant,
): Promise<readonly number[]> {
  const times: number[] = []
  for (let id = 0; id < count; id += 1) {
    const began = performance.now()
    await arena.boundary.provision(tenantOf(id))
    times.push(performance.now() - began)
  }
  return times
}
