import { z } from 'zod'
import { parseTenantId, type TenantId, type Tier } from '../src/core/tenant.ts'
import type { Bench, BenchContext, Row } from './bench.ts'
import { plantRows } from './support/arena.ts'
import { answerOf, Forked } from './support/forked.ts'
import { live, type Lived, onboard, stepMs } from './support/lifecycle.ts'
import { type BenchPlatform, openPlatform } from './support/platform.ts'
import { median, percentiles, ratios } from './support/statistics.ts'
import type { WriterWork, Written } from './support/writer-process.ts'

const AIM_MS = 1_000
const REFERENCE = 'the same rows by INSERT … SELECT into a table of the same server'
const WAYS = [
  ['pooled', 'bridge'],
  ['bridge', 'silo'],
  ['silo', 'pooled'],
] as const satisfies readonly (readonly [Tier, Tier])[]

/** One move, and what the tenant's writer met from its call to its end. */
interface Moved extends Lived {
  readonly pausedMs: number
  readonly written: Written
}

const resultSchema = z.array(z.object({ pausedMs: z.number() })).min(1)

export const bench: Bench = {
  title: 'a tenant moved from tier to tier through the control API, with a writer at work',
  async run(context) {
    const platform = await openPlatform({ directory: context.directory })
    const forked = new Forked()
    try {
      return await moves(platform, forked, context)
    } finally {
      forked.stop()
      await platform.close()
    }
  },
}

async function moves(
  platform: BenchPlatform,
  forked: Forked,
  { quick, say }: BenchContext,
): Promise<readonly Row[]> {
  const rows = quick ? 10_000 : 100_000
  const plain: number[] = []
  const moved = WAYS.map((): Moved[] => [])
  for (let round = 0; round < (quick ? 1 : 5); round += 1) {
    const tenant = parseTenantId(`mover-${round}`)
    await onboard(platform, tenant)
    const key = (await platform.arena.boundary.find(tenant))?.key
    if (key === undefined) throw new RangeError('the tenant is nowhere')
    await plantRows(platform.arena, [key], rows)
    plain.push(await plainCopy(platform, key))
    const writer = await writerFor(platform, forked, tenant)
    for (const [index, [from, to]] of WAYS.entries()) {
      say(`tenant ${round + 1}: ${from} to ${to}`)
      await writer.met()
      const lived = await live(platform, `/v1/tenants/${tenant}/move`, { to })
      const pausedMs = Math.max(
        ...resultSchema.parse(lived.workflow.result).map((one) => one.pausedMs),
      )
      moved[index]?.push({ ...lived, pausedMs, written: await writer.met() })
    }
    writer.stop()
  }
  return [
    { what: `${rows} rows: ${REFERENCE}`, unit: 'ms', ...percentiles(plain) },
    ...WAYS.flatMap((way, index) => rowsOf(way, rows, moved[index] ?? [], plain)),
  ]
}

/** The floor below copying: no other server, no snapshot that others write beside, no verification. */
async function plainCopy({ arena }: BenchPlatform, key: string): Promise<number> {
  await arena.admin.query(
    'create temporary table plain (like bench.visit including generated including indexes)',
  )
  const began = performance.now()
  await arena.admin.query(
    `insert into plain (tenant_id, id, starts_at, email, status, status_text, amount, cents, note)
     select tenant_id, id, starts_at, email, status, status_text, amount, cents, note
     from bench.visit where tenant_id = $1`,
    [key],
  )
  const milliseconds = performance.now() - began
  await arena.admin.query('drop table plain')
  return milliseconds
}

/** A writer that has written once when this resolves. */
async function writerFor(platform: BenchPlatform, forked: Forked, tenant: TenantId) {
  const { child } = await forked.begin<WriterWork, Written>('writer-process', {
    service: platform.service,
    contextKey: platform.contextKey.privateJwk,
    tenant,
    // Beyond those that were planted.
    firstId: 2_000_000,
  })
  const met = async () => {
    child.send({})
    return answerOf<Written>(child)
  }
  return {
    met,
    stop: () => void child.kill(),
  }
}

function rowsOf(
  [from, to]: (typeof WAYS)[number],
  rows: number,
  moved: readonly Moved[],
  plain: readonly number[],
): readonly Row[] {
  const label = (what: string) => `${rows} rows, ${from} to ${to}: ${what}`
  const copies = moved.map(({ workflow }) => stepMs(workflow, 'prepare'))
  const row = (what: string, unit: string, of: (one: Moved) => number) => ({
    what: label(what),
    unit,
    ...percentiles(moved.map(of)),
  })
  const aimed = (one: ReturnType<typeof row>): Row => {
    return { ...one, aim: { text: `p99 <= ${AIM_MS} ms`, met: one.p99 <= AIM_MS } }
  }
  return [
    row('from the call to its end, the old place erased', 'ms', (one) => one.milliseconds),
    {
      what: label('the first copy, with the new place made'),
      unit: 'ms',
      ...percentiles(copies),
      ...ratios(copies, plain),
      reference: REFERENCE,
    },
    {
      what: label('rows a second of it'),
      unit: '/s',
      n: copies.length,
      p50: (rows / median(copies)) * 1_000,
    },
    aimed(row('write pause as reported', 'ms', (one) => one.pausedMs)),
    row('no write lease is given, from step pause to the end of activate', 'ms', ({ workflow }) =>
      stepMs(workflow, 'pause', 'activate'),
    ),
    aimed(
      row(
        'write pause as its writer saw it, the longest gap',
        'ms',
        (one) => one.written.longestGap,
      ),
    ),
    row('writes that had to be tried again', '', (one) => one.written.failures),
    row('writes in all', '', (one) => one.written.writes),
  ]
}
