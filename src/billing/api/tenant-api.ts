import { OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import { RingfenceError } from '../../core/errors.ts'
import { TENANT_ADMIN_ROLE } from '../../core/tenant-admin.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { UsageReadings, Window } from '../../metering/usage-readings.ts'
import { budgetNameSchema, budgetSchema } from '../budgets/budget.ts'
import type { Budgets } from '../budgets/budgets.ts'
import type { UsageQuotas } from '../budgets/usage-quotas.ts'
import type { BillingCatalogue } from '../catalogue.ts'
import type { Invoices } from '../invoices/invoices.ts'
import { routesOf } from '../../http/described-routes.ts'
import { parsePeriod } from '../rating/period.ts'
import { TENANT_BILLING } from './operations.ts'
import {
  bodyOf,
  csvOf,
  jsonOf,
  limitOf,
  nothing,
  pageOf,
  pdfOf,
  queryOf,
  refusal,
  stepOf,
  timeOf,
  wireInvoice,
} from './wire.ts'

/** Who of a tenant asks, as the gateway has vouched for. */
export interface BillingCaller {
  readonly tenant: TenantId
  readonly subject: string
  readonly roles: readonly string[]
}

export interface TenantBillingOptions {
  readonly invoices: Invoices
  readonly budgets: Budgets
  readonly quotas: UsageQuotas
  readonly usage: UsageReadings
  readonly catalogue: Pick<BillingCatalogue, 'since'>
  /** @throws RingfenceError for who may not read a tenant's own records */
  readonly callerOf: (headers: Headers) => Promise<BillingCaller>
  readonly log: (line: string) => void
}

type Env = { Variables: { caller: BillingCaller; since: Date } }

/** Of anything here. */
const TENANT_REFUSALS = [400, 401, 403, 404, 500, 503, 504]

const WINDOWS: readonly Window[] = ['minute', 'hour', 'day', 'whole']
/** So many windows at once. */
const READINGS_MAX = 1_500
const WINDOW_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const
const SPAN_MS_MAX = 400 * 86_400_000

/**
 * A tenant's own bills and usage. Whose they are is said by who asks and by nothing else: there is no way
 * to name another tenant.
 */
export function tenantBillingApi(options: TenantBillingOptions): OpenAPIHono<Env> {
  const { invoices, budgets, quotas, usage, catalogue, log } = options
  const app = new OpenAPIHono<Env>()
  app.use(async (context, next) => {
    const caller = await options.callerOf(context.req.raw.headers)
    context.set('caller', caller)
    context.set('since', await catalogue.since(caller.tenant))
    await next()
  })
  const route = routesOf(app, { tag: 'billing', by: 'tenant', refusals: TENANT_REFUSALS })
  route(TENANT_BILLING.listInvoices, async (context) => {
    const { limit: asked, before } = queryOf(context, ['limit', 'before'])
    const [limit, since] = [limitOf(asked), context.var.since]
    const { tenant } = context.var.caller
    return jsonOf(pageOf(await invoices.list(tenant, { limit, before, since }), limit))
  })
  const found = (context: { var: Env['Variables'] }, number: string) =>
    invoices.get(context.var.caller.tenant, number, context.var.since)
  route(TENANT_BILLING.getInvoice, async (context) =>
    jsonOf(wireInvoice(await found(context, stepOf(context, 'number')))),
  )
  route(TENANT_BILLING.getInvoiceCsv, async (context) =>
    csvOf(await found(context, stepOf(context, 'number'))),
  )
  route(TENANT_BILLING.getInvoicePdf, async (context) =>
    pdfOf(await found(context, stepOf(context, 'number'))),
  )
  route(TENANT_BILLING.preview, async (context) => {
    const { period } = queryOf(context, ['period'])
    const items = await invoices.preview(context.var.caller.tenant, parsePeriod(period))
    return jsonOf({ items })
  })
  route(TENANT_BILLING.usage, async (context) => {
    const { meter = '', ...rest } = queryOf(context, ['meter', 'from', 'to', 'window', 'by'])
    const asked = askedOf(rest, context.var.since)
    const { tenant } = context.var.caller
    const items = await usage.read({ tenant, meter, ...asked })
    return jsonOf({ items, watermark: await usage.watermark(tenant) })
  })
  route(TENANT_BILLING.quotas, async (context) =>
    jsonOf({ items: await quotas.states(context.var.caller.tenant) }),
  )
  route(TENANT_BILLING.listBudgets, async (context) =>
    jsonOf({ items: await budgets.states(context.var.caller.tenant) }),
  )
  route(TENANT_BILLING.putBudget, async (context) => {
    const { tenant, subject } = administratorOf(context.var.caller)
    const name = nameOf(stepOf(context, 'name'))
    const budget = await bodyOf(context, budgetSchema)
    await budgets.put(tenant, name, budget, subject)
    return jsonOf({ name, budget })
  })
  route(TENANT_BILLING.removeBudget, async (context) => {
    const { tenant } = administratorOf(context.var.caller)
    await budgets.remove(tenant, nameOf(stepOf(context, 'name')))
    return new Response(null, { status: 204 })
  })
  app.notFound(nothing)
  app.onError((error) => refusal(error, log))
  return app
}

function administratorOf(caller: BillingCaller): BillingCaller {
  if (caller.roles.includes(TENANT_ADMIN_ROLE)) return caller
  throw new RingfenceError('forbidden', `this needs the role ${TENANT_ADMIN_ROLE}`)
}

function nameOf(text: string): string {
  const read = budgetNameSchema.safeParse(text)
  if (read.success) return read.data
  throw new RingfenceError('invalid_argument', 'a budget has a name like calls')
}

function askedOf(
  asked: Readonly<Partial<Record<'from' | 'to' | 'window' | 'by', string>>>,
  since: Date,
) {
  const first = timeOf(asked.from, 'from')
  const to = timeOf(asked.to, 'to')
  // What was used before is another customer's, who had the id.
  const from = first < since ? since : first
  const window = z.enum(WINDOWS).safeParse(asked.window ?? 'day').data
  if (window === undefined) {
    throw new RingfenceError('invalid_argument', `window: is ${WINDOWS.join(', ')}`)
  }
  const length = to.getTime() - from.getTime()
  const most = window === 'whole' ? SPAN_MS_MAX : WINDOW_MS[window] * READINGS_MAX
  if (length <= 0 || length > Math.min(most, SPAN_MS_MAX)) {
    throw new RingfenceError('invalid_argument', `to: after from, at most ${READINGS_MAX} windows`)
  }
  const by = asked.by === undefined ? undefined : asked.by.split(',')
  return { from, to, window, ...(by === undefined ? {} : { by }) }
}
