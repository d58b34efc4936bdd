import type { AlertIntake } from '../../alerts/alert.ts'
import type { TenantId } from '../../core/tenant.ts'
import { plain } from '../invoices/canonical.ts'
import type { Invoices } from '../invoices/invoices.ts'
import type { Period } from '../rating/period.ts'
import type { BillingDatabase } from '../store/billing-database.ts'
import { invoicesInForce } from '../store/invoice-store.ts'
import { compareLines, type LineSides } from './compare-lines.ts'
import { compareRequests } from './compare-requests.ts'
import type { BillingFinding, Reconciliation } from './finding.ts'
import type { GatewayLog } from './sides.ts'

/** So many findings are kept and listed; the others are counted. */
const FINDINGS_MAX = 1_000

export interface ReconcilerParts extends LineSides {
  readonly database: BillingDatabase
  readonly invoices: Pick<Invoices, 'preview'>
  /** Absent: gateways' logs are not at hand, and only meters and invoices are compared. */
  readonly log?: GatewayLog | undefined
  readonly alerts: AlertIntake
  readonly now: () => Date
  /** For so long a request's event is waited for. Default 15 minutes. Milliseconds. */
  readonly lateMs?: number
}

const LATE_MS = 15 * 60_000

/** Compares gateways' logs, meters and invoices of one tenant and period, three ways. */
export class Reconciler {
  readonly #parts: ReconcilerParts

  constructor(parts: ReconcilerParts) {
    this.#parts = parts
  }

  /** Reads everything, keeps the report and its findings, and tells operators of what is new. */
  async reconcile(tenant: TenantId, period: Period): Promise<Reconciliation> {
    const { database, usage, log, recorded, now, catalogue, invoices } = this.#parts
    const at = now()
    const findings: BillingFinding[] = []
    let more = 0
    const found = (finding: BillingFinding) => {
      if (findings.length < FINDINGS_MAX) findings.push(finding)
      else more += 1
    }
    const end = Math.min(period.to.getTime(), at.getTime())
    const late = at.getTime() - (this.#parts.lateMs ?? LATE_MS)
    const complete = (await usage.watermark(tenant)).getTime()
    // Both have to be over: what senders said is complete may have been said before it was stored.
    const settledTo = new Date(Math.min(late, complete))
    const counts =
      log === undefined
        ? { logged: 0, metered: 0, matched: 0, pending: 0 }
        : await compareRequests(
            tenant,
            { from: period.from, to: new Date(Math.max(end, period.from.getTime())) },
            { log, recorded },
            settledTo,
            found,
          )
    const since = await catalogue.since(tenant)
    const sent = (await invoicesInForce(database, tenant, since)).filter(
      (invoice) => invoice.period === period.id,
    )
    // Until there is an invoice: the draft, of which the meters at least can be compared.
    const all = sent.length > 0 ? sent : await invoices.preview(tenant, period)
    let linesCompared = 0
    for (const one of all) linesCompared += await compareLines(one, this.#parts, found)
    const report: Reconciliation = {
      tenant,
      period: period.id,
      at,
      ...counts,
      linesCompared,
      logCompared: log !== undefined,
      findings,
      more,
    }
    await this.#keep(report)
    return report
  }

  async #keep(report: Reconciliation): Promise<void> {
    const { database, alerts } = this.#parts
    const { tenant, period, at, findings } = report
    const bad = findings.filter(({ kind }) => kind !== 'invoice-behind')
    // Said before it is kept: who dies in between says it again, and it is the same alert.
    await alerts.signal({
      name: 'billing-reconciliation',
      severity: 'critical',
      state: bad.length > 0 ? 'firing' : 'resolved',
      labels: { tenant, period },
      summary: `${bad.length + report.more} things do not agree in the bill of ${tenant} for ${period}`,
      at,
    })
    await database.transaction(async (tx) => {
      await tx.query('insert into billing.tenant (id) values ($1) on conflict do nothing', [tenant])
      await tx.query(
        `insert into billing.reconciliation (tenant, period, at, report) values ($1, $2, $3, $4)
         on conflict (tenant, period) do update set at = excluded.at, report = excluded.report`,
        [tenant, period, at, JSON.stringify(plain({ ...report, findings: findings.length }))],
      )
      await tx.query(
        `insert into billing.finding (tenant, period, id, kind, detail, first_seen, last_seen)
         select $1, $2, one ->> 'id', one ->> 'kind', one, $4, $4
           from jsonb_array_elements($3::jsonb) as one
         on conflict (tenant, period, id) do update
           set detail = excluded.detail, last_seen = excluded.last_seen, resolved_at = null`,
        [tenant, period, JSON.stringify(plain(findings)), at],
      )
      if (report.more > 0) return
      await tx.query(
        `update billing.finding set resolved_at = $3
          where tenant = $1 and period = $2 and last_seen < $3 and resolved_at is null`,
        [tenant, period, at],
      )
    })
  }
}
