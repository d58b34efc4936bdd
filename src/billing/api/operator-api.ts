import { OpenAPIHono } from '@hono/zod-openapi'
import { routesOf } from '../../http/described-routes.ts'
import type { CostReports } from '../costs/cost-reports.ts'
import type { Invoices } from '../invoices/invoices.ts'
import { parsePeriod } from '../rating/period.ts'
import type { Reconciler } from '../reconcile/reconcile.ts'
import { finaliseSchema, OPERATOR_BILLING, voidSchema } from './operations.ts'
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
  tenantOf,
  wireInvoice,
} from './wire.ts'

export interface BillingOperator {
  /** For the record. */
  readonly name: string
}

export interface OperatorBillingOptions {
  readonly invoices: Invoices
  readonly reconciler: Reconciler
  readonly costs: CostReports
  /**
   * Who asks, by an operator's token. `write` makes invoices final and void.
   * @throws RingfenceError `not_authenticated`, `forbidden`
   */
  readonly operatorOf: (headers: Headers, act: 'read' | 'write') => Promise<BillingOperator>
  readonly log: (line: string) => void
}

type Env = { Variables: { operator: BillingOperator } }

/** Of anything here. */
const OPERATOR_REFUSALS = [400, 401, 403, 404, 429, 500, 503, 504]

/** Everybody's bills, for operators. Paths below `/v1/billing`. */
export function operatorBillingApi(options: OperatorBillingOptions): OpenAPIHono<Env> {
  const { invoices, reconciler, costs, operatorOf, log } = options
  const app = new OpenAPIHono<Env>()
  // Before the path is looked at, so that nobody learns from it what there is.
  app.use(async (context, next) => {
    const act = context.req.method === 'GET' ? 'read' : 'write'
    context.set('operator', await operatorOf(context.req.raw.headers, act))
    await next()
  })
  const route = routesOf(app, { tag: 'billing', by: 'operator', refusals: OPERATOR_REFUSALS })
  route(OPERATOR_BILLING.listInvoices, async (context) => {
    const { limit: asked, before } = queryOf(context, ['limit', 'before'])
    const limit = limitOf(asked)
    return jsonOf(pageOf(await invoices.list(tenantOf(context), { limit, before }), limit))
  })
  route(OPERATOR_BILLING.getInvoice, async (context) =>
    jsonOf(wireInvoice(await invoices.get(tenantOf(context), stepOf(context, 'number')))),
  )
  route(OPERATOR_BILLING.getInvoiceCsv, async (context) =>
    csvOf(await invoices.get(tenantOf(context), stepOf(context, 'number'))),
  )
  route(OPERATOR_BILLING.getInvoicePdf, async (context) =>
    pdfOf(await invoices.get(tenantOf(context), stepOf(context, 'number'))),
  )
  route(OPERATOR_BILLING.recompute, async (context) =>
    jsonOf(await invoices.recompute(tenantOf(context), stepOf(context, 'number'))),
  )
  route(OPERATOR_BILLING.voidInvoice, async (context) => {
    const { name } = context.var.operator
    const { reason } = await bodyOf(context, voidSchema)
    const number = stepOf(context, 'number')
    return jsonOf(wireInvoice(await invoices.void(tenantOf(context), number, name, reason)))
  })
  route(OPERATOR_BILLING.preview, async (context) => {
    const period = parsePeriod(stepOf(context, 'period'))
    return jsonOf({ items: await invoices.preview(tenantOf(context), period) })
  })
  route(OPERATOR_BILLING.finalise, async (context) => {
    const { name } = context.var.operator
    const { incomplete } = await bodyOf(context, finaliseSchema)
    const period = parsePeriod(stepOf(context, 'period'))
    const made = await invoices.finalise(tenantOf(context), period, name, { incomplete })
    return jsonOf({ items: made.map(wireInvoice) })
  })
  route(OPERATOR_BILLING.reconcile, async (context) =>
    jsonOf(await reconciler.reconcile(tenantOf(context), parsePeriod(stepOf(context, 'period')))),
  )
  route(OPERATOR_BILLING.costs, async (context) => {
    const { tenant } = queryOf(context, ['tenant'])
    return jsonOf({ items: await costs.of(parsePeriod(stepOf(context, 'period')), tenant) })
  })
  app.notFound(nothing)
  app.onError((error) => refusal(error, log))
  return app
}
