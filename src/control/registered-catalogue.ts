import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { parsed } from '../core/parsed.ts'
import { parseCellName, parseRegion, TIERS } from '../core/tenant.ts'
import { recordAct, requireScope } from './act.ts'
import type { Actor, Catalogue, CellView, PlanView } from './control-plane.ts'
import type { Tx } from '../database/pooled-database.ts'
import type { Database } from './database.ts'
import { plansOf } from './plan-row.ts'
import type { PlanWriter } from './plan-writer.ts'
import type { PlatformPublisher } from './platform-publisher.ts'

const PER_MINUTE_MAX = 10_000_000
const CAPACITY_MAX = 1_000_000

const cellRow = z.object({
  name: parsed(parseCellName),
  region: parsed(parseRegion),
  capacity: z.number(),
  tenants: z.number(),
  open: z.boolean(),
})
const cellLimits = z.object({ capacity: z.int().min(0).max(CAPACITY_MAX) })
const planLimits = z.object({
  tiers: z.array(z.enum(TIERS)).min(1),
  requestsPerMinute: z.int().min(1).max(PER_MINUTE_MAX),
  leasesPerMinute: z.int().min(1).max(PER_MINUTE_MAX),
  leaseSecondsMax: z.int().min(1).max(3_600),
})

/** The cells and plans in the registry. */
export class RegisteredCatalogue implements Catalogue {
  readonly #database: Database
  readonly #publisher: PlatformPublisher
  readonly #plans: PlanWriter

  constructor(database: Database, publisher: PlatformPublisher, plans: PlanWriter) {
    this.#database = database
    this.#publisher = publisher
    this.#plans = plans
  }

  cells(): Promise<readonly CellView[]> {
    return cellsOf(this.#database)
  }

  /** @throws RingfenceError `conflict` for another region: the tenants in it may not leave theirs */
  async putCell(cell: Omit<CellView, 'tenants'>, by: Actor): Promise<CellView> {
    requireScope(by, 'catalogue:write')
    check(cellLimits, cell)
    return this.#database.transaction(async (tx) => {
      const { name, region, capacity, open } = cell
      const [there] = await tx.query<{ region: string }>(
        `insert into registry.cell (name, region, capacity, open) values ($1, $2, $3, $4)
         on conflict (name) do update set capacity = excluded.capacity, open = excluded.open
         returning region`,
        [name, region, capacity, open],
      )
      if (there?.region !== region) {
        throw new RingfenceError('conflict', 'a cell stays in its region')
      }
      await recordAct(tx, by, 'cell.put', name, { region, capacity, open })
      const found = (await cellsOf(tx)).find((one) => one.name === name)
      if (found === undefined) throw new RingfenceError('internal', 'the cell was not entered')
      return found
    })
  }

  plans(): Promise<readonly PlanView[]> {
    return plansOf(this.#database)
  }

  /** @throws ApprovalRequired for one that asked for a second person, and would not any more */
  async putPlan(plan: PlanView, by: Actor): Promise<PlanView> {
    requireScope(by, 'catalogue:write')
    check(planLimits, plan)
    const pass = await this.#plans.passFor(plan, by)
    return this.#database.transaction(async (tx) => {
      await this.#plans.write(tx, plan, pass)
      await recordAct(tx, by, 'plan.put', plan.name, { ...plan })
      await this.#publisher.publish(tx)
      return plan
    })
  }
}

async function cellsOf(tx: Pick<Tx, 'query'>): Promise<readonly CellView[]> {
  const rows = await tx.query(
    `select cell.name, cell.region, cell.capacity, cell.open,
            (select count(*)::int from registry.tenant
              where tenant.cell = cell.name and tenant.status <> 'erased') as tenants
       from registry.cell order by cell.name`,
  )
  return rows.map((row) => cellRow.parse(row))
}

function check(schema: z.ZodType, value: unknown): void {
  const result = schema.safeParse(value)
  if (result.success) return
  const issue = result.error.issues[0]
  throw new RingfenceError('invalid_argument', `${issue?.path.join('.')}: ${issue?.message}`)
}
